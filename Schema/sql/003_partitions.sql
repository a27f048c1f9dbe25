-- Partitions of the history tables, a day each. The coordinator's role calls these functions; it owns no table.

-- Makes the partitions from yesterday to `ahead` days after today, each as a plain table that is attached with a
-- CHECK already in place: attaching then scans nothing and needs no lock that stops an insert.
-- Gives the number of partitions made. A lock that is not had within 100 ms ends the attempt; the caller tries again.
create function ensure_partitions(ahead integer) returns integer language plpgsql security definer
    set search_path = plimsoll, pg_temp
    set lock_timeout = '100ms'
    set timezone = 'UTC'
as $$
declare
    parent text;
    day date;
    child text;
    made integer := 0;
    today date := (clock() at time zone 'UTC')::date;
begin
    foreach parent in array array['usage', 'lease_history', 'decision'] loop
        for offset_days in -1..least(ahead, 60) loop
            day := today + offset_days;
            child := parent || '_' || to_char(day, 'YYYYMMDD');
            continue when to_regclass('plimsoll.' || child) is not null;
            execute format('create table plimsoll.%I (like plimsoll.%I including defaults including indexes)',
                           child, parent);
            execute format('alter table plimsoll.%I add constraint %I check (at >= %L and at < %L)',
                           child, child || '_range', day::timestamptz, (day + 1)::timestamptz);
            execute format('alter table plimsoll.%I attach partition plimsoll.%I for values from (%L) to (%L)',
                           parent, child, day::timestamptz, (day + 1)::timestamptz);
            execute format('alter table plimsoll.%I drop constraint %I', child, child || '_range');
            made := made + 1;
        end loop;
    end loop;
    return made;
end $$;

-- Drops one partition whose whole day is older than `keep` days: the oldest of `parent` that can go. Gives its name,
-- or null when there is none. Someone who still reads it makes this give up after 100 ms; flushes queue behind the
-- attempt for no longer than that.
create function drop_old_partition(parent text, keep integer) returns text language plpgsql security definer
    set search_path = plimsoll, pg_temp
    set lock_timeout = '100ms'
    set timezone = 'UTC'
as $$
declare
    child text;
    limit_name text;
begin
    if parent not in ('usage', 'lease_history', 'decision') or keep < 1 then
        raise exception 'not a history table' using errcode = '22023';
    end if;
    limit_name := parent || '_' || to_char((clock() at time zone 'UTC')::date - keep, 'YYYYMMDD');
    select c.relname into child
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = ('plimsoll.' || parent)::regclass and c.relname < limit_name
        order by c.relname limit 1;
    if child is not null then
        execute format('drop table plimsoll.%I', child);
    end if;
    return child;
end $$;

select ensure_partitions(7);
