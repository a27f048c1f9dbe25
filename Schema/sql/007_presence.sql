-- For which projects a coordinator has workers at hand, so that queue status can say why tasks wait whichever
-- coordinator is asked. No person and no count: a row says that somebody is connected, `available` that at least one of
-- them could be given something. Written only when it changes; rows of coordinators that are gone count for nothing and
-- go when their leases are settled.
create table presence (
    coordinator_id bigint not null,
    project_id     bigint not null,
    available      boolean not null,
    primary key (coordinator_id, project_id)
);
grant select, insert, update (available), delete on presence to plimsoll_coordinator;

-- The longest waiting span of a lane without a walk over all of its spans.
create index span_since on span (lane_id, since);
