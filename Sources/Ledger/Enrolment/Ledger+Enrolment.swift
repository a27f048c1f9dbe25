import PlimsollModel
import Postgres

/// One of the people who are enrolled together.
public struct NewEngineer: Sendable, Hashable {
    public var name: String
    /// IANA name; nil: the person exists.
    public var zone: String?
    /// SHA-256 of a one-time token for the person's certificate request; nil: none was made.
    public var tokenHash: [UInt8]?

    public init(name: String, zone: String? = nil, tokenHash: [UInt8]? = nil) {
        self.name = name
        self.zone = zone
        self.tokenHash = tokenHash
    }
}

/// What an enrolment led to.
public struct EnrolmentOutcome: Sendable, Hashable {
    /// In the order in which they were named.
    public let people: [PersonRow]
    /// The team that people were put into and how many its supervisor answers for; nil: everybody was in a team before.
    public let span: SpanOfControl?
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
        update enrolment_token set used_at = clock()
        where hash = $1 and person_id = $2 and used_at is null and expires_at > clock()
        """)
    /// Locks those who exist, in id order. Indexes: person_name_key. Lock order: after the supervisor.
    static let lockNamed = Statement(
        "enrolment_lock_named",
        "select person_id from person where name = any($1::text[]) order by person_id for no key update")
}

extension Ledger {
    /// How long an enrolment token can be used.
    public static let enrolmentTokenHours = 72
    /// People in one call. More than any supervisor may answer for, so that a team that is too large is refused by the
    /// rule and not by this number.
    public static let enrolmentPeopleMax = 1_000

    /// Enrols engineers in projects, all of them or nobody, with the record of why; makes people who are new and
    /// grants the role. Where somebody is enrolled already, the first record stays.
    ///
    /// Everybody gets a supervisor: those who are in no team yet come into `team`, or where none is named into the
    /// team of whoever decided, who answers for them. Beyond the policy's `span-max` nobody comes in.
    ///
    /// Throws `.invalid` for an incomplete record, a decider who is no supervisor or operator, or a new person without
    /// zone; `.notFound` for a project or team; `.conflict` for somebody who is in another team; `.refused` by
    /// `SpanOfControl.rule`.
    public func enrolEngineers(
        _ people: [NewEngineer], projects names: [String], selection: SelectionRecord, team: String? = nil,
        by actor: String
    ) async throws -> EnrolmentOutcome {
        try selection.check()
        guard !names.isEmpty else { throw LedgerError(.invalid, "name at least one project to enrol in") }
        guard !people.isEmpty else { throw LedgerError(.invalid, "name at least one person to enrol") }
        guard people.count <= Self.enrolmentPeopleMax else {
            throw LedgerError(.invalid, "at most \(Self.enrolmentPeopleMax) people are enrolled in one call")
        }
        guard Set(people.map(\.name)).count == people.count else {
            throw LedgerError(.invalid, "somebody is named twice")
        }
        for person in people where person.name == selection.decidedBy {
            throw LedgerError(.invalid, "\(person.name) cannot decide about their own enrolment")
        }
        // Under the locks of team, supervisor and people alone: it takes nothing away, and coordinators see the new
        // numbers.
        let outcome = try await transaction { connection in
            var ids: [Int64] = []
            for name in names { ids.append(try await findProject(name, on: connection).id.rawValue) }
            try await checkDecider(selection.decidedBy, on: connection)
            let span = try await openSpan(
                for: people.map(\.name), team: team, decider: selection.decidedBy, by: actor, on: connection)
            _ = try await connection.query(
                Query(EnrolmentStatements.lockNamed, .textArray(people.map(\.name))))
            var rows: [String: PersonRow] = [:]
            // In the order of names, so that two calls that make the same people do not wait for each other.
            for person in people.sorted(by: { $0.name < $1.name }) {
                rows[person.name] = try await findOrCreatePerson(person.name, zone: person.zone, on: connection)
            }
            let found = people.compactMap { rows[$0.name] }
            let counted = try await enter(
                found, into: span, named: team, decidedBy: selection.decidedBy, on: connection)
            for (person, new) in zip(found, people) {
                try await enrol(
                    person, new, in: ids, named: names, selection: selection, team: counted?.team, by: actor,
                    on: connection)
            }
            return EnrolmentOutcome(people: found, span: counted)
        }
        for person in outcome.people { await notify(.person, person.id.description) }
        return outcome
    }

    /// The same for one person, who comes into the decider's team where they are in none.
    @discardableResult
    public func enrolEngineer(
        _ name: String, zone: String?, projects: [String], selection: SelectionRecord, tokenHash: [UInt8]? = nil,
        by actor: String
    ) async throws -> PersonRow {
        try await enrolEngineers(
            [NewEngineer(name: name, zone: zone, tokenHash: tokenHash)], projects: projects, selection: selection,
            by: actor
        ).people[0]
    }
}

private func enrol(
    _ person: PersonRow, _ new: NewEngineer, in projects: [Int64], named names: [String], selection: SelectionRecord,
    team: String?, by actor: String, on connection: isolated Connection
) async throws {
    try await grant(.engineer, to: person.name, by: actor, on: connection)
    _ = try await connection.query(
        Query(
            EnrolmentStatements.enrol, .int8(person.id.rawValue), .int8Array(projects), .text(selection.rule),
            .text(selection.dataUsed), .text(selection.decidedBy), .text(selection.alternativeOffered)))
    if let hash = new.tokenHash { try await keepToken(hash, of: person.id, on: connection) }
    _ = try await appendFact(person.id, on: connection)
    try await appendChainEvent(
        .engineerEnrolled, actor: actor, about: person.id,
        detail: [
            "person": .string(person.name), "projects": .strings(names), "rule": .string(selection.rule),
            "data_used": .string(selection.dataUsed), "decided_by": .string(selection.decidedBy),
            "alternative_offered": .string(selection.alternativeOffered), "token": .bool(new.tokenHash != nil),
            "team": team.map { .string($0) } ?? .null,
        ], on: connection)
}

/// Keeps the hash of a token that the person may use once.
func keepToken(_ hash: [UInt8], of person: PersonID, on connection: isolated Connection) async throws {
    _ = try await connection.query(
        Query(
            EnrolmentStatements.token, .bytea(hash), .int8(person.rawValue),
            .int4(Int32(Ledger.enrolmentTokenHours))))
}

/// Uses a token of the person up. Throws `.refused` for one that is unknown, somebody else's, used or too old: they are
/// not told apart.
func useToken(_ hash: [UInt8], of person: PersonRow, on connection: isolated Connection) async throws {
    let used = try await connection.query(
        Query(EnrolmentStatements.useToken, .bytea(hash), .int8(person.id.rawValue)))
    guard used.affected == 1 else {
        throw LedgerError(
            .refused, "this enrolment token is not valid for \(person.name), or not any more",
            remedy: "ask an operator for a new one: plimsoll engineer enrol makes one, and plimsoll role grant")
    }
}
