public import PlimsollModel
import Postgres

/// A team somebody is or was in, for their own eyes.
public struct TeamMembership: Sendable, Hashable {
    public let team: String
    /// Who answers for the team now.
    public let supervisor: String
    public let since: Moment
    public let decidedBy: String
    /// How it ended; nil: it holds.
    public let end: KeptSelection.End?
}

enum TeamMembershipStatements {
    /// Indexes: team_member_pkey, past_team_member_person.
    static let kept = Statement(
        "team_memberships",
        """
        select t.name, s.name, m.since, m.decided_by, null::timestamptz as ended_at, null::text, null::text
        from person p join team_member m using (person_id) join team t using (team_id)
            join person s on s.person_id = t.supervisor_id
        where p.name = $1
        union all
        select t.name, s.name, m.since, m.decided_by, m.ended_at, m.ended_by, m.end_reason
        from person p join past_team_member m using (person_id) join team t using (team_id)
            join person s on s.person_id = t.supervisor_id
        where p.name = $1
        order by ended_at desc nulls first
        """)
}

extension Ledger {
    /// The teams of one person, the present one first. Nobody's are none.
    public func memberships(of name: String) async throws -> [TeamMembership] {
        try await read(Query(TeamMembershipStatements.kept, .text(name))).map { row in
            var end: KeptSelection.End?
            if let at = try row.timestamptzOrNil(4) {
                end = KeptSelection.End(
                    at: Moment(microseconds: at), by: try row.text(5), reason: try row.textOrNil(6))
            }
            return TeamMembership(
                team: try row.text(0), supervisor: try row.text(1),
                since: Moment(microseconds: try row.timestamptz(2)), decidedBy: try row.text(3), end: end)
        }
    }
}
