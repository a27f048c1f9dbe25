-- Whose answers may have left is on record (P11), with an export that was begun and never sealed too: it is written
-- before they leave, and nobody takes it back.

-- Written before the first answer of a person leaves, and again as they become more.
grant update (at_n, labels) on export_person to plimsoll_coordinator;
revoke delete on export_person from plimsoll_coordinator;

-- Removes at most `most` rows of one table that are past the time that the inventory names; gives how many. Partitioned
-- tables drop whole days instead. A test compares the times with Schema/inventory.
create or replace function forget_past(name text, most integer) returns bigint language plpgsql security definer
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
        -- Kept until the person is erased, sealed or not. A coordinator of an earlier build still asks.
        return 0;
    else
        raise exception 'nothing is forgotten of %', name using errcode = '22023';
    end if;
    get diagnostics forgotten = row_count;
    return forgotten;
end $$;
