import Postgres

/// What a flush writes, in the order in which it is sent. Keys arrive sorted by person (the order of the locks), so
/// two flushes never wait for each other in a circle.
extension FlushStatements {
    /// P4: by exact key. The number of rows is asserted inside the transaction, so that COMMIT can travel in the same
    /// round trip. Index: lease_pkey.
    static let endLeases = Statement(
        "flush_end_leases",
        """
        with gone as (
            delete from lease l
            using unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[]) e (task_id, slot, person_id, fence)
            where l.task_id = e.task_id and l.slot = e.slot and l.person_id = e.person_id and l.fence = e.fence
            returning 1)
        select assert_rows((select count(*) from gone), cardinality($1))
        """)
    static let unpark = Statement(
        "flush_unpark",
        """
        with gone as (
            delete from parked l
            using unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[]) e (task_id, slot, person_id, fence)
            where l.task_id = e.task_id and l.slot = e.slot and l.person_id = e.person_id and l.fence = e.fence
            returning 1)
        select assert_rows((select count(*) from gone), cardinality($1))
        """)
    /// `why` is one flat array with ten numbers a lease.
    static let grant = Statement(
        "flush_grant",
        """
        insert into lease (task_id, slot, person_id, fence, lane_id, project_id, granted_at, first_granted_at,
            deadline, coordinator_id, provenance_id, session, why, deadline_rule)
        select g.task_id, g.slot, g.person_id, g.fence, g.lane_id, g.project_id, g.granted_at, g.first_granted_at,
            g.deadline, $13, g.provenance_id, g.session, ($12::bigint[])[10 * g.i - 9 : 10 * g.i], g.deadline_rule
        from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::bigint[], $14::text[])
            with ordinality g (task_id, slot, person_id, fence, lane_id, project_id, granted_at, first_granted_at,
                deadline, provenance_id, session, deadline_rule, i)
        """)
    /// A returned slot that is gone meanwhile (given back, adopted) is not ours to grant: the count is asserted.
    static let regrant = Statement(
        "flush_regrant",
        """
        with gone as (delete from returned where fence = any($1::bigint[]) and coordinator_id = $2 returning 1)
        select assert_rows((select count(*) from gone), cardinality($1))
        """)
    /// The trigger label_consumes_lease ends the leases (P1).
    static let label = Statement(
        "flush_label",
        """
        insert into label (task_id, slot, person_id, fence, project_id, person_n, provenance_id, accepted_on,
            answer_hash, answer)
        select * from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::bigint[], $8::date[], $9::bytea[], $10::json[])
        """)
    /// P6: once for each fence and answer.
    static let lateAnswer = Statement(
        "flush_late_answer",
        """
        insert into late_answer (task_id, person_id, fence, project_id, person_n, arrived_on, answer_hash, answer, why)
        select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::date[],
            $7::bytea[], $8::json[], $9::text[])
        on conflict (person_id, task_id, fence, answer_hash) do nothing
        """)
    static let history = Statement(
        "flush_history",
        """
        insert into lease_history (person_id, fence, task_id, slot, lane_id, granted_at, at, how)
        select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::timestamptz[],
            $7::timestamptz[], $8::text[])
        """)
    static let returned = Statement(
        "flush_returned",
        """
        insert into returned (fence, coordinator_id, lane_id, task_id, slot)
        select r.fence, $5, r.lane_id, r.task_id, r.slot
        from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[]) r (fence, lane_id, task_id, slot)
        """)
    static let declined = Statement(
        "flush_declined",
        """
        insert into declined (person_id, task_id) select * from unnest($1::bigint[], $2::bigint[])
        on conflict do nothing
        """)
    static let declineReason = Statement(
        "flush_decline_reason",
        """
        insert into decline_reason (project_id, task_id, reason)
        select * from unnest($1::bigint[], $2::bigint[], $3::text[])
        """)
    /// Index: delivery_failure_pkey; few tasks have any.
    static let forgive = Statement(
        "flush_forgive",
        "update delivery_failure set forgiven = true where task_id = any($1::bigint[]) and not forgiven")
    static let failure = Statement(
        "flush_failure",
        """
        insert into delivery_failure (task_id, fence, person_id, how, failed_at)
        select f.task_id, f.fence, f.person_id, f.how, $5
        from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) f (task_id, fence, person_id, how)
        """)
    static let quarantine = Statement(
        "flush_quarantine",
        """
        insert into closed_task (task_id, lane_id, why, closed_at, closed_by)
        select q.task_id, q.lane_id, 'quarantined', $3, 'redelivery limit'
        from unnest($1::bigint[], $2::bigint[]) q (task_id, lane_id)
        on conflict do nothing
        """)
    /// The trigger parked_consumes_lease ends the leases; what they stood on stays. Index: lease_pkey.
    static let park = Statement(
        "flush_park",
        """
        insert into parked (task_id, slot, person_id, fence, lane_id, project_id, first_granted_at, parked_at, until,
            provenance_id, at_limit, why)
        select p.task_id, p.slot, p.person_id, p.fence, p.lane_id, p.project_id, p.first_granted_at, p.parked_at,
            p.until, p.provenance_id, p.at_limit, coalesce(l.why, '{}')
        from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::timestamptz[], $11::boolean[])
            p (task_id, slot, person_id, fence, lane_id, project_id, first_granted_at, until, provenance_id, parked_at,
               at_limit)
        left join lease l on l.task_id = p.task_id and l.slot = p.slot
        """)
    static let usage = Statement(
        "flush_usage",
        """
        insert into usage (person_id, n, at, day, day_labels, coordinator_id, worked_from, worked_to, kind, severity)
        select u.person_id, u.n, u.at, u.day, u.day_labels, $6, u.worked_from, u.worked_to, u.kind, u.severity
        from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::date[], $5::int[], $7::timestamptz[],
            $8::timestamptz[], $9::text[], $10::smallint[])
            u (person_id, n, at, day, day_labels, worked_from, worked_to, kind, severity)
        """)
    /// How long after one refusal of a person no other one is kept.
    static let refusalsApartSeconds = 60
    /// Refusals, but none of a person of whom one was kept in the last minute, on whatever stream and by whatever
    /// coordinator. Gives the latest one that is kept of each person asked about: theirs, or the one that keeps it out.
    ///
    /// The look is exact: whoever decides for a person holds their lock from before this statement to the commit, so no
    /// other refusal of theirs comes in between. Index: decision_person, backwards, one row a person; the bounds come
    /// from the decision's own instant by the database's clock, which prunes all partitions but that day's, or two
    /// around midnight.
    static let decision = Statement(
        "flush_decision",
        """
        with asked as materialized (
            select distinct on (a.person_id) a.*, d.at as latest_at, d.rule as latest_rule
            from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                $7::text[]) a (person_id, at, rule, value, bound, until, scope)
            left join lateral (
                select x.at, x.rule from decision x
                where x.person_id = a.person_id and x.at > a.at - interval '\(refusalsApartSeconds) seconds'
                    and x.at < a.at + interval '\(refusalsApartSeconds) seconds'
                order by x.at desc limit 1) d on true
            order by a.person_id, a.at),
        kept as (
            insert into decision (person_id, at, rule, value, bound, until, scope)
            select person_id, at, rule, value, bound, until, scope from asked where latest_at is null
            returning person_id, at, rule)
        select person_id, at, rule from kept
        union all
        select person_id, latest_at, latest_rule from asked where latest_at is not null
        """)
    static let extend = Statement(
        "flush_extend",
        """
        with changed as (
            update lease l set deadline = e.deadline, deadline_rule = e.deadline_rule
            from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::timestamptz[], $5::text[])
                e (task_id, slot, fence, deadline, deadline_rule)
            where l.task_id = e.task_id and l.slot = e.slot and l.fence = e.fence
            returning 1)
        select assert_rows((select count(*) from changed), cardinality($1))
        """)
    static let takeOver = Statement(
        "flush_take_over",
        """
        with changed as (
            update lease l set coordinator_id = $5
            from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[]) e (task_id, slot, person_id, fence)
            where l.task_id = e.task_id and l.slot = e.slot and l.person_id = e.person_id and l.fence = e.fence
            returning 1)
        select assert_rows((select count(*) from changed), cardinality($1))
        """)
    static let contribution = Statement(
        "flush_contribution",
        """
        insert into contribution (project_id, hour, person_id)
        select * from unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) on conflict do nothing
        """)
    static let tally = Statement(
        "flush_tally",
        """
        insert into tally (project_id, at, slots, leased, parked, done, late, quarantined)
        select t.project_id, $8, t.slots, t.leased, t.parked, t.done, t.late, t.quarantined
        from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
            t (project_id, slots, leased, parked, done, late, quarantined)
        """)
}
