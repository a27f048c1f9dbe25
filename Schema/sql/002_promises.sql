-- P1 and P5 against everyone, plain SQL in the coordinator's role included.

-- Fails the transaction when a statement touched another number of rows than it had to.
create function assert_rows(touched bigint, expected bigint) returns bigint language plpgsql immutable as $$
begin
    if touched <> expected then
        raise exception 'touched % rows instead of %', touched, expected using errcode = 'PL005';
    end if;
    return touched;
end $$;

-- A label exists only by consuming the lease it answers. Since (task, slot) and (task, person) are unique among
-- leases, and this function deletes the lease in the same transaction, a concurrent grant of the slot waits on the
-- unique index for this transaction's end and then meets the label in `lease_is_alone`.
create function label_consumes_lease() returns trigger language plpgsql security definer
    set search_path = plimsoll, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    consumed bigint;
    added bigint;
begin
    delete from lease l using added_label a
        where l.task_id = a.task_id and l.slot = a.slot and l.person_id = a.person_id and l.fence = a.fence;
    get diagnostics consumed = row_count;
    select count(*) into added from added_label;
    if consumed <> added then
        raise exception 'a label needs the lease it answers: % of % labels have none', added - consumed, added
            using errcode = 'PL001';
    end if;
    return null;
end $$;
create trigger label_consumes_lease after insert on label
    referencing new table as added_label for each statement execute function label_consumes_lease();

create function parked_consumes_lease() returns trigger language plpgsql security definer
    set search_path = plimsoll, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    consumed bigint;
    added bigint;
begin
    delete from lease l using added_parked a
        where l.task_id = a.task_id and l.slot = a.slot and l.person_id = a.person_id and l.fence = a.fence;
    get diagnostics consumed = row_count;
    select count(*) into added from added_parked;
    if consumed <> added then
        raise exception 'a parked lease must have been open' using errcode = 'PL001';
    end if;
    return null;
end $$;
create trigger parked_consumes_lease after insert on parked
    referencing new table as added_parked for each statement execute function parked_consumes_lease();

-- AFTER, not BEFORE: the check must see what committed while the insert waited on the unique index.
create function lease_is_alone() returns trigger language plpgsql security definer
    set search_path = plimsoll, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    if exists (select from added_lease a where exists (
                   select from label l where l.task_id = a.task_id and l.slot = a.slot)) then
        raise exception 'the slot has a label' using errcode = 'PL002';
    end if;
    if exists (select from added_lease a where exists (
                   select from label l where l.person_id = a.person_id and l.task_id = a.task_id)) then
        raise exception 'the person has a label of this task' using errcode = 'PL002';
    end if;
    if exists (select from added_lease a where exists (
                   select from parked p where p.task_id = a.task_id and p.slot = a.slot)) then
        raise exception 'the slot is parked' using errcode = 'PL002';
    end if;
    if exists (select from added_lease a where exists (
                   select from parked p where p.person_id = a.person_id and p.task_id = a.task_id)) then
        raise exception 'the person has this task parked' using errcode = 'PL002';
    end if;
    if exists (select from added_lease a where not exists (
                   select from task t where t.lane_id = a.lane_id and t.task_id = a.task_id
                       and a.slot between 1 and t.overlap)) then
        raise exception 'no such slot' using errcode = 'PL003';
    end if;
    return null;
end $$;
create trigger lease_is_alone after insert on lease
    referencing new table as added_lease for each statement execute function lease_is_alone();

-- Append-only tables refuse change whoever asks; grants refuse it too.
create function append_only() returns trigger language plpgsql as $$
begin
    raise exception 'table % is append-only', tg_table_name using errcode = 'PL004';
end $$;
create trigger append_only before update or delete or truncate on consent_event
    for each statement execute function append_only();
create trigger append_only before update or delete or truncate on chain_event
    for each statement execute function append_only();
create trigger append_only before update or delete or truncate on chain_link
    for each statement execute function append_only();
create trigger append_only before update or truncate on label
    for each statement execute function append_only();
