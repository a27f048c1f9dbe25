import PlimsollModel
public import Postgres

/// What a person may act as. A certificate acts only while its role is granted here.
public enum RoleName: String, Sendable, CaseIterable {
    case engineer, supervisor, reviewer, `operator`
}

/// One role of one person.
public struct RoleGrantRow: Sendable, Hashable {
    public let name: String
    public let role: RoleName
}

enum RoleStatements {
    /// Index: role_grant_pkey.
    static let grant = Statement(
        "role_grant",
        "insert into role_grant (person_id, role, granted_by) values ($1, $2, $3) on conflict do nothing")
    static let revoke = Statement("role_revoke", "delete from role_grant where person_id = $1 and role = $2")
    /// Whether anybody else holds the role. A few rows.
    static let others = Statement(
        "role_others", "select exists (select from role_grant where role = $1 and person_id <> $2)")
    static let list = Statement(
        "role_list",
        """
        select p.name, r.role from role_grant r join person p using (person_id)
        where $1 = '' or p.name = $1 order by p.name, r.role
        """)
}

extension Ledger {
    /// Zone of people who get a role without having been enrolled; it only matters for engineers' limits.
    static let defaultZone = "UTC"

    /// Lets a person act in a role; makes the person when new. Doing it twice is no error.
    public func grantRole(_ role: RoleName, to name: String, by actor: String) async throws {
        try await withEpoch(cause: "role granted") { connection in
            try await grant(role, to: name, by: actor, on: connection)
        }
    }

    /// Takes a role away; running streams under it end. Throws `.notFound` when it was not granted and `.refused` for
    /// the last operator, who could not be replaced by anybody.
    public func revokeRole(_ role: RoleName, from name: String, by actor: String) async throws {
        try await withEpoch(cause: "role revoked") { connection in
            let person = try await lockPerson(name, on: connection)
            if role == .operator {
                let others = try await connection.query(
                    Query(RoleStatements.others, .text(role.rawValue), .int8(person.id.rawValue)))
                guard try others[0].bool(0) else {
                    throw LedgerError(
                        .refused, "\(name) is the last operator", remedy: "grant the role to somebody else first")
                }
            }
            let gone = try await connection.query(
                Query(RoleStatements.revoke, .int8(person.id.rawValue), .text(role.rawValue)))
            guard gone.affected == 1 else {
                throw LedgerError(.notFound, "\(name) does not hold the role \(role.rawValue)")
            }
            _ = try await appendFact(person.id, on: connection)
            try await appendChainEvent(
                .roleRevoked, actor: actor, about: person.id,
                detail: ["person": .string(name), "role": .string(role.rawValue)], on: connection)
        }
    }

    /// All grants, or those of one person, by name.
    public func roles(of name: String? = nil) async throws -> [RoleGrantRow] {
        try await read(Query(RoleStatements.list, .text(name ?? ""))).compactMap { row in
            let role = RoleName(rawValue: try row.text(1))
            return try role.map { RoleGrantRow(name: try row.text(0), role: $0) }
        }
    }

    /// Names the first operator of a deployment, over the owner's connection and without any certificate: what
    /// `plimsoll migrate --operator NAME` does, once. Throws `.refused` when somebody else is operator already.
    public static func nameFirstOperator(_ name: String, _ connection: Connection) async throws {
        do {
            try await connection.transaction { connection in
                try await connection.execute(script: "set local search_path = plimsoll")
                _ = try await connection.query(Query(EpochStatements.lock))
                let person = try await findOrCreatePerson(name, zone: nil, orIn: defaultZone, on: connection)
                let others = try await connection.query(
                    Query(RoleStatements.others, .text(RoleName.operator.rawValue), .int8(person.id.rawValue)))
                guard try !others[0].bool(0) else {
                    throw LedgerError(
                        .refused, "this deployment has an operator", remedy: "let them run plimsoll role grant")
                }
                try await grant(.operator, to: name, by: "migrate", on: connection)
                _ = try await connection.query(Query(EpochStatements.advance, .text("first operator")))
            }
        } catch {
            throw LedgerError.translating(error)
        }
    }
}

/// Grants inside the caller's transaction.
func grant(_ role: RoleName, to name: String, by actor: String, on connection: isolated Connection) async throws {
    let person = try await findOrCreatePerson(name, zone: nil, orIn: Ledger.defaultZone, on: connection)
    let added = try await connection.query(
        Query(RoleStatements.grant, .int8(person.id.rawValue), .text(role.rawValue), .text(actor)))
    if added.affected == 0 { return }
    _ = try await appendFact(person.id, on: connection)
    try await appendChainEvent(
        .roleGranted, actor: actor, about: person.id,
        detail: ["person": .string(name), "role": .string(role.rawValue)], on: connection)
}
