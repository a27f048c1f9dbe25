-- Leased time, for limits on it. A flush that ends leases says in its usage row which stretch of time they were open,
-- of which kind and severity; where that takes more than one row, each has a number of its own, so numbers stay without
-- gaps. No task and no project.
alter table usage
    add column worked_from timestamptz,
    add column worked_to   timestamptz,
    add column kind        text,
    add column severity    smallint;

-- The same, merged: what a person worked in the last four weeks. Kinds are dropped after eight days ('', severity 0).
create table work_interval (
    person_id bigint not null,
    kind      text not null,
    severity  smallint not null,
    starts    timestamptz not null,
    ends      timestamptz not null check (ends > starts),
    primary key (person_id, kind, severity, starts)
);

-- Up to which number, and from when, the usage rows of a person are in work_interval.
create table work_merged (
    person_id bigint primary key,
    n         bigint not null,
    at        timestamptz not null
);

-- After that, totals of local dates.
create table work_day (
    person_id bigint not null,
    day       date not null,
    seconds   integer not null check (seconds >= 0),
    primary key (person_id, day)
);

-- After a change of zone the stricter of both holds for eight days.
alter table person
    add column former_zone     text,
    add column zone_changed_at timestamptz,
    -- What the person says they work elsewhere, for the law's mean alone.
    add column declared_week_seconds integer not null default 0 check (declared_week_seconds between 0 and 604800);

-- Parked by a limit and not by its holder: comes back before anything new.
alter table parked add column at_limit boolean not null default false;

alter table decision add column scope text;

grant select, insert, delete on work_interval, work_day to plimsoll_coordinator;
grant select, insert, update (n, at) on work_merged to plimsoll_coordinator;
grant update (ends) on work_interval to plimsoll_coordinator;
grant update (seconds) on work_day to plimsoll_coordinator;
grant update (former_zone, zone_changed_at, declared_week_seconds) on person to plimsoll_coordinator;
