public import PlimsollModel
import Postgres

/// A person as the ledger knows them.
public struct PersonRow: Sendable, Hashable {
    public let id: PersonID
    public let name: String
    /// IANA name of the person's zone.
    public let zone: String
}

enum PersonStatements {
    /// The serialization point for everything about a person (P2, P7). Index: person_name_key. Lock order: 2, after
    /// the epoch, before lanes; several people in id order.
    static let lockByName = Statement(
        "person_lock_name", "select person_id, name, zone from person where name = $1 for no key update")
    /// The same by id, for several, in id order. Index: person_pkey.
    static let lockByID = Statement(
        "person_lock_ids",
        """
        select person_id, name, zone from person where person_id = any($1::bigint[])
        order by person_id for no key update
        """)
    /// Index: person_name_key.
    static let byName = Statement("person_by_name", "select person_id, name, zone from person where name = $1")
    /// Does nothing when the name is taken. Index: person_name_key.
    static let create = Statement(
        "person_create",
        """
        insert into person (name, zone) values ($1, $2) on conflict (name) do nothing
        returning person_id, name, zone
        """)
}

extension PersonRow {
    init(_ row: Row) throws {
        self.init(id: PersonID(try row.int8(0)), name: try row.text(1), zone: try row.text(2))
    }
}

/// Locks one person until the transaction ends. Throws `.notFound`.
func lockPerson(_ name: String, on connection: isolated Connection) async throws -> PersonRow {
    let rows = try await connection.query(Query(PersonStatements.lockByName, .text(name)))
    guard let row = rows.first else { throw unknownPerson(name) }
    return try PersonRow(row)
}

/// Locks these people in id order until the transaction ends.
func lockPeople(_ people: [PersonID], on connection: isolated Connection) async throws {
    let ids = people.map(\.rawValue).sorted()
    let rows = try await connection.query(Query(PersonStatements.lockByID, .int8Array(ids)))
    guard rows.count == Set(ids).count else { throw LedgerError(.fault, "a person to be locked does not exist") }
}

/// The database's clock; decisions read it after the lock was had (P8).
func clock(on connection: isolated Connection) async throws -> Moment {
    Moment(microseconds: try await connection.query(Query(FlushStatements.clock))[0].timestamptz(0))
}

func unknownPerson(_ name: String) -> LedgerError {
    LedgerError(.notFound, "nobody is named “\(name)”", remedy: "see plimsoll engineer list and plimsoll role list")
}

/// The rule for what the record says why it was done (P13).
enum ReasonRule {
    /// Throws `.invalid` for nothing and for nothing but blanks; `refusal` says what is not done without a reason.
    static func check(_ reason: String, _ refusal: String) throws {
        guard !reason.allSatisfy(\.isWhitespace) else {
            throw LedgerError(.invalid, refusal, remedy: "say it with --reason")
        }
    }

    /// Of reasons that a table of their own keeps.
    static let bytesMax = 4_096

    /// Throws `.invalid` for one that is too long to keep.
    static func checkLength(_ reason: String) throws {
        guard reason.utf8.count <= bytesMax else {
            throw LedgerError(.invalid, "a reason is at most \(bytesMax) bytes long")
        }
    }
}

/// The rule for the names of people, projects, purposes and notices.
enum NameRule {
    static let text = "1 to 63 of a-z, 0-9, dot, underscore and hyphen, starting with a letter or digit"

    static func holds(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...63).contains(bytes.count), let first = bytes.first, isLetterOrDigit(first) else { return false }
        return bytes.allSatisfy { isLetterOrDigit($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }
    }

    /// Throws `.invalid` that names the rule. `what` is the thing named, such as "project".
    static func check(_ name: String, _ what: String) throws {
        guard holds(name) else { throw LedgerError(.invalid, "“\(name)” is no name for a \(what): \(text)") }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }
}
