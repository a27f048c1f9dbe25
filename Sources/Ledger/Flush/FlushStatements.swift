import Postgres

/// The statements of the hot path. All run on flush connections, whose settings keep plans on indexes whatever the
/// statistics of the moment say (see ``FlushSession/settings``).
enum FlushStatements {
    static let begin = Statement("flush_begin", "begin")
    static let commit = Statement("flush_commit", "commit")
    static let rollback = Statement("flush_rollback", "rollback")

    /// The epoch, shared: waits only while a command that changes the deployment's state holds it. Lock order 1.
    static let epochLock = Statement(
        "flush_epoch_lock", "select pg_advisory_xact_lock_shared(\(EpochLock.key))")
    /// Index: epoch_pkey, backwards, one row. A statement of its own, so that it sees what was committed while the
    /// lock was waited for.
    static let epoch = Statement(
        "flush_epoch", "select version from epoch order by version desc limit 1")
    /// The people, in id order, without waiting and without a new row version. Index: person_pkey. Lock order 2.
    static let lockPeople = Statement(
        "flush_lock",
        """
        select person_id from person where person_id = any($1::bigint[])
        order by person_id for no key update skip locked
        """)
    /// The same for people that were missed too often: waits.
    static let lockPeopleWaiting = Statement(
        "flush_lock_waiting",
        """
        select person_id from person where person_id = any($1::bigint[]) order by person_id for no key update
        """)
    static let clock = Statement("flush_clock", "select plimsoll.clock()")
    /// How far back ``heads`` looks.
    static let headsHorizonHours = 36
    /// The latest usage row of each person. Index: usage's primary key, backwards, one row a person and partition;
    /// the horizon prunes all partitions but yesterday's, today's and tomorrow's. In sub-selects, because the executor
    /// prunes by what is computed once, and not by a volatile function.
    static let heads = Statement(
        "flush_heads",
        """
        select p.person_id, u.n, u.at, u.day, u.day_labels
        from unnest($1::bigint[]) p (person_id)
        cross join lateral (
            select n, at, day, day_labels from usage
            where person_id = p.person_id and at >= (select plimsoll.clock() - interval '\(headsHorizonHours) hours')
                and at < (select plimsoll.clock() + interval '1 hour')
            order by n desc limit 1) u
        """)
    /// For people with no usage row in the last two days.
    static let oldHeads = Statement(
        "flush_old_heads",
        """
        select p.person_id, u.n, u.at, u.day, u.day_labels
        from unnest($1::bigint[]) p (person_id)
        cross join lateral (
            select n, at, day, day_labels from usage where person_id = p.person_id order by n desc limit 1) u
        """)

    static let people = Statement(
        "flush_people",
        """
        select p.person_id, p.name, p.zone,
            exists (select from role_grant r where r.person_id = p.person_id and r.role = 'engineer'),
            exists (select from denial d where d.person_id = p.person_id),
            coalesce((select array_agg(e.project_id) from enrolment e where e.person_id = p.person_id), '{}'),
            p.former_zone, p.zone_changed_at, p.declared_week_seconds
        from person p where p.person_id = any($1::bigint[])
        """)
    /// Index: lease_person.
    static let leases = Statement(
        "flush_leases",
        """
        select person_id, task_id, slot, fence, lane_id, project_id, granted_at, first_granted_at, deadline,
            coordinator_id, provenance_id, session
        from lease where person_id = any($1::bigint[])
        """)
    /// Index: parked_person.
    static let parked = Statement(
        "flush_parked",
        """
        select person_id, task_id, slot, fence, lane_id, project_id, first_granted_at, parked_at, until, provenance_id,
            at_limit
        from parked where person_id = any($1::bigint[])
        """)
    /// Index: lane_pkey.
    static let lanes = Statement(
        "flush_lanes",
        """
        select lane_id, project_id, kind, severity, priority, 0::bigint from lane where lane_id = any($1::bigint[])
        """)
    /// Leased time: merged intervals, and what came since they were merged. One statement, so that both are of one
    /// instant. Indexes: work_interval_pkey; usage's primary key from the merged number on, in the partitions from then
    /// on.
    static let worked = Statement(
        "flush_worked",
        """
        select p.person_id, w.kind, w.severity, w.starts, w.ends
        from unnest($1::bigint[]) p (person_id)
        left join work_merged m on m.person_id = p.person_id
        cross join lateral (
            select i.kind, i.severity, i.starts, i.ends from work_interval i where i.person_id = p.person_id
            union all
            select u.kind, u.severity, u.worked_from, u.worked_to from usage u
            where u.person_id = p.person_id and u.n > coalesce(m.n, 0) and u.at >= coalesce(m.at, '-infinity')
                and u.worked_to is not null) w
        """)
    /// Totals of dates before those intervals. Index: work_day_pkey.
    static let workedDays = Statement(
        "flush_worked_days",
        """
        select d.person_id, d.day, d.seconds from work_day d
        where d.person_id = any($1::bigint[]) and d.day > (select (plimsoll.clock() - interval '126 days')::date)
        order by d.person_id, d.day
        """)
    /// The latest event of each purpose, ended early where a later version of its notice changed something material.
    /// Index: consent_event_pkey; notices are few.
    static let agreements = Statement(
        "flush_agreements",
        """
        with latest as materialized (
            select distinct on (person_id, purpose) person_id, purpose, state, at, valid_until, notice_id,
                notice_version, n
            from consent_event where person_id = any($1::bigint[]) order by person_id, purpose, n desc)
        select c.person_id, c.purpose, c.state, c.at, ending.at, coalesce(c.notice_id, ''),
            coalesce(c.notice_version, 0), c.n, ending.is_for_new_version
        from latest c \(ConsentStatements.end(of: "c"))
        """)

    /// What became of leases that are not open, and what project and severity they were of: neither may be in anybody's
    /// memory any more. In doubt about the severity it is the highest of the project. Indexes: label_person,
    /// late_answer_once, lease_history_person, lane's unique key, task_pkey.
    static let settled = Statement(
        "flush_settled",
        """
        with asked as (
            select * from unnest($1::bigint[], $2::bigint[], $3::bigint[]) a (person_id, task_id, fence))
        select 0, a.person_id, a.task_id, l.fence, l.answer_hash, l.slot, 0::bigint, null::timestamptz, '',
            l.project_id, \(severity("l.project_id"))
        from asked a join kept_label l on l.person_id = a.person_id and l.task_id = a.task_id
        union all
        select 1, a.person_id, a.task_id, t.fence, t.answer_hash, 0::smallint, 0::bigint, null, '',
            t.project_id, \(severity("t.project_id"))
        from asked a
        join late_answer t on t.person_id = a.person_id and t.task_id = a.task_id and t.fence = a.fence
        union all
        select 2, a.person_id, a.task_id, h.fence, ''::bytea, h.slot, h.lane_id, h.granted_at, h.how,
            n.project_id, n.severity
        from asked a
        join lease_history h on h.person_id = a.person_id and h.fence = a.fence and h.task_id = a.task_id
        join lane n on n.lane_id = h.lane_id
        """)
    private static func severity(_ project: String) -> String {
        """
        coalesce((select max(n.severity) from lane n where n.project_id = \(project)
                and exists (select from task x where x.lane_id = n.lane_id and x.task_id = a.task_id)),
            (select max(n.severity) from lane n where n.project_id = \(project)), 0::smallint)
        """
    }
    /// Whether (task, slot) pairs may be granted to a person now: 0 yes; 1 not to this person; 2 the slot is taken or
    /// its task closed; 3 the coordinator $7 no longer holds what the slot comes from, a block or a returned slot (0:
    /// neither). Indexes: the primary keys of block, returned, label, lease, parked, declined and closed_task;
    /// label_person, lease_person, parked_person.
    static let free = Statement(
        "flush_free",
        """
        select c.i, case
            when c.block_id > 0 and not exists (select from block b
                    where b.block_id = c.block_id and b.coordinator_id = $7)
                or c.fence > 0 and not exists (select from returned r
                    where r.fence = c.fence and r.coordinator_id = $7) then 3
            when exists (select from label l where l.task_id = c.task_id and l.slot = c.slot)
                or exists (select from lease l where l.task_id = c.task_id and l.slot = c.slot)
                or exists (select from parked p where p.task_id = c.task_id and p.slot = c.slot)
                or exists (select from closed_task t where t.task_id = c.task_id) then 2
            when exists (select from label l where l.person_id = c.person_id and l.task_id = c.task_id)
                or exists (select from lease l where l.person_id = c.person_id and l.task_id = c.task_id)
                or exists (select from parked p where p.person_id = c.person_id and p.task_id = c.task_id)
                or exists (select from declined d where d.task_id = c.task_id and d.person_id = c.person_id) then 1
            else 0 end
        from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[])
            c (task_id, slot, person_id, i, block_id, fence)
        """)
    /// How tasks stand whose leases end without a label. Indexes: primary keys of closed_task, delivery_failure,
    /// label, lease, parked and task.
    static let standings = Statement(
        "flush_standings",
        """
        select c.task_id,
            exists (select from closed_task t where t.task_id = c.task_id),
            coalesce((select array_agg(f.person_id) from delivery_failure f where f.task_id = c.task_id and not f.forgiven
                and f.fence > coalesce((select max(l.fence) from kept_label l where l.task_id = c.task_id), 0)), '{}'),
            (select count(*) from label l where l.task_id = c.task_id)
                + (select count(*) from lease l where l.task_id = c.task_id)
                + (select count(*) from parked p where p.task_id = c.task_id),
            (select t.overlap from task t where t.lane_id = c.lane_id and t.task_id = c.task_id)
        from unnest($1::bigint[], $2::bigint[]) c (task_id, lane_id)
        """)
    static let contents = Statement(
        "flush_contents",
        """
        select t.task_id, t.external_key, t.effort_seconds, t.payload
        from unnest($1::bigint[], $2::bigint[]) c (lane_id, task_id)
        join task t on t.lane_id = c.lane_id and t.task_id = c.task_id
        """)
    /// The provenance of each combination, made on first use. Index: provenance_once.
    static let provenance = Statement(
        "flush_provenance",
        """
        with given as (
            insert into provenance (person_id, project_id, policy_version, instructions_version, agreements)
            values ($1, $2, $3, $4, $5) on conflict do nothing returning provenance_id)
        select provenance_id from given
        union all
        select provenance_id from provenance where person_id = $1 and project_id = $2 and policy_version = $3
            and instructions_version = $4 and agreements = $5
        limit 1
        """)
    /// The first of a run of fences that belongs to the caller alone (P4).
    static let fenceRun = Statement("flush_fence_run", "select nextval('fence_run')")
}
