import PlimsollModel
import Postgres

/// One open or parked lease, without a word of who holds it.
public struct LeaseRow: Sendable, Hashable {
    public let project: String
    public let key: String
    public let kind: String
    public let age: Duration
    /// Negative: past it.
    public let untilDeadline: Duration
    public let deliveriesFailed: Int
    public let isParked: Bool
}

enum LeaseListStatements {
    /// Oldest first. A walk over the open and parked leases, which are few; only those that are shown are looked up
    /// further. Indexes: task_pkey, delivery_failure_pkey.
    static let list = Statement(
        "lease_list",
        """
        with now as materialized (select clock() as at),
        held as (
            select task_id, lane_id, project_id, first_granted_at, deadline, false as parked from lease
            union all
            select task_id, lane_id, project_id, first_granted_at, until, true from parked),
        oldest as materialized (
            select * from held where $1 = '' or project_id = (select project_id from project where name = $1)
            order by first_granted_at, task_id limit $2)
        select p.name, t.external_key, a.kind,
            (extract(epoch from now.at - h.first_granted_at) * 1000000)::bigint,
            (extract(epoch from h.deadline - now.at) * 1000000)::bigint,
            (select count(*) from delivery_failure f where f.task_id = h.task_id), h.parked
        from now, oldest h join project p using (project_id) join lane a using (lane_id)
            join task t on t.lane_id = h.lane_id and t.task_id = h.task_id
        order by h.first_granted_at, h.task_id
        """)
}

extension Ledger {
    public static let leasesMax = 10_000

    /// Open and parked leases, oldest first, of one project or all; at most `limit`, and `leasesMax`.
    public func leases(project: String? = nil, limit: Int? = nil) async throws -> [LeaseRow] {
        let limit = min(max(1, limit ?? 100), Self.leasesMax)
        return try await read(
            Query(LeaseListStatements.list, .text(project ?? ""), .int8(Int64(limit)))
        ).map { row in
            LeaseRow(
                project: try row.text(0), key: try row.text(1), kind: try row.text(2),
                age: .microseconds(max(0, try row.int8(3))), untilDeadline: .microseconds(try row.int8(4)),
                deliveriesFailed: Int(try row.int8(5)), isParked: try row.bool(6))
        }
    }
}
