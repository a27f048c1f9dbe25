-- A parked lease keeps what its grant stood on: a person can ask why a task is theirs as long as it is in their hands.
alter table parked add column why bigint[] not null default '{}';    -- as on lease; empty: parked before this was kept
