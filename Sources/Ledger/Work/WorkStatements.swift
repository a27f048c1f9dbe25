import Postgres

/// Leased time as it ages: usage rows, then merged intervals (28 days; of which kind, for 9), then totals of days.
enum WorkStatements {
    /// People with more than `$1` usage rows of leased time that are not merged, or with one older than an hour. A scan
    /// of the partitions of three days, now and then.
    static let unmerged = Statement(
        "work_unmerged",
        """
        select u.person_id from usage u left join work_merged m on m.person_id = u.person_id
        where u.worked_to is not null and u.n > coalesce(m.n, 0)
            and u.at >= (select clock() - interval '3 days')
        group by u.person_id
        having count(*) > $1 or min(u.at) < (select clock() - interval '1 hour')
        order by u.person_id
        """)
    /// Those of these people whom nobody else has locked. Index: person_pkey.
    static let lock = Statement(
        "work_lock",
        """
        select person_id from person where person_id = any($1::bigint[])
        order by person_id for no key update skip locked
        """)
    /// Merges everything since a person's merged number into their intervals. Needs the people's locks, so that a
    /// number stands for all below it. Indexes: usage's primary key from the merged number on; work_interval_pkey.
    static let merge = Statement(
        "work_merge",
        """
        with fresh as materialized (
            select p.person_id, u.n, u.at, u.kind, u.severity, u.worked_from, u.worked_to
            from unnest($1::bigint[]) p (person_id)
            left join work_merged m on m.person_id = p.person_id
            cross join lateral (
                select n, at, kind, severity, worked_from, worked_to from usage
                where person_id = p.person_id and n > coalesce(m.n, 0) and at >= coalesce(m.at, '-infinity')) u),
        gone as (
            delete from work_interval w
            where w.person_id = any($1::bigint[])
                and w.ends >= (select min(f.worked_from) from fresh f where f.person_id = w.person_id)
            returning w.person_id, w.kind, w.severity, w.starts, w.ends),
        merged as (
            select x.person_id, x.kind, x.severity, unnest(range_agg(tstzrange(x.starts, x.ends))) as stretch
            from (
                select person_id, kind, severity, starts, ends from gone
                union all
                select person_id, coalesce(kind, ''), coalesce(severity, 0), worked_from, worked_to from fresh
                where worked_to > worked_from) x
            group by x.person_id, x.kind, x.severity),
        kept as (
            insert into work_interval (person_id, kind, severity, starts, ends)
            select person_id, kind, severity, lower(stretch), upper(stretch) from merged)
        insert into work_merged (person_id, n, at)
        select person_id, max(n), max(at) from fresh group by person_id
        on conflict (person_id) do update set n = excluded.n, at = excluded.at
        """)
    /// After nine days nobody asks any more of which kind it was: limits look back eight (`WorkHistory.detailDays`),
    /// and a day more covers what is merged late. Time at two tasks at once is time once, so what has no kind never
    /// overlaps. The comment in 008_workload.sql says eight; an applied step stays as it is.
    static let forgetKinds = Statement(
        "work_forget_kinds",
        """
        with gone as (
            delete from work_interval where kind <> '' and ends < (select clock() - interval '9 days')
            returning person_id, starts, ends),
        met as (
            delete from work_interval w where w.kind = '' and exists (
                select from gone g where g.person_id = w.person_id and g.starts <= w.ends and g.ends >= w.starts)
            returning w.person_id, w.starts, w.ends),
        merged as (
            select person_id, unnest(range_agg(tstzrange(starts, ends))) as stretch
            from (select * from gone union all select * from met) x group by person_id)
        insert into work_interval (person_id, kind, severity, starts, ends)
        select person_id, '', 0, lower(stretch), upper(stretch) from merged
        on conflict (person_id, kind, severity, starts)
            do update set ends = greatest(work_interval.ends, excluded.ends)
        """)
    /// After four weeks only totals of local dates stay. A date begins as `Zone` has it: where clocks go back to
    /// midnight, with the first of the two midnights, while PostgreSQL takes the second; `back` is how far they went in
    /// the twelve hours before it.
    static let foldDays = Statement(
        "work_fold_days",
        """
        with gone as (
            delete from work_interval where ends < (select clock() - interval '28 days')
            returning person_id, starts, ends),
        merged as (
            select g.person_id, safe_zone(p.zone) as zone, unnest(range_agg(tstzrange(g.starts, g.ends))) as stretch
            from gone g join person p on p.person_id = g.person_id group by g.person_id, p.zone),
        dates as (
            select m.person_id, m.zone, m.stretch, d.day, d.day::timestamp at time zone m.zone as midnight
            from merged m
            cross join lateral (
                select (lower(m.stretch) at time zone m.zone)::date + i as day
                from generate_series(0, (upper(m.stretch) at time zone m.zone)::date
                    - (lower(m.stretch) at time zone m.zone)::date + 2) i) d),
        went as (
            select d.*, ((d.midnight - interval '12 hours') at time zone d.zone)
                - ((d.midnight at time zone d.zone) - interval '12 hours') as back
            from dates d),
        begun as (
            select w.person_id, w.stretch, w.day,
                case when (w.midnight - w.back) at time zone w.zone = w.day::timestamp then w.midnight - w.back
                    else w.midnight end as starts
            from went w),
        bounds as (
            select b.*, lead(b.starts) over (partition by b.person_id, b.stretch order by b.day) as ends
            from begun b),
        days as (
            select b.person_id, b.day, sum(extract(epoch from
                least(upper(b.stretch), b.ends) - greatest(lower(b.stretch), b.starts)))::integer as seconds
            from bounds b where b.starts < upper(b.stretch) and b.ends > lower(b.stretch)
            group by b.person_id, b.day)
        insert into work_day (person_id, day, seconds) select person_id, day, seconds from days where seconds > 0
        on conflict (person_id, day) do update set seconds = work_day.seconds + excluded.seconds
        """)
    static let forgetDays = Statement(
        "work_forget_days", "delete from work_day where day < (select (clock() - interval '366 days')::date)")
}
