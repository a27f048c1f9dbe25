import Postgres

/// What `policy plan` reads. Only what there was: no answer, no task's contents, no name.
enum PlanStatements {
    /// One plan is put on the record at a time, so that each knows all before it. "PLIMPLAN". No flush takes it.
    static let lock = Statement(
        "plan_lock", "select pg_advisory_xact_lock(\(0x504c_494d_504c_414e as Int64))")
    static let clock = Statement(
        "plan_clock",
        """
        select date_trunc('hour', n.at, 'UTC'), date_trunc('day', n.at, 'UTC') from (select plimsoll.clock() as at) n
        """)
    /// The day's plans in their order. Index: chain_event_planned.
    static let earlier = Statement(
        "plan_earlier",
        """
        select (d.detail ->> 'in_force')::bigint, d.detail ->> 'document', p.document
        from chain_event e join chain_detail d using (event_id)
        left join policy p on p.version = (d.detail ->> 'in_force')::bigint
        where e.kind = 'policy.planned' and e.at >= $1 order by e.event_id
        """)
    static let lanes = Statement("plan_lanes", "select lane_id, project_id, kind, severity from lane")
    /// Everybody, or all who are or were in a project. Indexes: person_pkey; enrolment_pkey.
    static let people = Statement(
        "plan_people",
        """
        select p.person_id from person p
        where $1::bigint is null
            or exists (select from enrolment e where e.project_id = $1 and e.person_id = p.person_id)
            or exists (select from past_enrolment e where e.project_id = $1 and e.person_id = p.person_id)
        order by p.person_id
        """)
    /// Every state there was, ended early where a later version of its notice changed something material. Index:
    /// consent_event_pkey; notices are few.
    static let consents = Statement(
        "plan_consents",
        """
        select c.person_id, c.purpose, c.state, c.at, ending.at,
            coalesce(c.notice_id, ''), coalesce(c.notice_version, 0), c.n, ending.is_for_new_version
        from consent_event c \(ConsentStatements.end(of: "c"))
        where c.person_id = any($1::bigint[]) order by c.person_id, c.n
        """)
    /// Stretches that leases were open since `$2`, granted by `$3`; those open now until their deadline. What took no
    /// time was no grant: the end of a parked lease. Indexes: lease_history_person in the partitions of those days,
    /// lease_person, task_pkey.
    static let grants = Statement(
        "plan_grants",
        """
        select g.person_id, g.granted_at, g.ended, g.labelled, g.lane_id, coalesce(t.effort_seconds, 0)
        from (
            select h.person_id, h.fence, h.granted_at, h.at as ended, h.how = 'label' as labelled, h.lane_id, h.task_id
            from lease_history h
            where h.person_id = any($1::bigint[]) and h.at > $2 and h.at > h.granted_at and h.how <> 'unheard'
            union all
            select l.person_id, l.fence, l.granted_at, l.deadline, false, l.lane_id, l.task_id
            from lease l where l.person_id = any($1::bigint[])) g
        left join task t on t.lane_id = g.lane_id and t.task_id = g.task_id
        where g.granted_at <= $3
        order by g.person_id, g.granted_at, g.fence
        """)
    /// Totals of dates since `$2`, further back than a flush reads them. Index: work_day_pkey.
    static let workedDays = Statement(
        "plan_worked_days",
        """
        select d.person_id, d.day, d.seconds from work_day d
        where d.person_id = any($1::bigint[]) and d.day >= ($2::timestamptz at time zone 'UTC')::date
        order by d.person_id, d.day
        """)
    /// The day's labels as of `$2`. Index: usage's primary key, backwards, in the partitions of two days.
    static let labels = Statement(
        "plan_labels",
        """
        select p.person_id, u.day, u.day_labels
        from unnest($1::bigint[]) p (person_id)
        cross join lateral (
            select day, day_labels from usage
            where person_id = p.person_id and at <= $2
                and at > $2::timestamptz - interval '\(FlushStatements.headsHorizonHours) hours'
            order by n desc limit 1) u
        """)
}
