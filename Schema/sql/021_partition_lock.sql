-- A session that builds its list of a table's partitions while another attaches one may keep the list without it, and
-- then neither finds the rows of that partition nor can write any, until the list changes again. (Seen with PostgreSQL
-- 15.20: the list is read before the news of the new partition comes, and kept after it.) Whoever builds the list holds
-- a lock on the parent, so partitions are made under one that excludes it.

-- Makes the partitions from yesterday to `ahead` days after today. Gives the number of partitions made. Where none is
-- missing nothing is locked. A lock that is not had within 100 ms ends the attempt; the caller tries again.
create or replace function ensure_partitions(ahead integer) returns integer language plpgsql security definer
    set search_path = plimsoll, pg_temp
    set lock_timeout = '100ms'
    set timezone = 'UTC'
as $$
declare
    parent text;
    day date;
    child text;
    is_locked boolean;
    made integer := 0;
    today date := (clock() at time zone 'UTC')::date;
begin
    -- In the order in which flushes touch the tables.
    foreach parent in array array['usage', 'lease_history', 'decision'] loop
        is_locked := false;
        for offset_days in -1..least(ahead, 60) loop
            day := today + offset_days;
            child := parent || '_' || to_char(day, 'YYYYMMDD');
            continue when to_regclass('plimsoll.' || child) is not null;
            if not is_locked then
                execute format('lock table plimsoll.%I in access exclusive mode', parent);
                is_locked := true;
                -- Another may have made it meanwhile.
                continue when to_regclass('plimsoll.' || child) is not null;
            end if;
            execute format('create table plimsoll.%I partition of plimsoll.%I for values from (%L) to (%L)',
                           child, parent, day::timestamptz, (day + 1)::timestamptz);
            made := made + 1;
        end loop;
    end loop;
    return made;
end $$;
