import PlimsollModel
import Postgres

enum TallyFoldStatements {
    /// One coordinator folds at a time; the others skip their turn. "PLIMTALY".
    static let tryLock = Statement(
        "tally_try_lock", "select pg_try_advisory_xact_lock(\(0x504c_494d_5441_4c59 as Int64))")
    /// Every transaction before this one has ended, so no row can appear behind it: where the next look begins. Dead
    /// rows before it are never walked, however long an old snapshot keeps them.
    static let horizon = Statement(
        "tally_horizon", "select pg_snapshot_xmin(pg_current_snapshot())::text, coalesce(max(fold), 0) from tally_fold")
    /// Adds the rows that are there to the sums and appends them as the next fold; takes out the rows and the folds
    /// that it replaces, in one transaction, so that every snapshot sees each row exactly once. Does nothing when
    /// there are no rows. Indexes: tally_writer (only
    /// the range, so that what was taken out before is not walked again), tally_fold_pkey, tally_minute_pkey.
    static let fold = Statement(
        "tally_fold",
        """
        with last as (select * from tally_fold where fold = $2),
        taken as (
            delete from tally t where t.writer >= coalesce((select max(up_to) from last), '0'::xid8)
            returning t.*),
        change as (
            select project_id, sum(slots)::bigint slots, sum(leased)::bigint leased, sum(parked)::bigint parked,
                sum(done)::bigint done, sum(late)::bigint late, sum(quarantined)::bigint quarantined
            from taken group by project_id),
        added as (
            insert into tally_fold (fold, project_id, up_to, slots, leased, parked, done, late, quarantined)
            select $2 + 1, coalesce(l.project_id, c.project_id), $1::text::xid8,
                coalesce(l.slots, 0) + coalesce(c.slots, 0), coalesce(l.leased, 0) + coalesce(c.leased, 0),
                coalesce(l.parked, 0) + coalesce(c.parked, 0), coalesce(l.done, 0) + coalesce(c.done, 0),
                coalesce(l.late, 0) + coalesce(c.late, 0), coalesce(l.quarantined, 0) + coalesce(c.quarantined, 0)
            from last l full join change c on c.project_id = l.project_id
            where exists (select from taken)),
        minutes as (
            select project_id, date_trunc('minute', at) as minute, sum(leased)::bigint leased,
                sum(parked)::bigint parked, sum(done)::bigint done, sum(late)::bigint late
            from taken group by 1, 2
            having sum(leased) <> 0 or sum(parked) <> 0 or sum(done) <> 0 or sum(late) <> 0),
        replaced as (
            delete from tally_minute m using minutes x where m.project_id = x.project_id and m.minute = x.minute
            returning m.*),
        counted as (
            insert into tally_minute (project_id, minute, fold, leased, parked, done, late)
            select x.project_id, x.minute, $2 + 1, x.leased + coalesce(sum(r.leased), 0)::bigint,
                x.parked + coalesce(sum(r.parked), 0)::bigint, x.done + coalesce(sum(r.done), 0)::bigint,
                x.late + coalesce(sum(r.late), 0)::bigint
            from minutes x left join replaced r on r.project_id = x.project_id and r.minute = x.minute
            group by x.project_id, x.minute, x.leased, x.parked, x.done, x.late),
        dropped as (delete from tally_fold where fold <= $2 and exists (select from taken))
        select count(*) from taken
        """)
    /// Since when the oldest slot of each project has waited, written down once an hour: where few are at work it is
    /// shown as of the full hour, and what a first look finds later would tell what one of them took by then (P9).
    /// Inserts before it deletes, as `QueueStatements.oldestOfHour` does. Indexes: queue_hour_pkey, span_since.
    static let hour = Statement(
        "tally_hour",
        """
        with this as materialized (select date_trunc('hour', clock()) as hour),
        gone as (delete from queue_hour where hour < (select hour from this))
        insert into queue_hour (project_id, hour, oldest)
        select p.project_id, this.hour, \(QueueStatements.oldest)
        from this, project p
        where not exists (select from queue_hour q where q.project_id = p.project_id and q.hour = this.hour)
        order by p.project_id
        on conflict do nothing
        """)
    /// What no window of a rate reaches any more.
    static let prune = Statement(
        "tally_prune",
        """
        with minutes as (delete from tally_minute where minute < clock() - make_interval(days => $1))
        delete from contribution where hour < clock() - make_interval(days => $1)
        """)
}

extension Ledger {
    /// Days that rates look back: a week, and one more.
    static let rateDays: Int32 = 8
    /// Old minutes are looked for once in so many folds.
    static let pruneEvery: Int64 = 3_600

    /// Folds the differences that transactions appended into sums, so that queue status stays cheap, and once an hour
    /// writes down since when the oldest slots have waited. Call it every second from every coordinator: one does the
    /// work. Gives the rows folded; nil when another coordinator was at it.
    @discardableResult
    public func foldTally() async throws -> Int? {
        try await transaction { connection in
            guard try await connection.query(Query(TallyFoldStatements.tryLock))[0].bool(0) else { return nil }
            let row = try await connection.query(Query(TallyFoldStatements.horizon))[0]
            let (horizon, fold) = (try row.text(0), try row.int8(1))
            let rows = try await connection.query(
                Query(TallyFoldStatements.fold, .text(horizon), .int8(fold)))
            _ = try await connection.query(Query(TallyFoldStatements.hour))
            if fold % Self.pruneEvery == Self.pruneEvery - 1 {
                _ = try await connection.query(Query(TallyFoldStatements.prune, .int4(Self.rateDays)))
            }
            return Int(try rows[0].int8(0))
        }
    }
}
