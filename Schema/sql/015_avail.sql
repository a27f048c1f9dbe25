-- Where few people are at work nothing of the present hour is shown: minutes keep every figure that one person moves.
alter table tally_minute
    add column parked bigint not null default 0,
    add column late   bigint not null default 0;

-- Since when the oldest slot of a project has waited, as of the first look of an hour; null: none waited.
create table queue_hour (
    project_id bigint not null references project,
    hour       timestamptz not null,
    oldest     timestamptz,
    primary key (project_id, hour)
);
grant select, insert, delete on queue_hour to plimsoll_coordinator;

-- Which estimates are the longest of a lane. Of the many short ones no row is kept, so an import hardly notices.
create index task_long on task (lane_id, effort_seconds) where effort_seconds > 300;
