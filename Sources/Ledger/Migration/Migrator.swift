public import Logging
import PlimsollModel
public import Postgres

/// Brings a database's schema up to this build, run by the role that owns the schema or may create it.
public struct Migrator: Sendable {
    /// PostgreSQL 15, as `server_version_num` counts.
    public static let serverVersionMin = 150_000
    /// Session lock that lets one migrator at a time work on a database: "PLIMSOLM".
    static let lockKey: Int64 = 0x504c_494d_534f_4c4d
    /// How long one migrator waits for another.
    static let patience = "10min"
    /// For a table, each time, and the pause in between: ten minutes in all.
    private static let lockWait = "100ms"
    private static let lockPause = Duration.milliseconds(200)
    private static let lockAttemptsMax = 2_000

    let migrations: [Migration]
    let logger: Logger

    public init(migrations: [Migration] = Migration.shipped, logger: Logger) {
        self.migrations = migrations
        self.logger = logger
    }

    /// What `run` would apply now; nothing is changed and no lock is taken.
    public func plan(_ connection: Connection) async throws -> [Migration] {
        do {
            try await Self.checkServer(connection)
            return try await missing(connection)
        } catch {
            throw LedgerError.translating(error)
        }
    }

    /// Applies what is missing, each step in a transaction of its own, and gives the steps applied (none when the
    /// schema is current). Any number of migrators may start at once: they go one after the other.
    ///
    /// Throws `.schema` with the command to run when the server is too old, the role is not the owner, a needed role
    /// cannot be made, or the database belongs to another build.
    @discardableResult
    public func run(_ connection: Connection) async throws -> [Migration] {
        do {
            try await Self.checkServer(connection)
            try await connection.execute(script: "set lock_timeout = '\(Self.patience)'; set statement_timeout = 0")
            _ = try await connection.query(Query(MigrationStatements.lock))
            // A session lock: it outlives the transactions of the steps and ends with the connection at the latest.
            let result: Result<[Migration], any Error>
            do { result = .success(try await runLocked(connection)) } catch { result = .failure(error) }
            _ = try await connection.query(Query(MigrationStatements.unlock))
            try await connection.execute(script: "reset lock_timeout; reset statement_timeout")
            return try result.get()
        } catch {
            throw LedgerError.translating(error)
        }
    }

    static func checkServer(_ connection: Connection) async throws {
        let version = await connection.serverVersion
        guard version >= serverVersionMin else {
            throw LedgerError(
                .schema, "the server runs PostgreSQL \(version / 10_000), and Plimsoll needs 15 or newer",
                remedy: "upgrade the server with pg_upgrade")
        }
    }

    private func runLocked(_ connection: Connection) async throws -> [Migration] {
        try await checkOwner(connection)
        try await prepare(connection)
        let missing = try await missing(connection)
        if !missing.isEmpty { try await DatabaseRole.ensure(connection) }
        for migration in missing { try await apply(migration, connection) }
        try await insertShippedPolicy(connection)
        return missing
    }

    private func missing(_ connection: Connection) async throws -> [Migration] {
        guard try await connection.query(Query(SchemaStatements.exists))[0].bool(0) else { return migrations }
        let applied = try await AppliedMigration.all(connection)
        switch AppliedMigration.compare(applied, with: migrations) {
        case .older(let missing): return migrations.filter { missing.contains($0.number) }
        case .current: return []
        case let state: throw LedgerError(.schema, state.problem ?? "the schema is of another build")
        }
    }

    private func checkOwner(_ connection: Connection) async throws {
        let row = try await connection.query(Query(MigrationStatements.owner))[0]
        let me = try row.text(0)
        if let owner = try row.textOrNil(1), try !row.bool(2) {
            throw LedgerError(
                .schema, "the schema plimsoll belongs to the role \(owner), not to \(me)",
                remedy: "run plimsoll migrate as \(owner)")
        }
        guard try !row.isNull(1) || row.bool(3) else {
            throw LedgerError(
                .schema, "the role \(me) may not create a schema in this database",
                remedy: "run plimsoll migrate as the database's owner")
        }
    }

    private func prepare(_ connection: Connection) async throws {
        try await connection.transaction { connection in
            try await connection.execute(script: MigrationStatements.prepare)
        }
    }

    /// Who waits for a table's lock keeps all behind it from the table, flushes among them: so for moments only, again and
    /// again.
    private func apply(_ migration: Migration, _ connection: Connection) async throws {
        for attempt in 1... {
            do {
                try await applyOnce(migration, connection)
                break
            } catch let error as PostgresError where error.sqlState == "55P03" && attempt < Self.lockAttemptsMax {
                if attempt == 1 {
                    logger.notice(
                        "a table is in use; the migration is tried until it is free",
                        metadata: ["migration": "\(migration.title)"])
                }
                try await Task.sleep(for: Self.lockPause)
            }
        }
        logger.info("migration applied", metadata: ["migration": "\(migration.title)"])
    }

    private func applyOnce(_ migration: Migration, _ connection: Connection) async throws {
        try await connection.transaction(retries: .none) { connection in
            try await connection.execute(
                script: "set local search_path = plimsoll; set local lock_timeout = '\(Self.lockWait)'")
            try await connection.execute(script: migration.sql)
            _ = try await connection.query(
                Query(
                    MigrationStatements.record, .int4(Int32(migration.number)), .text(migration.name),
                    .bytea(migration.checksum)))
        }
    }

    private func insertShippedPolicy(_ connection: Connection) async throws {
        let document = ShippedPolicy.document
        _ = try await connection.query(Query(MigrationStatements.shippedPolicy, .text(document)))
    }
}

enum MigrationStatements {
    static let lock = Statement.unprepared("select pg_advisory_lock(\(Migrator.lockKey))")
    static let unlock = Statement.unprepared("select pg_advisory_unlock(\(Migrator.lockKey))")
    /// Who runs this, who owns the schema (null: nobody yet), whether the former may act as the latter, and whether
    /// the former may make a schema here.
    static let owner = Statement.unprepared(
        """
        select current_user::text, o.rolname::text, coalesce(pg_has_role(current_user, o.oid, 'USAGE'), false),
            has_database_privilege(current_database(), 'CREATE')
        from (select 1) one
            left join pg_namespace n on n.nspname = 'plimsoll' left join pg_roles o on o.oid = n.nspowner
        """)
    static let prepare = """
        create schema if not exists plimsoll;
        create table if not exists plimsoll.migration (
            number     integer primary key,
            name       text not null,
            checksum   bytea not null,
            applied_at timestamptz not null default clock_timestamp()
        );
        """
    static let record = Statement.unprepared(
        "insert into plimsoll.migration (number, name, checksum) values ($1, $2, $3)")
    /// Version 1 of the policy, once. Index: policy_pkey.
    static let shippedPolicy = Statement.unprepared(
        """
        insert into plimsoll.policy (document, author, reason)
        select $1, 'plimsoll', 'shipped defaults' where not exists (select from plimsoll.policy)
        """)
}
