import Postgres

/// The tables that are kept by the day.
public enum HistoryTable: String, Sendable, CaseIterable {
    case usage
    case leaseHistory = "lease_history"
    case decision

    /// Whole days kept. Usage is kept longer, because rest rules look back four weeks.
    public var keptDays: Int32 {
        switch self {
        case .usage: 28
        case .leaseHistory, .decision: 7
        }
    }
}

enum PartitionStatements {
    /// Gives up after 100 ms on any lock (55P03).
    static let ensure = Statement("partition_ensure", "select ensure_partitions($1)")
    /// The oldest partition that can go; null when there is none. Gives up after 100 ms on any lock (55P03).
    static let drop = Statement("partition_drop", "select drop_old_partition($1, $2)")
    /// A person's number must not start again when their last usage row is dropped: the highest one of each person who
    /// has no newer row is written again before the partition goes. The number and nothing else: of which date the row
    /// was and how many labels that had is past its time (P10), so it says the present date and none.
    static let carry = Statement(
        "partition_carry",
        """
        with limits as materialized (
            select clock() as now, ((clock() at time zone 'UTC')::date - $1::int)::timestamp at time zone 'UTC' as cut),
        last as (
            select u.person_id, max(u.n) as n from limits, usage u
            where u.at < limits.cut and not exists (
                select from usage x where x.person_id = u.person_id and x.at >= limits.cut)
            group by u.person_id)
        insert into usage (person_id, n, at, day, day_labels, coordinator_id)
        select l.person_id, l.n, limits.now, (limits.now at time zone safe_zone(p.zone))::date, 0, 0
        from limits, last l join person p using (person_id) order by l.person_id
        """)
}

extension Ledger {
    /// Days for which partitions are made ahead.
    public static let partitionsAhead: Int32 = 7

    /// Makes the partitions of the coming week; gives how many were missing. Call it at start and every hour. Throws
    /// `.busy` when a lock was not had at once; try again a little later.
    @discardableResult
    public func ensurePartitions() async throws -> Int {
        Int(try await read(Query(PartitionStatements.ensure, .int4(Self.partitionsAhead)))[0].int4(0))
    }

    /// Drops at most one partition that is older than it need be kept; gives its name, nil when there is none. Call it
    /// every hour. Throws `.busy` while somebody reads it; try again later.
    public func dropOldPartition(of table: HistoryTable) async throws -> String? {
        if table == .usage {
            _ = try await read(Query(PartitionStatements.carry, .int4(table.keptDays)))
        }
        return try await read(
            Query(PartitionStatements.drop, .text(table.rawValue), .int4(table.keptDays)))[0].textOrNil(0)
    }
}
