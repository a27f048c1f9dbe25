-- What a person is owed about their data.

-- Withdrawal (P3) ----------------------------------------------------------------------------------------------------

-- Labels that an exclusion covers and whose slot went to somebody else. The row is moved as it was; no label is
-- rewritten. For uses that were not withdrawn the answer still counts.
create table excluded_label (
    task_id       bigint not null,
    slot          smallint not null,
    person_id     bigint not null,
    fence         bigint not null,
    project_id    bigint not null,
    person_n      bigint not null,
    provenance_id bigint not null,
    accepted_on   date not null,
    answer_hash   bytea not null,
    answer        json not null,
    primary key (task_id, slot, person_id, person_n)
);
create index excluded_label_person on excluded_label (person_id, task_id);
create trigger append_only before update or truncate on excluded_label
    for each statement execute function append_only();

-- Every answer that was accepted, whether its slot is still its own or not. Who reads an answer from it applies
-- exclusions.
create view kept_label as
    select task_id, slot, person_id, fence, project_id, person_n, provenance_id, accepted_on, answer_hash, answer
    from label
    union all
    select task_id, slot, person_id, fence, project_id, person_n, provenance_id, accepted_on, answer_hash, answer
    from excluded_label;

-- What a withdrawal owes beyond its own short transaction, in which it is written; any coordinator does it.
create table owed_refill (
    person_id bigint not null,
    purpose   text not null,
    up_to_n   bigint not null,
    primary key (person_id, purpose, up_to_n)
);

-- Whose labels an export holds. `at_n` is the person's number at the export's snapshot: labels and exclusions up to it
-- were seen by the export, and none after it, because numbers are given under the person's lock without gaps.
create table export_person (
    export_id bigint not null references export,
    person_id bigint not null references person,
    at_n      bigint not null,
    labels    bigint not null,
    primary key (export_id, person_id)
);
create index export_person_person on export_person (person_id);

-- Exports that must be told to drop what this person withdrew.
create table owed_drop (
    export_id bigint not null,
    person_id bigint not null,
    up_to_n   bigint not null,
    primary key (export_id, person_id, up_to_n)
);
create index owed_drop_person on owed_drop (person_id);

-- The superseding manifests of an export: number 1 is the one that it was sealed with.
create table supersession (
    export_id  bigint not null references export,
    number     integer not null check (number > 1),
    written_on date not null,
    primary key (export_id, number)
);

-- What an export must drop since which manifest. Under the names of that export: no person, and one word whatever the
-- cause.
create table export_drop (
    export_id bigint not null references export,
    task_key  text not null,
    slot      smallint not null,
    annotator text not null,
    number    integer not null,
    primary key (export_id, task_key, annotator, slot)
);

-- Exports of before this table hold every label of their project and purpose that was accepted by then. That may be
-- more than they hold: to be told to drop what one does not have does no harm.
insert into export_person (export_id, person_id, at_n, labels)
select x.export_id, l.person_id, max(l.person_n), count(*)
from export x
join label l on l.project_id = x.project_id and l.accepted_on <= (x.cut_at at time zone 'UTC')::date + 1
join provenance v on v.provenance_id = l.provenance_id
where x.finished_at is not null and exists (
        select from unnest(v.agreements) g where split_part(g, '@', 1) = x.purpose)
    and not exists (select from exclusion e where e.person_id = l.person_id and e.up_to_n >= l.person_n
        and e.excluded_at < x.cut_at)
group by x.export_id, l.person_id;
-- Withdrawals of before this table are owed the same.
insert into owed_drop (export_id, person_id, up_to_n)
select p.export_id, p.person_id, e.up_to_n from export_person p join exclusion e on e.person_id = p.person_id
where e.up_to_n > p.at_n;
insert into owed_refill (person_id, purpose, up_to_n) select person_id, purpose, up_to_n from exclusion;

-- Frees the slots of at most `most` labels of a person that an exclusion covers and whose project refills. Each label
-- goes as it is to excluded_label, and the person is never asked that task again: a row in `declined`, which carries no
-- reason. Gives the slots that are free now; `closed` where the task takes no new lease.
-- The caller holds the person's lock: no label of this person comes while it runs.
create function set_aside_labels(person bigint, most integer)
returns table (project bigint, lane bigint, task bigint, place smallint, closed boolean)
language sql volatile security definer
    set search_path = plimsoll, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
    with chosen as materialized (
        select l.task_id, l.slot, t.lane_id
        from label l
        join project p on p.project_id = l.project_id and p.refill
        join provenance v on v.provenance_id = l.provenance_id
        join lane a on a.project_id = l.project_id
        join task t on t.lane_id = a.lane_id and t.task_id = l.task_id
        where l.person_id = person and exists (
            select from exclusion e where e.person_id = person and e.up_to_n >= l.person_n
                and (exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = e.purpose)
                    or (a.severity > 1 and e.purpose = 'severity-' || a.severity)))
        order by l.task_id limit most),
    gone as (
        delete from label l using chosen c where l.task_id = c.task_id and l.slot = c.slot and l.person_id = person
        returning l.*),
    kept as (insert into excluded_label select * from gone),
    never as (
        insert into declined (person_id, task_id) select person_id, task_id from gone on conflict do nothing)
    select g.project_id, c.lane_id, g.task_id, g.slot,
        exists (select from closed_task z where z.task_id = g.task_id)
    from gone g join chosen c on c.task_id = g.task_id and c.slot = g.slot
    order by c.lane_id, g.task_id, g.slot
$$;

grant select, insert, delete on owed_refill, owed_drop, export_person to plimsoll_coordinator;
grant select, insert on supersession, export_drop to plimsoll_coordinator;
grant select on excluded_label, kept_label to plimsoll_coordinator;
grant update (refill) on project to plimsoll_coordinator;
revoke execute on function set_aside_labels(bigint, integer) from public;
grant execute on function set_aside_labels(bigint, integer) to plimsoll_coordinator;

-- Erasure ------------------------------------------------------------------------------------------------------------

-- Removes at most `most` answers of a person that an exclusion covers: with `purpose`, one of that purpose; without, all
-- that there are, once the person agrees to nothing any more. That the person is never asked those tasks again stays. Gives how many labels and late answers of each project went, and how
-- many of them were counted as done or as waiting.
-- The caller holds the person's lock, and what the withdrawal owed is settled: no answer is named in an export's
-- manifest any more.
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
    chosen as materialized (
        select l.task_id, l.slot, l.person_n
        from kept_label l
        join provenance v on v.provenance_id = l.provenance_id
        join lane a on a.project_id = l.project_id
        join task t on t.lane_id = a.lane_id and t.task_id = l.task_id
        where l.person_id = person and ((select everything from scope) or exists (
            select from covered e where e.up_to_n >= l.person_n
                and (exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = e.purpose)
                    or (a.severity > 1 and e.purpose = 'severity-' || a.severity))))
        order by l.task_id limit most),
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
        returning l.project_id, l.state)
    select x.project_id, sum(x.labels)::bigint, sum(x.done)::bigint, sum(x.late)::bigint, sum(x.waiting)::bigint
    from (
        select project_id, 1 as labels, 1 as done, 0 as late, 0 as waiting from gone
        union all select project_id, 1, 0, 0, 0 from aside
        union all select project_id, 0, 0, 1, (state = 'waiting')::int from late) x
    group by x.project_id
$$;

-- Takes a person's name out of the database and leaves `pseudonym` in its place. What stays under it: that tasks were
-- answered or declined, deliveries that failed, consent events and exclusions. Of the chain the details that speak of
-- the person go, with their salts; the chain itself is as it was. Certificates that still run are denied by serial,
-- because another person may once have the name.
-- Refuses while the person holds work, a label, or a role beside engineer. The caller holds the person's lock.
create function erase_person(erased bigint, pseudonym text) returns bigint language plpgsql security definer
    set search_path = plimsoll, pg_temp
as $$
declare
    gone_name text;
    details bigint;
begin
    select name into strict gone_name from person where person_id = erased;
    if exists (select from lease where person_id = erased) or exists (select from parked where person_id = erased)
        or exists (select from kept_label where person_id = erased)
        or exists (select from late_answer where person_id = erased)
        or exists (select from owed_drop where person_id = erased) then
        raise exception 'the person has work or answers' using errcode = 'PL006';
    end if;
    if exists (select from role_grant where person_id = erased and role <> 'engineer') then
        raise exception 'the person acts for the deployment' using errcode = 'PL007';
    end if;
    insert into denial (serial, denied_at, denied_by, reason)
        select c.serial, clock(), pseudonym, 'erased' from certificate c
        where c.person_id = erased and c.not_after > clock()
            and not exists (select from denial d where d.serial = c.serial);
    -- Every detail that says the name, as a value or within an identity.
    delete from chain_detail d where d.subject_id = erased or d.actor = gone_name or exists (
        select from jsonb_path_query(d.detail::jsonb, 'strict $.**') v where jsonb_typeof(v) = 'string'
            and (v #>> '{}' = gone_name or '/' || (v #>> '{}') || '/' like '%/' || replace(gone_name, '_', '\_') || '/%'));
    get diagnostics details = row_count;
    delete from decision where person_id = erased;
    delete from lease_history where person_id = erased;
    delete from usage where person_id = erased;
    delete from work_interval where person_id = erased;
    delete from work_merged where person_id = erased;
    delete from work_day where person_id = erased;
    delete from contribution where person_id = erased;
    delete from provenance where person_id = erased;
    delete from enrolment where person_id = erased;
    delete from past_enrolment where person_id = erased;
    delete from team_member where person_id = erased;
    delete from past_team_member where person_id = erased;
    delete from limit_raise where person_id = erased;
    delete from limit_layer where scope = 'person' and scope_id = erased;
    -- What somebody was concerned about stays to be answered, without a name.
    update concern set person_id = null where person_id = erased;
    delete from enrolment_token where person_id = erased;
    delete from role_grant where person_id = erased;
    delete from denial where person_id = erased;
    delete from certificate where person_id = erased;
    delete from export_person where person_id = erased;
    delete from owed_refill where person_id = erased;
    delete from read_access where person_id = erased;
    -- Where the person once acted for the deployment.
    update policy set author = pseudonym where author = gone_name;
    update notice set published_by = pseudonym where published_by = gone_name;
    update export set exported_by = pseudonym where exported_by = gone_name;
    update import set imported_by = pseudonym where imported_by = gone_name;
    update role_grant set granted_by = pseudonym where granted_by = gone_name;
    update certificate set issued_by = pseudonym where issued_by = gone_name;
    update denial set denied_by = pseudonym where denied_by = gone_name;
    update late_answer set judged_by = pseudonym where judged_by = gone_name;
    update closed_task set closed_by = pseudonym where closed_by = gone_name;
    update enrolment set decided_by = pseudonym where decided_by = gone_name;
    update past_enrolment set decided_by = pseudonym where decided_by = gone_name;
    update past_enrolment set ended_by = pseudonym where ended_by = gone_name;
    update team set created_by = pseudonym where created_by = gone_name;
    update team_member set decided_by = pseudonym where decided_by = gone_name;
    update past_team_member set decided_by = pseudonym where decided_by = gone_name;
    update past_team_member set ended_by = pseudonym where ended_by = gone_name;
    update limit_layer set set_by = pseudonym where set_by = gone_name;
    update limit_raise set ended_by = pseudonym where ended_by = gone_name;
    update concern_answer set answered_by = pseudonym where answered_by = gone_name;
    update deployment set set_by = pseudonym where set_by = gone_name;
    update read_access set reader = pseudonym where reader = gone_name;
    delete from named_person where name = gone_name;
    update person set name = pseudonym, zone = 'UTC', former_zone = null, zone_changed_at = null,
        declared_week_seconds = 0 where person_id = erased;
    return details;
end $$;

revoke execute on function erase_answers(bigint, text, integer), erase_person(bigint, text) from public;
grant execute on function erase_answers(bigint, text, integer), erase_person(bigint, text) to plimsoll_coordinator;

-- Read-only mode -----------------------------------------------------------------------------------------------------

alter table deployment
    add column reason text not null default '',
    add column since timestamptz,
    add column set_by text not null default '';
grant update (reason, since, set_by) on deployment to plimsoll_coordinator;

-- Retention (P10) ----------------------------------------------------------------------------------------------------

-- Removes at most `most` rows of one table that are past the time that the inventory names; gives how many. Partitioned
-- tables drop whole days instead. A test compares the times with Schema/inventory.
create function forget_past(name text, most integer) returns bigint language plpgsql security definer
    set search_path = plimsoll, pg_temp
as $$
declare
    forgotten bigint;
    now timestamptz := clock();
begin
    if name = 'certificate' then
        delete from certificate where serial in (
            select serial from certificate where not_after < now - interval '366 days' limit most);
    elsif name = 'enrolment_token' then
        delete from enrolment_token where hash in (
            select hash from enrolment_token where expires_at < now - interval '30 days' limit most);
    elsif name = 'delivery_failure' then
        delete from delivery_failure f using (
            select task_id, fence from delivery_failure where failed_at < now - interval '90 days' limit most) x
            where f.task_id = x.task_id and f.fence = x.fence;
    elsif name = 'contribution' then
        delete from contribution c using (
            select project_id, hour, person_id from contribution where hour < now - interval '8 days' limit most) x
            where c.project_id = x.project_id and c.hour = x.hour and c.person_id = x.person_id;
    elsif name = 'read_access' then
        delete from read_access where read_id in (
            select read_id from read_access where read_on < (now - interval '366 days')::date limit most);
    elsif name = 'export_person' then
        -- Of exports that were begun and never sealed.
        delete from export_person p using (
            select e.export_id, e.person_id from export_person e join export x using (export_id)
            where x.finished_at is null and x.cut_at < now - interval '1 day' limit most) d
            where p.export_id = d.export_id and p.person_id = d.person_id;
    else
        raise exception 'nothing is forgotten of %', name using errcode = '22023';
    end if;
    get diagnostics forgotten = row_count;
    return forgotten;
end $$;

-- Access ---------------------------------------------------------------------------------------------------------------

-- Who looked at what of whom, by the day. `person_id` null: at everybody's.
create table read_access (
    read_id   bigint generated always as identity primary key,
    person_id bigint references person,
    reader    text not null,
    what      text not null check (what in ('engineer-list', 'certificate-list', 'role-list', 'late-answers')),
    read_on   date not null,
    unique nulls not distinct (person_id, reader, what, read_on)
);

revoke execute on function forget_past(text, integer) from public;
grant execute on function forget_past(text, integer) to plimsoll_coordinator;
grant select, insert on read_access to plimsoll_coordinator;
grant usage on sequence read_access_read_id_seq to plimsoll_coordinator;
