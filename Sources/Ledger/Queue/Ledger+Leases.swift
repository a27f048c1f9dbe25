import PlimsollModel
import Postgres

/// One open or parked lease, without a word of who holds it.
public struct LeaseRow: Sendable, Hashable {
    public let project: String
    public let key: String
    public let kind: String
    public let age: Duration
    /// Negative: past it. Nil: not said, because few people are at work in the project.
    public let untilDeadline: Duration?
    public let deliveriesFailed: Int
    public let isParked: Bool
    /// As of the last full hour.
    public let isCoarse: Bool
}

enum LeaseListStatements {
    /// Oldest first; of the projects $3 as of the last full hour. A walk over the open and parked leases, which are
    /// few; only those that are shown are looked up further. Indexes: task_pkey, delivery_failure_pkey.
    static let list = Statement(
        "lease_list",
        """
        with now as materialized (select clock() as at, date_trunc('hour', clock()) as hour),
        held as (
            select task_id, slot, lane_id, project_id, first_granted_at, deadline, false as parked from lease
                where project_id <> all($3::bigint[])
            union all
            select task_id, slot, lane_id, project_id, first_granted_at, until, true from parked
                where project_id <> all($3::bigint[])
            union all
            select task_id, slot, lane_id, project_id, min(first_granted_at), null, false
            from (\(asOfHour)) x group by task_id, slot, lane_id, project_id),
        oldest as materialized (
            select * from held where $1 = '' or project_id = (select project_id from project where name = $1)
            order by first_granted_at, task_id, slot limit $2)
        select p.name, t.external_key, a.kind,
            (extract(epoch from case when h.deadline is null then now.hour else now.at end - h.first_granted_at)
                * 1000000)::bigint,
            (extract(epoch from h.deadline - now.at) * 1000000)::bigint,
            (select count(*) from delivery_failure f where f.task_id = h.task_id
                and (h.deadline is not null or f.failed_at < now.hour)), h.parked, h.deadline is null
        from now, oldest h join project p using (project_id) join lane a using (lane_id)
            join task t on t.lane_id = h.lane_id and t.task_id = h.task_id
        order by h.first_granted_at, h.task_id, h.slot
        """)
    /// What was held when the present hour began, of the projects $3: what is still held since, and what has ended. A
    /// lease that ended while it was parked has no length in history, and was parked before. Indexes: enrolment_pkey,
    /// then lease_history_person for each who is enrolled, in the partitions of today.
    private static let asOfHour = """
        select l.task_id, l.slot, l.lane_id, l.project_id, l.first_granted_at from lease l, now
            where l.project_id = any($3::bigint[]) and l.first_granted_at < now.hour
        union all
        select l.task_id, l.slot, l.lane_id, l.project_id, l.first_granted_at from parked l, now
            where l.project_id = any($3::bigint[]) and l.first_granted_at < now.hour
        union all
        select h.task_id, h.slot, h.lane_id, e.project_id, least(h.granted_at, now.hour) from now
            cross join enrolment e cross join lateral (
                select y.* from lease_history y where y.person_id = e.person_id
                    and y.at >= (select date_trunc('hour', clock()))) h
            join lane a on a.lane_id = h.lane_id and a.project_id = e.project_id
            where e.project_id = any($3::bigint[]) and (h.granted_at < now.hour
                or h.granted_at = h.at and exists (select from lease_history k where k.person_id = h.person_id
                    and k.task_id = h.task_id and k.how = 'parked' and k.at < now.hour))
        """
}

extension Ledger {
    public static let leasesMax = 10_000

    /// Open and parked leases, oldest first, of one project or all; at most `limit`, and `leasesMax`.
    ///
    /// P9: with `hidingFew`, of a project with few people at work, those of the last full hour, which an hour's work of
    /// one of them does not move.
    public func leases(
        project: String? = nil, limit: Int? = nil, hidingFew: Bool = false
    ) async throws -> [LeaseRow] {
        let limit = min(max(1, limit ?? 100), Self.leasesMax)
        let few = hidingFew ? try await projectsWithFewAtWork(project) : []
        return try await read(
            Query(LeaseListStatements.list, .text(project ?? ""), .int8(Int64(limit)), .int8Array(few))
        ).map { row in
            LeaseRow(
                project: try row.text(0), key: try row.text(1), kind: try row.text(2),
                age: .microseconds(max(0, try row.int8(3))),
                untilDeadline: try row.int8OrNil(4).map { .microseconds($0) },
                deliveriesFailed: Int(try row.int8(5)), isParked: try row.bool(6), isCoarse: try row.bool(7))
        }
    }
}
