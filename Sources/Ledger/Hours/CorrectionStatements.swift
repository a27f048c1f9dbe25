import Postgres

enum CorrectionStatements {
    private static let columns = """
        c.correction_id, p.name, c.what, c.starts, c.ends,
            (select (coalesce(sum(extract(epoch from upper(r) - lower(r))), 0) * 1000000)::bigint
                from unnest(c.recorded) r),
            c.reason, c.asked_at, a.outcome, b.name, coalesce(a.reason, '')
        from time_correction c join person p on p.person_id = c.person_id
        left join time_correction_answer a on a.correction_id = c.correction_id
        left join person b on b.person_id = a.answered_by
        """
    /// Index: time_correction_pkey.
    static let show = Statement("correction_show", "select \(columns) where c.correction_id = $1")
    /// One person's own. Index: time_correction_person.
    static let own = Statement(
        "correction_own", "select \(columns) where c.person_id = $1 order by c.correction_id desc")
    /// What waits and can still be agreed to: of everybody ($1 empty), or of those a supervisor answers for. Few rows:
    /// they go after 28 days.
    static let waiting = Statement(
        "correction_waiting",
        """
        select \(columns)
        where c.what = 'remove' and a.outcome is null and c.starts >= (select clock() - interval '28 days')
            and ($1 = '' or exists (select from team_member m join team t using (team_id)
                join person s on s.person_id = t.supervisor_id where m.person_id = c.person_id and s.name = $1))
        order by c.correction_id
        """)
    /// How many corrections of a person are kept, and how many of them wait. Index: time_correction_person.
    static let count = Statement(
        "correction_count",
        """
        select count(*), count(*) filter (where c.what = 'remove' and a.outcome is null)
        from time_correction c left join time_correction_answer a using (correction_id) where c.person_id = $1
        """)
    /// Whether a lease that was open in a stretch still is. Index: lease_person.
    static let isOpen = Statement(
        "correction_is_open", "select exists (select from lease where person_id = $1 and granted_at < $2)")
    /// Writes a correction down, with the leased time on record in its stretch. Indexes: work_interval_pkey, usage's
    /// primary key from the merged number on. Needs the person's lock.
    static let insert = Statement(
        "correction_insert",
        """
        insert into time_correction (person_id, what, starts, ends, recorded, reason, asked_at)
        select $1::bigint, $2::text, $3::timestamptz, $4::timestamptz,
            coalesce((
                select range_agg(tstzrange(greatest(w.starts, $3), least(w.ends, $4)))
                from (
                    select i.starts, i.ends from work_interval i where i.person_id = $1
                    union all
                    select u.worked_from, u.worked_to
                    from (select 1) one left join work_merged m on m.person_id = $1
                    cross join lateral (
                        select worked_from, worked_to from usage
                        where person_id = $1 and n > coalesce(m.n, 0) and at >= coalesce(m.at, '-infinity')
                            and worked_to > worked_from) u) w
                where w.starts < $4 and w.ends > $3), '{}'), $5::text, $6::timestamptz
        returning correction_id, isempty(recorded)
        """)
    /// Answers what waits; nothing where it was answered already. Index: time_correction_pkey. Needs the person's lock.
    static let answer = Statement(
        "correction_answer",
        """
        insert into time_correction_answer (correction_id, person_id, outcome, answered_by, reason, answered_at)
        select correction_id, person_id, $2, $3, $4, $5 from time_correction
        where correction_id = $1 and what = 'remove'
        on conflict (correction_id) do nothing
        """)
    /// The later word of a person counts: what waits and would take some of this stretch away is withdrawn. Index:
    /// time_correction_person. Needs the person's lock.
    static let supersede = Statement(
        "correction_supersede",
        """
        insert into time_correction_answer (correction_id, person_id, outcome, answered_by, answered_at)
        select c.correction_id, c.person_id, 'withdrawn', c.person_id, $4 from time_correction c
        where c.person_id = $1 and c.what = 'remove' and c.starts < $3 and c.ends > $2
        on conflict (correction_id) do nothing returning correction_id
        """)
    /// Puts a stretch into a person's leased time, of no kind. Straight into the intervals, which go 28 days after
    /// their end; a usage row would keep it longer. Index: work_interval_pkey. Needs the person's lock.
    static let add = Statement(
        "correction_add",
        """
        with gone as (
            delete from work_interval
            where person_id = $1 and kind = '' and severity = 0 and starts <= $3 and ends >= $2
            returning starts, ends),
        merged as (
            select unnest(range_agg(tstzrange(x.starts, x.ends))) as stretch
            from (select starts, ends from gone union all select $2::timestamptz, $3::timestamptz) x)
        insert into work_interval (person_id, kind, severity, starts, ends)
        select $1, '', 0, lower(stretch), upper(stretch) from merged
        on conflict (person_id, kind, severity, starts)
            do update set ends = greatest(work_interval.ends, excluded.ends)
        """)
    /// Whether something of a stretch is in a person's intervals. Index: work_interval_pkey.
    static let isLeft = Statement(
        "correction_is_left",
        "select exists (select from work_interval where person_id = $1 and starts < $3 and ends > $2)")
    /// Takes a stretch out of a person's intervals, of every kind. What was not merged is not looked at. Index:
    /// work_interval_pkey. Needs the person's lock.
    static let remove = Statement(
        "correction_remove",
        """
        with gone as (
            delete from work_interval where person_id = $1 and starts < $3 and ends > $2
            returning kind, severity, starts, ends)
        insert into work_interval (person_id, kind, severity, starts, ends)
        select $1, g.kind, g.severity, lower(x.stretch), upper(x.stretch)
        from gone g cross join lateral unnest(tstzmultirange(tstzrange(g.starts, g.ends))
            - tstzmultirange(tstzrange($2, $3))) x (stretch)
        """)
}
