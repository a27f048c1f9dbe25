-- The zone to reckon with on this server: one that its tables do not have counts as UTC. A person's zone is checked by
-- the tables of another machine, or by those of a server that this one took over from, and one such person would stop
-- what is done for all in one statement, such as letting go of old partitions. In no parallel plan: to catch an error
-- takes a subtransaction.
create function safe_zone(wanted text) returns text language plpgsql stable strict as $$
begin
    perform timestamptz 'epoch' at time zone wanted;
    return wanted;
exception when invalid_parameter_value then
    return 'UTC';
end $$;
