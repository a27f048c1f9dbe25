import PlimsollModel
import Postgres

extension Ledger {
    /// Finds a person by name; nil when there is none.
    public func person(named name: String) async throws -> PersonRow? {
        try await read(Query(PersonStatements.byName, .text(name))).first.map { try PersonRow($0) }
    }

    /// Makes a person, or finds the one of that name in the same zone. Throws `.invalid` for a bad name or zone and
    /// `.conflict` when the person lives in another zone.
    @discardableResult
    public func createPerson(named name: String, zone: String) async throws -> PersonRow {
        try await transaction { connection in
            try await findOrCreatePerson(name, zone: zone, on: connection)
        }
    }
}

/// The person of this name, locked; made when new, which needs a zone: the one named, else `fallback`.
func findOrCreatePerson(
    _ name: String, zone: String?, orIn fallback: String? = nil, on connection: isolated Connection
) async throws -> PersonRow {
    try NameRule.check(name, "person")
    if let row = try await connection.query(Query(PersonStatements.lockByName, .text(name))).first {
        let person = try PersonRow(row)
        if let zone, zone != person.zone {
            throw LedgerError(.conflict, "\(name) is registered in the zone \(person.zone), not \(zone)")
        }
        return person
    }
    guard let zone = zone ?? fallback, !zone.isEmpty else {
        throw LedgerError(.invalid, "\(name) is new and has no zone", remedy: "name one, such as --zone Europe/Berlin")
    }
    do {
        _ = try Zone.named(zone)
    } catch {
        throw LedgerError(.invalid, error.message, cause: error)
    }
    _ = try await connection.query(Query(PersonStatements.create, .text(name), .text(zone)))
    return try await lockPerson(name, on: connection)
}
