import PlimsollModel
import Postgres

/// Why somebody was asked to work in a project. No record, no lease.
public struct SelectionRecord: Sendable, Hashable {
    /// The rule by which people are chosen, with its version.
    public var rule: String
    public var dataUsed: String
    /// A human being.
    public var decidedBy: String
    public var alternativeOffered: String

    public init(rule: String, dataUsed: String, decidedBy: String, alternativeOffered: String) {
        self.rule = rule
        self.dataUsed = dataUsed
        self.decidedBy = decidedBy
        self.alternativeOffered = alternativeOffered
    }

    /// Throws `.invalid`, naming all that is missing.
    func check() throws {
        let missing = [
            ("rule", rule), ("data used", dataUsed), ("decided by", decidedBy),
            ("alternative offered", alternativeOffered),
        ].filter { $0.1.allSatisfy(\.isWhitespace) }.map(\.0)
        guard missing.isEmpty else {
            throw LedgerError(
                .invalid, "the selection record lacks: \(missing.joined(separator: ", "))",
                remedy: "no record, no lease: say each of them")
        }
    }
}

enum EnrolmentStatements {
    /// A record that exists stays as it is. Index: enrolment_pkey.
    static let enrol = Statement(
        "enrolment_insert",
        """
        insert into enrolment (project_id, person_id, rule, data_used, decided_by, alternative_offered, decided_at)
        select p.project_id, $1, $3, $4, $5, $6, clock() from project p where p.project_id = any($2::bigint[])
        on conflict do nothing
        """)
    static let token = Statement(
        "enrolment_token_insert",
        """
        insert into enrolment_token (hash, person_id, created_at, expires_at)
        values ($1, $2, clock(), clock() + make_interval(hours => $3))
        """)
    /// Uses a token up, once. Index: enrolment_token_pkey.
    static let useToken = Statement(
        "enrolment_token_use",
        """
        update enrolment_token t set used_at = clock() from person p
        where t.hash = $1 and t.used_at is null and t.expires_at > clock() and p.person_id = t.person_id
        returning p.person_id, p.name, p.zone
        """)
}

extension Ledger {
    /// How long an enrolment token can be used.
    public static let enrolmentTokenHours = 72

    /// Enrols an engineer in projects, with the record of why; makes the person when new and grants the role. Where
    /// the person is enrolled already, the first record stays. `tokenHash` is stored for one certificate request.
    ///
    /// Throws `.invalid` for an incomplete record or a new person without zone, `.notFound` for a project.
    public func enrolEngineer(
        _ name: String, zone: String?, projects names: [String], selection: SelectionRecord,
        tokenHash: [UInt8]? = nil, by actor: String
    ) async throws -> PersonRow {
        try selection.check()
        guard !names.isEmpty else { throw LedgerError(.invalid, "name at least one project to enrol in") }
        // Under the person's lock alone: it gives and takes nothing away, and coordinators see the new number.
        let person = try await transaction { connection in
            var ids: [Int64] = []
            for name in names { ids.append(try await findProject(name, on: connection).id.rawValue) }
            let person = try await findOrCreatePerson(name, zone: zone, on: connection)
            try await grant(.engineer, to: name, by: actor, on: connection)
            _ = try await connection.query(
                Query(
                    EnrolmentStatements.enrol, .int8(person.id.rawValue), .int8Array(ids), .text(selection.rule),
                    .text(selection.dataUsed), .text(selection.decidedBy), .text(selection.alternativeOffered)))
            if let tokenHash {
                _ = try await connection.query(
                    Query(
                        EnrolmentStatements.token, .bytea(tokenHash), .int8(person.id.rawValue),
                        .int4(Int32(Self.enrolmentTokenHours))))
            }
            _ = try await appendFact(person.id, on: connection)
            try await appendChainEvent(
                .engineerEnrolled, actor: actor, about: person.id,
                detail: [
                    "person": .string(name), "projects": .strings(names), "rule": .string(selection.rule),
                    "data_used": .string(selection.dataUsed), "decided_by": .string(selection.decidedBy),
                    "alternative_offered": .string(selection.alternativeOffered), "token": .bool(tokenHash != nil),
                ], on: connection)
            return person
        }
        await notify(.person, person.id.description)
        return person
    }

    /// Uses an enrolment token up and says whose it was. Throws `.refused` for one that is unknown, used or too old:
    /// the three are not told apart.
    public func useEnrolmentToken(hash: [UInt8]) async throws -> PersonRow {
        guard let row = try await read(Query(EnrolmentStatements.useToken, .bytea(hash))).first else {
            throw LedgerError(
                .refused, "this enrolment token is not valid, or not any more",
                remedy: "ask an operator for a new one: plimsoll engineer enrol NAME --token")
        }
        return try PersonRow(row)
    }
}
