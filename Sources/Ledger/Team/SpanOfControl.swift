import PlimsollModel
import Postgres

/// How many engineers one supervisor answers for, over all of their teams, against the policy's limits.
public struct SpanOfControl: Sendable, Hashable {
    /// The rule's name in messages and on screens.
    public static let rule = "span-of-control"

    /// The team that was changed.
    public let team: String
    public let supervisor: String
    public let engineers: Int
    /// Above this a warning is given; nil: never.
    public let warnAbove: Int?
    /// Above this nobody comes in.
    public let max: Int

    public init(team: String, supervisor: String, engineers: Int, warnAbove: Int?, max: Int) {
        self.team = team
        self.supervisor = supervisor
        self.engineers = engineers
        self.warnAbove = warnAbove
        self.max = max
    }

    /// What to tell whoever made it so; nil: all is well.
    public var warning: String? {
        guard let warnAbove, engineers > warnAbove else { return nil }
        return
            "\(supervisor) answers for \(engineers) engineers, more than \(warnAbove); at \(max) nobody more comes in "
            + "(\(Self.rule))"
    }

    /// Throws `.refused` with the rule, the value and the limit.
    func check() throws {
        guard engineers > max else { return }
        throw LedgerError(
            .refused,
            "\(supervisor) would answer for \(engineers) engineers, and \(max) is the most for one supervisor "
                + "(\(Self.rule): \(engineers) of \(max))",
            remedy: "use a team of another supervisor: plimsoll team create NAME --supervisor OTHER")
    }
}

enum SpanStatements {
    /// Whether a person decides as a human being with the office to do so: a coordinator's certificate names no
    /// person. Indexes: person_name_key, role_grant_pkey, denial by a few rows.
    static let decider = Statement(
        "span_decider",
        """
        select exists (select from role_grant r where r.person_id = p.person_id
                and r.role in ('supervisor', 'operator'))
            and not exists (select from denial d where d.person_id = p.person_id)
        from person p where p.name = $1
        """)
    /// Who of these names is in no team. Indexes: person_name_key, team_member_pkey.
    static let teamless = Statement(
        "span_teamless",
        """
        select n.name from unnest($1::text[]) n (name)
        where not exists (select from person p join team_member m using (person_id) where p.name = n.name)
        """)
    /// The teams of people whose locks the caller holds. Index: team_member_pkey.
    static let teams = Statement(
        "span_teams",
        """
        select m.person_id, t.name from team_member m join team t using (team_id)
        where m.person_id = any($1::bigint[])
        """)
    /// Under the locks of team and supervisor, so by one at a time. Indexes: team_supervisor, team_member_team.
    static let count = Statement(
        "span_count",
        "select count(*) from team t join team_member m using (team_id) where t.supervisor_id = $1")
    static let enter = Statement(
        "span_enter",
        """
        insert into team_member (person_id, team_id, since, decided_by)
        select unnest($1::bigint[]), $2, clock(), $3
        """)
}

/// A team whose row and whose supervisor's row are locked until the transaction ends.
struct LockedTeam: Sendable {
    let id: Int64
    let name: String
    let supervisor: PersonRow
    let oversight: OversightLimits

    /// The supervisor's span as this transaction sees it now.
    func span(on connection: isolated Connection) async throws -> SpanOfControl {
        let count = try await connection.query(Query(SpanStatements.count, .int8(supervisor.id.rawValue)))
        return SpanOfControl(
            team: name, supervisor: supervisor.name, engineers: Int(try count[0].int8(0)),
            warnAbove: oversight.spanWarn, max: oversight.spanMax)
    }
}

/// Throws `.invalid` when this is not the name of somebody who may decide about others' enrolment.
func checkDecider(_ name: String, on connection: isolated Connection) async throws {
    let row = try await connection.query(Query(SpanStatements.decider, .text(name))).first
    guard try row?.bool(0) == true else {
        throw LedgerError(
            .invalid,
            "“\(name)” is nobody who may decide about an enrolment: a person with the role supervisor or "
                + "operator does, never a service",
            remedy: "name such a person; plimsoll role list shows them, plimsoll role grant makes one")
    }
}

/// The team that people without one come into, locked; nil: everybody is in a team. Without a named team it is the
/// decider's own, made when new.
func openSpan(
    for people: [String], team: String?, decider: String, by actor: String, on connection: isolated Connection
) async throws -> LockedTeam? {
    if let team { return try await lockTeam(team, on: connection) }
    let teamless = try await connection.query(Query(SpanStatements.teamless, .textArray(people)))
    if teamless.isEmpty { return nil }
    try await makeTeam(decider, of: decider, by: actor, on: connection)
    let own = try await lockTeam(decider, on: connection)
    guard own.supervisor.name == decider else {
        throw LedgerError(
            .conflict, "the team \(decider) is not \(decider)'s own any more: \(own.supervisor.name) answers for it",
            remedy: "name a team with --team")
    }
    return own
}

/// Puts those of these people who are in no team into `team` and counts its supervisor's engineers. Needs the people's
/// locks. Throws `.refused` by the span of control and `.conflict` for somebody who is in another team than `named`.
func enter(
    _ people: [PersonRow], into team: LockedTeam?, named: String?, decidedBy: String,
    on connection: isolated Connection
) async throws -> SpanOfControl? {
    let rows = try await connection.query(Query(SpanStatements.teams, .int8Array(people.map(\.id.rawValue))))
    var present: [PersonID: String] = [:]
    for row in rows { present[PersonID(try row.int8(0))] = try row.text(1) }
    for person in people {
        guard let named, let other = present[person.id], other != named else { continue }
        throw LedgerError(
            .conflict, "\(person.name) is in the team \(other)",
            remedy: "plimsoll engineer move \(person.name) --team \(named) --reason WHY")
    }
    let new = people.filter { present[$0.id] == nil }
    if new.isEmpty { return nil }
    guard let team else { throw LedgerError(.stale, "somebody left their team at this moment; try again") }
    for person in new where person.id == team.supervisor.id {
        throw LedgerError(.invalid, "\(person.name) cannot be their own supervisor", remedy: "name a team with --team")
    }
    try await checkSupervisor(team.supervisor.name, on: connection)
    _ = try await connection.query(
        Query(
            SpanStatements.enter, .int8Array(new.map(\.id.rawValue).sorted()), .int8(team.id), .text(decidedBy)))
    let span = try await team.span(on: connection)
    try span.check()
    return span
}
