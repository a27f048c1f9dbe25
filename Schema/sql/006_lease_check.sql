-- P1, the same checks in one pass over the new leases instead of five. Where a task has one slot, a label or a parked
-- lease of the person can only be that slot's, so the indexes by person, the largest there are, are not read.
create or replace function lease_is_alone() returns trigger language plpgsql security definer
    set search_path = plimsoll, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    fault text;
begin
    select case
            when t.task_id is null or a.slot not between 1 and t.overlap then 'no such slot'
            when exists (select from label l where l.task_id = a.task_id and l.slot = a.slot) then 'the slot has a label'
            when exists (select from parked p where p.task_id = a.task_id and p.slot = a.slot) then 'the slot is parked'
            when t.overlap > 1 and exists (
                    select from label l where l.person_id = a.person_id and l.task_id = a.task_id)
                then 'the person has a label of this task'
            when t.overlap > 1 and exists (
                    select from parked p where p.person_id = a.person_id and p.task_id = a.task_id)
                then 'the person has this task parked'
        end into fault
        from added_lease a left join task t on t.lane_id = a.lane_id and t.task_id = a.task_id
        where t.task_id is null or a.slot not between 1 and t.overlap
            or exists (select from label l where l.task_id = a.task_id and l.slot = a.slot)
            or exists (select from parked p where p.task_id = a.task_id and p.slot = a.slot)
            or t.overlap > 1 and (
                exists (select from label l where l.person_id = a.person_id and l.task_id = a.task_id)
                or exists (select from parked p where p.person_id = a.person_id and p.task_id = a.task_id))
        limit 1;
    if fault is not null then
        raise exception '%', fault using errcode = case fault when 'no such slot' then 'PL003' else 'PL002' end;
    end if;
    return null;
end $$;
