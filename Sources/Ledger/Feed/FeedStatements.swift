import Postgres

/// Statements of the feed: claiming, giving back and adopting slots. Each transaction holds one lane's row lock and
/// touches spans, positions, blocks and returned rows of that lane only.
///
/// P12: a transaction that moves slots under a coordinator's number takes the epoch shared first (lock order 1) and
/// looks whether that coordinator is still a member. Taking it out of the membership waits for the transaction's end,
/// so adoption, which comes after, sees every block, and one that wakes from a long sleep moves nothing any more.
///
/// These transactions commit with `synchronous_commit = off`: a claim that a crash loses was followed by no durable
/// lease, because the lease's own commit is later in the log and flushes it too.
enum FeedStatements {
    static let begin = Statement("feed_begin", "begin")
    static let commit = Statement("feed_commit", "commit")
    static let rollback = Statement("feed_rollback", "rollback")

    /// Index: coordinator_pkey. A statement after the epoch lock's, so that it sees what was committed meanwhile.
    static let member = Statement(
        "feed_member", "select from coordinator where coordinator_id = $1 and left_at is null")

    /// Index: lane_pkey.
    static let lockLane = Statement(
        "feed_lock_lane", "select lane_id from lane where lane_id = $1 for no key update")

    /// All lanes of projects that are not closed, each with its newest span beyond the one known. Indexes: lane_pkey;
    /// span_pkey, backwards from the end to the number known: consumed spans are not walked again.
    ///
    /// In two halves, since these sessions join by nested loops only: what is known is looked up lane by lane, and what
    /// is not is told apart by a hashed subplan. One outer join took 3.3 s with 5,000 lanes, this takes 35 ms.
    static let lanes = Statement("feed_lanes", lanes(and: ""))
    /// The same of some projects alone, for whoever may work in no others, and of single lanes that something came to:
    /// with 240 lanes in 120 projects, all of them read at every look and every wake-up was a quarter of what the
    /// database did. Indexes: lane's unique one, lane_pkey.
    static let lanesOfProjects = Statement("feed_lanes_projects", lanes(and: "and l.project_id = any($3::bigint[])"))
    static let lanesNamed = Statement("feed_lanes_named", lanes(and: "and l.lane_id = any($3::bigint[])"))

    private static func lanes(and which: String) -> String {
        """
        select l.lane_id, l.project_id, l.kind, l.severity, l.priority,
            coalesce((select max(s.n) from span s where s.lane_id = k.lane_id and s.n > k.n), 0)
        from unnest($1::bigint[], $2::bigint[]) k (lane_id, n)
        cross join lateral (select * from lane where lane_id = k.lane_id offset 0) l
        join project p on p.project_id = l.project_id and p.state <> 'closed'
        union all
        select l.lane_id, l.project_id, l.kind, l.severity, l.priority,
            coalesce((select max(s.n) from span s where s.lane_id = l.lane_id and s.n > 0), 0)
        from lane l join project p on p.project_id = l.project_id and p.state <> 'closed'
        where l.lane_id not in (select unnest($1::bigint[])) \(which)
        order by 1
        """
    }

    /// Spans beyond a person's floor, oldest first, with how far each is claimed. Indexes: span_pkey forwards,
    /// span_position_pkey backwards.
    static let spans = Statement(
        "feed_spans",
        """
        select s.n, s.slot, s.first_task, s.last_task, s.fresh, s.since, coalesce(p.next, s.first_task)
        from span s
        left join lateral (select next from span_position p where p.lane_id = s.lane_id and p.span_n = s.n
            order by p.n desc limit 1) p on true
        where s.lane_id = $1 and s.n > $2
        order by s.n limit $3
        """)

    /// In each span, at most $6 tasks from a position on: how many were there, the last of them, and the first that
    /// person $5 may be given. Indexes: task_pkey forwards, then label_person, lease_person, parked_person, declined
    /// and closed_task by key.
    static let look = Statement(
        "feed_look",
        """
        select s.n, f.seen, f.seen_to, f.first_free
        from unnest($2::bigint[], $3::bigint[], $4::bigint[]) s (n, first_task, last_task)
        cross join lateral (
            select count(*) seen, max(t.task_id) seen_to, min(t.task_id) filter (where
                not exists (select from label x where x.person_id = $5 and x.task_id = t.task_id)
                and not exists (select from lease x where x.person_id = $5 and x.task_id = t.task_id)
                and not exists (select from parked x where x.person_id = $5 and x.task_id = t.task_id)
                and not exists (select from declined x where x.task_id = t.task_id and x.person_id = $5)
                and not exists (select from closed_task x where x.task_id = t.task_id)) first_free
            from (select task_id from task where lane_id = $1 and task_id >= s.first_task and task_id <= s.last_task
                order by task_id limit $6) t) f
        order by s.n
        """)

    /// The tasks of ranges, each up to its own limit, without closed ones. Index: task_pkey.
    static let load = Statement(
        "feed_load",
        """
        select s.i, t.task_id, t.external_key, t.effort_seconds, t.payload,
            exists (select from closed_task x where x.task_id = t.task_id)
        from unnest($2::int[], $3::bigint[], $4::bigint[], $5::int[]) s (i, first_task, last_task, most)
        cross join lateral (select task_id, external_key, effort_seconds, payload from task
            where lane_id = $1 and task_id >= s.first_task and task_id <= s.last_task
            order by task_id limit s.most) t
        order by s.i, t.task_id
        """)

    /// Who has to do with these tasks already. Indexes: label_pkey, lease_pkey, parked_pkey, declined_pkey.
    static let touched = Statement(
        "feed_touched",
        """
        select l.task_id, l.person_id from unnest($1::bigint[]) t (task_id) join label l on l.task_id = t.task_id
        union select l.task_id, l.person_id from unnest($1::bigint[]) t (task_id) join lease l on l.task_id = t.task_id
        union select p.task_id, p.person_id from unnest($1::bigint[]) t (task_id) join parked p on p.task_id = t.task_id
        union select d.task_id, d.person_id
            from unnest($1::bigint[]) t (task_id) join declined d on d.task_id = t.task_id
        """)

    static let insertBlocks = Statement(
        "feed_insert_blocks",
        """
        insert into block (coordinator_id, lane_id, slot, first_task, last_task, fresh, since)
        select $1, $2, b.slot, b.first_task, b.last_task, b.fresh, b.since
        from unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::timestamptz[])
            b (slot, first_task, last_task, fresh, since)
        returning block_id
        """)

    /// Positions are appended; the highest n of a span counts.
    static let appendPositions = Statement(
        "feed_append_positions",
        """
        insert into span_position (lane_id, span_n, n, next)
        select $1, p.span_n, coalesce((select x.n from span_position x where x.lane_id = $1 and x.span_n = p.span_n
            order by x.n desc limit 1), 0) + 1, p.next
        from unnest($2::bigint[], $3::bigint[]) p (span_n, next)
        """)

    static let deleteSpans = Statement(
        "feed_delete_spans",
        """
        with gone as (delete from span where lane_id = $1 and n = any($2::bigint[]) returning n)
        delete from span_position where lane_id = $1 and span_n in (select n from gone)
        """)

    static let insertSpans = Statement(
        "feed_insert_spans",
        """
        insert into span (lane_id, slot, first_task, last_task, fresh, since)
        select $1, s.slot, s.first_task, s.last_task, s.fresh, s.since
        from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::boolean[], $6::timestamptz[])
            s (slot, first_task, last_task, fresh, since)
        returning n
        """)

    /// A block that is not there (a crash lost its claim, or it was adopted) must not come back as a second span.
    static let deleteBlocks = Statement(
        "feed_delete_blocks",
        """
        with gone as (delete from block where block_id = any($1::bigint[]) and coordinator_id = $2 returning 1)
        select assert_rows((select count(*) from gone), cardinality($1))
        """)

    static let deleteReturned = Statement(
        "feed_delete_returned",
        """
        with gone as (delete from returned where fence = any($1::bigint[]) and coordinator_id = $2 returning 1)
        select assert_rows((select count(*) from gone), cardinality($1))
        """)

    /// Whether anything this person could still be given is in someone's hands: blocks, returned slots, open and
    /// parked leases of others, or a span the person has not looked at. One statement, so that nothing can move from
    /// one hand to another unseen between two looks.
    static let inOtherHands = Statement(
        "feed_other_hands",
        """
        with floors as (select * from unnest($2::bigint[], $3::bigint[]) f (lane_id, floor)),
        held as (
            select b.lane_id, t.task_id, b.slot from floors f join block b on b.lane_id = f.lane_id
                join task t on t.lane_id = b.lane_id and t.task_id between b.first_task and b.last_task
                where not exists (select from label x where x.task_id = t.task_id and x.slot = b.slot)
            union all
            select r.lane_id, r.task_id, r.slot from floors f join returned r on r.lane_id = f.lane_id
            union all
            select l.lane_id, l.task_id, l.slot from floors f join lease l on l.lane_id = f.lane_id
                where l.person_id <> $1
            union all
            select p.lane_id, p.task_id, p.slot from floors f join parked p on p.lane_id = f.lane_id
                where p.person_id <> $1)
        select exists (select from floors f join span s on s.lane_id = f.lane_id and s.n > f.floor)
            -- A lease of the person's own that no worker heard of comes back when it ends.
            or exists (select from floors f join lease l on l.lane_id = f.lane_id where l.person_id = $1)
            or exists (select from held t
                where not exists (select from label x where x.person_id = $1 and x.task_id = t.task_id)
                and not exists (select from lease x where x.person_id = $1 and x.task_id = t.task_id)
                and not exists (select from parked x where x.person_id = $1 and x.task_id = t.task_id)
                and not exists (select from declined x where x.task_id = t.task_id and x.person_id = $1)
                and not exists (select from closed_task x where x.task_id = t.task_id))
        """)

    /// Lanes in which a coordinator that is gone still holds slots.
    static let lanesHeld = Statement(
        "feed_lanes_held",
        """
        select lane_id from block where coordinator_id = $1
        union select lane_id from returned where coordinator_id = $1 order by 1
        """)

    /// Turns what a coordinator held in one lane into spans: of each block the runs of tasks whose slot has no label,
    /// lease, parked lease or returned row, and each returned slot. $4: these blocks and no returned slots; null: all.
    static let adopt = Statement(
        "feed_adopt",
        """
        with whole as (
            select b.block_id, b.slot, b.since, t.task_id,
                row_number() over (partition by b.block_id order by t.task_id) place,
                not exists (select from label x where x.task_id = t.task_id and x.slot = b.slot)
                and not exists (select from lease x where x.task_id = t.task_id and x.slot = b.slot)
                and not exists (select from parked x where x.task_id = t.task_id and x.slot = b.slot)
                and not exists (select from returned x where x.coordinator_id = $1 and x.task_id = t.task_id
                    and x.slot = b.slot)
                and not exists (select from closed_task x where x.task_id = t.task_id) free
            from block b join task t on t.lane_id = b.lane_id and t.task_id between b.first_task and b.last_task
            where b.coordinator_id = $1 and b.lane_id = $2 and ($4::bigint[] is null or b.block_id = any($4))),
        runs as (
            select block_id, slot, since, task_id,
                place - row_number() over (partition by block_id order by task_id) run
            from whole where free)
        insert into span (lane_id, slot, first_task, last_task, fresh, since)
        select $2, slot, min(task_id), max(task_id), false, min(since) from runs group by block_id, slot, run
        union all
        select $2, r.slot, r.task_id, r.task_id, false, coalesce((select max(i.imported_at) from import i
            where r.task_id between i.first_task and i.last_task), $3)
        from returned r where r.coordinator_id = $1 and r.lane_id = $2 and $4::bigint[] is null
            and not exists (select from label x where x.task_id = r.task_id and x.slot = r.slot)
            and not exists (select from lease x where x.task_id = r.task_id and x.slot = r.slot)
            and not exists (select from parked x where x.task_id = r.task_id and x.slot = r.slot)
            and not exists (select from closed_task x where x.task_id = r.task_id)
        """)
    static let dropAdopted = Statement(
        "feed_drop_adopted",
        """
        with b as (delete from block where coordinator_id = $1 and lane_id = $2)
        delete from returned where coordinator_id = $1 and lane_id = $2
        """)

    /// What a coordinator holds by the database. Index: block_coordinator.
    static let blocksHeld = Statement(
        "feed_blocks_held", "select block_id, lane_id from block where coordinator_id = $1")
    /// Slots that came back to a coordinator, with what they are about. Indexes: returned_coordinator, task_pkey.
    static let returnedHeld = Statement(
        "feed_returned_held",
        """
        select r.fence, r.lane_id, r.task_id, r.slot, t.external_key, t.effort_seconds, t.payload
        from returned r join task t on t.lane_id = r.lane_id and t.task_id = r.task_id
        where r.coordinator_id = $1
        """)

    /// The epoch and recent withdrawals: what the slow poll asks besides lanes.
    static let epoch = Statement(
        "feed_epoch", "select version, plimsoll.clock() from epoch order by version desc limit 1")
    /// Parked leases past their time. Index: parked_until.
    static let parkExpired = Statement(
        "feed_park_expired",
        "select person_id, task_id, fence from parked where until <= plimsoll.clock() order by until limit 256")
    /// Leases that a coordinator has left open long after their deadline. A scan: there are no more leases than people
    /// may hold.
    static let overdue = Statement(
        "feed_overdue",
        """
        select person_id, task_id, fence from lease
        where coordinator_id = $1 and deadline + make_interval(secs => $2) <= plimsoll.clock() limit 256
        """)
    static let withdrawals = Statement(
        "feed_withdrawals",
        "select distinct person_id from exclusion where excluded_at > plimsoll.clock() - interval '10 seconds'")
}
