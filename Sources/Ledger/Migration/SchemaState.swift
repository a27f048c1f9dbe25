import PlimsollModel
public import Postgres

/// How the database's schema stands to this build.
public enum SchemaState: Sendable, Equatable {
    /// Every step of this build and no other.
    case current
    /// No schema of ours at all.
    case absent
    /// These steps are missing.
    case older(missing: [Int])
    /// These steps are not known to this build: the database belongs to a newer one.
    case newer(unknown: [Int])
    /// This step was applied with another text.
    case changed(Int)
    /// `plimsoll.clock()` is not the shipped one (P8).
    case foreignClock

    /// What is wrong and the command to run; nil when nothing is.
    public var problem: String? {
        switch self {
        case .current: nil
        case .absent: "the database has no Plimsoll schema; run plimsoll migrate as its owner"
        case .older(let missing):
            "the schema lacks \(Self.list(missing)); run plimsoll migrate as its owner, then start again"
        case .newer(let unknown):
            "the schema has \(Self.list(unknown)), unknown to this build; run the newer plimsoll"
        case .changed(let number):
            "migration \(number) was applied with another text; restore the database or the build that made it, "
                + "and see plimsoll migrate --dry-run"
        case .foreignClock:
            "plimsoll.clock() is not the shipped function, so times cannot be trusted (P8); restore it as in "
                + "Schema/sql/001_foundation.sql"
        }
    }

    private static func list(_ numbers: [Int]) -> String {
        (numbers.count == 1 ? "migration " : "migrations ") + numbers.map(String.init).joined(separator: ", ")
    }
}

enum SchemaStatements {
    static let exists = Statement.unprepared("select to_regclass('plimsoll.migration') is not null")
    static let applied = Statement.unprepared(
        "select number, name, checksum from plimsoll.migration order by number")
    static let clock = Statement.unprepared(
        """
        select p.prosrc, l.lanname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            join pg_language l on l.oid = p.prolang
        where n.nspname = 'plimsoll' and p.proname = 'clock'
        """)
}

/// The body of the shipped `plimsoll.clock()`.
let shippedClock = (language: "sql", source: " select clock_timestamp() ")

extension Ledger {
    /// Compares the database with this build; any role that may read `plimsoll.migration` can ask. `serve` starts only
    /// on `.current`. Throws `LedgerError` when the server is older than `Migrator.serverVersionMin`.
    public static func schemaState(
        _ connection: Connection, migrations: [Migration] = Migration.shipped
    ) async throws -> SchemaState {
        do {
            try await Migrator.checkServer(connection)
            guard try await connection.query(Query(SchemaStatements.exists))[0].bool(0) else { return .absent }
            let applied = try await AppliedMigration.all(connection)
            let state = AppliedMigration.compare(applied, with: migrations)
            guard state == .current else { return state }
            let clocks = try await connection.query(Query(SchemaStatements.clock))
            let isShipped =
                try clocks.count == 1 && clocks[0].text(0) == shippedClock.source
                && clocks[0].text(1) == shippedClock.language
            return isShipped ? .current : .foreignClock
        } catch {
            throw LedgerError.translating(error)
        }
    }

    /// The same over a pooled connection.
    public func schemaState() async throws -> SchemaState {
        do {
            return try await pool.withConnection { connection in try await Self.schemaState(connection) }
        } catch {
            throw LedgerError.translating(error)
        }
    }
}

/// A step as the database has recorded it.
struct AppliedMigration: Sendable {
    let number: Int
    let name: String
    let checksum: [UInt8]

    static func all(_ connection: Connection) async throws -> [AppliedMigration] {
        try await connection.query(Query(SchemaStatements.applied)).map {
            AppliedMigration(number: Int(try $0.int4(0)), name: try $0.text(1), checksum: try $0.bytes(2))
        }
    }

    static func compare(_ applied: [AppliedMigration], with shipped: [Migration]) -> SchemaState {
        let known = Dictionary(uniqueKeysWithValues: shipped.map { ($0.number, $0) })
        let unknown = applied.map(\.number).filter { known[$0] == nil }
        if !unknown.isEmpty { return .newer(unknown: unknown) }
        if let changed = applied.first(where: { known[$0.number]?.checksum != $0.checksum }) {
            return .changed(changed.number)
        }
        let have = Set(applied.map(\.number))
        let missing = shipped.map(\.number).filter { !have.contains($0) }
        return missing.isEmpty ? .current : .older(missing: missing)
    }
}
