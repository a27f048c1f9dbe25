-- What is erased under one purpose may be in exports for another: those who hold it are told before it goes, and an
-- export that is being made for another purpose is not sealed with it.

-- An erasure took answers of its project before it was sealed: it never is.
alter table export add column void boolean not null default false;

-- At most `most` answers of a person that an exclusion covers: with `purpose`, of that purpose; without, all that there
-- are, once the person agrees to nothing any more.
create function erasable_labels(person bigint, purpose text, most integer)
returns table (task_id bigint, slot smallint, person_n bigint, provenance_id bigint, project_id bigint, lane_id bigint)
language sql stable
    set search_path = plimsoll, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
    with covered as materialized (
        select e.purpose, e.up_to_n from exclusion e
        where e.person_id = person and (erasable_labels.purpose is null or e.purpose = erasable_labels.purpose)),
    scope as materialized (
        select erasable_labels.purpose is null and exists (select from covered) and not exists (
            select from (select distinct on (c.purpose) c.state from consent_event c where c.person_id = person
                order by c.purpose, c.n desc) latest where latest.state in ('given', 'renewed')) as everything)
    select l.task_id, l.slot, l.person_n, l.provenance_id, l.project_id, t.lane_id
    from kept_label l
    join provenance v on v.provenance_id = l.provenance_id
    join lane a on a.project_id = l.project_id
    join task t on t.lane_id = a.lane_id and t.task_id = l.task_id
    where l.person_id = person and ((select everything from scope) or exists (
        select from covered e where e.up_to_n >= l.person_n
            and (exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = e.purpose)
                or (a.severity > 1 and e.purpose = 'severity-' || a.severity))))
    order by l.task_id limit most
$$;

-- Removes those, and with them the late answers that the exclusion covers. That the person is never asked those tasks
-- again stays. Gives how many labels and late answers of each project went, and how many of them were counted as done or
-- as waiting. The caller holds the person's lock and, shared, that of sealing; what the withdrawal owed is settled, and
-- whoever holds one of these labels has been told.
drop function erase_answers(bigint, text, integer);
create function erase_answers(person bigint, purpose text, most integer)
returns table (project bigint, labels bigint, done bigint, late bigint, waiting bigint)
language sql volatile security definer
    set search_path = plimsoll, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
    with covered as materialized (
        select e.purpose, e.up_to_n from exclusion e
        where e.person_id = person and (erase_answers.purpose is null or e.purpose = erase_answers.purpose)),
    scope as materialized (
        select erase_answers.purpose is null and exists (select from covered) and not exists (
            select from (select distinct on (c.purpose) c.state from consent_event c where c.person_id = person
                order by c.purpose, c.n desc) latest where latest.state in ('given', 'renewed')) as everything),
    chosen as materialized (select * from erasable_labels(person, erase_answers.purpose, most)),
    gone as (
        delete from label l using chosen c
        where l.task_id = c.task_id and l.slot = c.slot and l.person_id = person and l.person_n = c.person_n
        returning l.project_id, l.task_id),
    aside as (
        delete from excluded_label l using chosen c
        where l.task_id = c.task_id and l.slot = c.slot and l.person_id = person and l.person_n = c.person_n
        returning l.project_id),
    never as (
        insert into declined (person_id, task_id) select person, task_id from gone on conflict do nothing),
    late as (
        delete from late_answer l using lane a, task t
        where l.person_id = person and a.project_id = l.project_id and t.lane_id = a.lane_id
            and t.task_id = l.task_id and ((select everything from scope) or exists (
                select from covered e where e.up_to_n >= l.person_n
                    and (exists (select from project_purpose u
                            where u.project_id = l.project_id and u.purpose = e.purpose)
                        or (a.severity > 1 and e.purpose = 'severity-' || a.severity))))
        returning l.project_id, l.state),
    spoilt as (
        update export x set void = true
        where x.finished_at is null and not x.void and x.project_id in (select project_id from chosen))
    select x.project_id, sum(x.labels)::bigint, sum(x.done)::bigint, sum(x.late)::bigint, sum(x.waiting)::bigint
    from (
        select project_id, 1 as labels, 1 as done, 0 as late, 0 as waiting from gone
        union all select project_id, 1, 0, 0, 0 from aside
        union all select project_id, 0, 0, 1, (state = 'waiting')::int from late) x
    group by x.project_id
$$;

revoke execute on function erase_answers(bigint, text, integer), erasable_labels(bigint, text, integer) from public;
grant execute on function erase_answers(bigint, text, integer), erasable_labels(bigint, text, integer)
    to plimsoll_coordinator;

-- Who read the record, which names people.
alter table read_access drop constraint read_access_what_check;
alter table read_access add constraint read_access_what_check
    check (what in ('engineer-list', 'certificate-list', 'role-list', 'late-answers', 'policy-plan', 'raise-list',
        'asked-corrections', 'team', 'team-list', 'concern', 'limits', 'audit-list', 'audit-verify'));
