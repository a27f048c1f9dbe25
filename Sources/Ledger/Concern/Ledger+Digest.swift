public import PlimsollModel
import Postgres

enum DigestStatements {
    /// One row a project, and one for what is about none: people, concerns raised and answered in the days $1 to $2
    /// (without it), concerns that fell due in them and had no reply by then, cords, and declines by reason. Each is of
    /// that week alone, so that no week can be held against the next. Indexes: enrolment_pkey, concern_raised,
    /// decline_reason_given.
    static let week = Statement(
        "digest_week",
        """
        with place as (
            select p.project_id, p.name, (select count(*) from enrolment e where e.project_id = p.project_id) as people
            from project p
            union all select null, $3, (select count(distinct person_id) from role_grant))
        select j.name, j.people,
            count(c.concern_id) filter (where c.kind = 'concern' and c.raised_on >= $1),
            (select count(*) from concern_answer a join concern b using (concern_id)
                where b.project_id is not distinct from j.project_id and a.answered_on >= $1 and a.answered_on < $2),
            count(c.concern_id) filter (where c.due_on >= $1 and c.due_on < $2 and not exists (
                select from concern_answer a where a.concern_id = c.concern_id and a.answered_on <= c.due_on)),
            count(c.concern_id) filter (where c.kind = 'cord' and c.raised_on >= $1),
            (select count(*) from decline_reason d where d.project_id = j.project_id and d.reason = 'unclear'
                and d.given_on >= $1 and d.given_on < $2),
            (select count(*) from decline_reason d where d.project_id = j.project_id and d.reason = 'not-my-field'
                and d.given_on >= $1 and d.given_on < $2),
            (select count(*) from decline_reason d where d.project_id = j.project_id and d.reason = 'distressing'
                and d.given_on >= $1 and d.given_on < $2),
            (select count(*) from decline_reason d where d.project_id = j.project_id and d.reason = 'other'
                and d.given_on >= $1 and d.given_on < $2)
        from place j left join concern c on c.project_id is not distinct from j.project_id and c.raised_on < $2
        group by j.project_id, j.name, j.people order by j.name
        """)
}

extension Ledger {
    /// How long after UTC a date ends where it ends last.
    private static let latestZone = Duration.hours(12)

    /// What a week brought, the same for whoever asks; nil: the last one that is over, wherever a concern may be dated.
    /// Throws `.invalid` for a week that is not over: figures that grow could be held against each other.
    public func weeklyDigest(_ week: ISOWeek?) async throws -> WeeklyDigest {
        try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
            let now = try await clock(on: connection)
            let today = try Zone.named("UTC").day(at: now - Self.latestZone)
            let last = today.weekStart.advanced(by: -7).isoWeek
            let week = week ?? last
            guard week <= last else {
                throw LedgerError(.invalid, "the week \(week) is not over; the last one that is, is \(last)")
            }
            let monday = week.monday
            let rows = try await connection.query(
                Query(
                    DigestStatements.week, .date(days: monday.rawValue),
                    .date(days: monday.advanced(by: 7).rawValue), .text(WeeklyDigest.deployment)))
            let projects = try rows.map { row in
                var counts: [WeeklyDigest.Figure: Int] = [:]
                for (index, figure) in WeeklyDigest.Figure.allCases.enumerated() {
                    counts[figure] = Int(try row.int8(index + 2))
                }
                return WeeklyDigest.Raw(
                    project: try row.text(0), engineers: Int(try row.int8(1)), counts: counts)
            }
            return WeeklyDigest(week: week, k: try await oversight(on: connection).groupWellbeing, projects: projects)
        }
    }
}
