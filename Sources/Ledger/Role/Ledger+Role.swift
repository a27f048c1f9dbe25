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
    /// Whether anybody else holds the role and is not denied. A few rows.
    static let others = Statement(
        "role_others",
        """
        select exists (select from role_grant g where g.role = $1 and g.person_id <> $2
            and not exists (select from denial d where d.person_id = g.person_id))
        """)
    static let holds = Statement(
        "role_holds", "select exists (select from role_grant where role = $1 and person_id = $2)")
    /// Index: chain_detail_subject.
    static let end = Statement(
        "role_end",
        """
        select d.actor, (e.at at time zone 'UTC')::date, d.detail ->> 'reason'
        from person p join chain_detail d on d.subject_id = p.person_id join chain_event e using (event_id)
        where p.name = $1 and e.kind = 'role.revoked' and d.detail ->> 'role' = $2 and d.detail ->> 'reason' <> ''
        order by event_id desc limit 1
        """)
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

    /// Lets a person act in a role; makes the person when new. Doing it twice is no error. With a token's hash the
    /// person may ask for a certificate, once.
    public func grantRole(
        _ role: RoleName, to name: String, tokenHash: [UInt8]? = nil, by actor: String
    ) async throws {
        try await withEpoch(cause: "role granted") { connection in
            try await grant(role, to: name, tokenHash: tokenHash, by: actor, on: connection)
        }
    }

    /// Takes a role away; running streams under it end. Needs a named human and a reason, which the person is told
    /// (P13). Throws `.notFound` when it was not granted and `.refused` for the last operator, who could not be
    /// replaced by anybody.
    public func revokeRole(_ role: RoleName, from name: String, reason: String, by actor: String) async throws {
        try ReasonRule.check(reason, "nobody loses a role without a reason")
        try await withEpoch(cause: "role revoked") { connection in
            let person = try await lockPerson(name, on: connection)
            if role == .operator { try await checkOthersOperate(beside: person, on: connection) }
            let gone = try await connection.query(
                Query(RoleStatements.revoke, .int8(person.id.rawValue), .text(role.rawValue)))
            guard gone.affected == 1 else {
                throw LedgerError(.notFound, "\(name) does not hold the role \(role.rawValue)")
            }
            _ = try await appendFact(person.id, on: connection)
            try await appendChainEvent(
                .roleRevoked, actor: actor, about: person.id,
                detail: ["person": .string(name), "role": .string(role.rawValue), "reason": .string(reason)],
                on: connection)
        }
    }

    /// By whom, when and why a role was last taken from a person, in words for that person; nil: it was not, or by a
    /// build that asked for no reason.
    public func roleEnd(_ role: String, of name: String) async throws -> String? {
        guard let row = try await read(Query(RoleStatements.end, .text(name), .text(role))).first else { return nil }
        return "by \(try row.text(0)) on \(LocalDay(try row.date(1))): \(try row.text(2))"
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
func grant(
    _ role: RoleName, to name: String, tokenHash: [UInt8]? = nil, by actor: String, on connection: isolated Connection
) async throws {
    let person = try await findOrCreatePerson(name, zone: nil, orIn: Ledger.defaultZone, on: connection)
    let added = try await connection.query(
        Query(RoleStatements.grant, .int8(person.id.rawValue), .text(role.rawValue), .text(actor)))
    if let tokenHash { try await keepToken(tokenHash, of: person.id, on: connection) }
    if added.affected == 0, tokenHash == nil { return }
    _ = try await appendFact(person.id, on: connection)
    try await appendChainEvent(
        .roleGranted, actor: actor, about: person.id,
        detail: [
            "person": .string(name), "role": .string(role.rawValue), "token": .bool(tokenHash != nil),
        ], on: connection)
}

/// Throws `.refused` for the last operator who can act: nobody could undo it.
func checkOthersOperate(beside person: PersonRow, on connection: isolated Connection) async throws {
    let role = Bind.text(RoleName.operator.rawValue)
    let others = try await connection.query(Query(RoleStatements.others, role, .int8(person.id.rawValue)))
    guard try others[0].bool(0) else {
        throw LedgerError(
            .refused, "\(person.name) is the last operator",
            remedy: "grant the role to somebody else first; where a key was stolen, deny its certificate by serial")
    }
}
