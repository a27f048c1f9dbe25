import PlimsollModel
import Postgres

/// Of one person others see this and nothing else (P9).
public struct EngineerRow: Sendable, Hashable {
    public let name: String
    /// Could be asked now, or not; why not is nobody's business.
    public let isAvailable: Bool
}

enum EngineerStatements {
    private static let open = "(select count(*) from lease l where l.person_id = p.person_id)"
    /// Who could be asked at all now: with the role, not denied, below the limits on open leases ($1) and on tasks of
    /// the local date ($2; null: no limit). Indexes: role_grant_pkey, lease_person (by person, because a scan of the open
    /// leases would walk their dead rows under an old snapshot), usage's primary key backwards.
    private static let reachable = """
        exists (select from role_grant r where r.person_id = p.person_id and r.role = 'engineer')
        and not exists (select from denial d where d.person_id = p.person_id)
        and ($1::bigint is null or \(open) < $1)
        and ($2::bigint is null or \(open) + coalesce((
            select case when u.day = (now.at at time zone p.zone)::date then u.day_labels else 0 end
            from usage u where u.person_id = p.person_id order by u.n desc limit 1), 0) < $2)
        """
    /// Whether the project is open and everything it needs is agreed now. Index: consent_event_pkey, backwards.
    private static let agreed = """
        j.state = 'open' and not exists (
            select from project_purpose u left join lateral (
                select c.state, c.at, c.valid_until, c.notice_id, c.notice_version from consent_event c
                where c.person_id = p.person_id and c.purpose = u.purpose order by c.n desc limit 1
            ) g on true
            where u.project_id = j.project_id and (g.state is null or g.state not in ('given', 'renewed')
                or g.at > now.at or g.valid_until <= now.at
                or exists (select from notice x where x.notice_id = g.notice_id
                    and x.version > g.notice_version and x.material and x.effective_at <= now.at)))
        """
    /// P9: one word for everybody who would not be leased anything now, whatever the cause. Index: enrolment_person.
    static let list = Statement(
        "engineer_list",
        """
        with now as materialized (select clock() as at)
        select p.name, \(reachable) and exists (
            select from enrolment e join project j using (project_id) where e.person_id = p.person_id and \(agreed))
        from now, person p
        where exists (select from enrolment e where e.person_id = p.person_id)
        order by p.name
        """)
    /// How many people are available for a project ($3), counted no further than $4. Index: enrolment_pkey.
    static let available = Statement(
        "engineer_available",
        """
        with now as materialized (select clock() as at)
        select count(*) from (
            select from now, project j join enrolment e using (project_id) join person p using (person_id)
            where j.project_id = $3 and \(reachable) and \(agreed) limit $4) a
        """)
}

extension Ledger {
    /// Everybody who is enrolled, by name.
    public func engineers() async throws -> [EngineerRow] {
        let limits = try await policy().parsed().limits
        return try await read(
            Query(
                EngineerStatements.list, .int8(limits.openLeases.map { Int64($0) }),
                .int8(limits.dayTasks.map { Int64($0) }))
        ).map { EngineerRow(name: try $0.text(0), isAvailable: try $0.bool(1)) }
    }
}
