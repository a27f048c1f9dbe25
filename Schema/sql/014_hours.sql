-- What a person says of their own time, and who looked at how much they did.

-- Corrections of leased time. Rows are added and never changed. Their times go with the intervals that they are about:
-- 28 days after the end, by `forget_hours`. Adding counts at once; taking away loosens a limit and waits for a second
-- party.
create table time_correction (
    correction_id bigint generated always as identity primary key,
    person_id     bigint not null references person,
    what          text not null check (what in ('add', 'remove')),
    starts        timestamptz not null,
    ends          timestamptz not null check (ends > starts),
    -- Leased time that was on record in between when it was said.
    recorded      tstzmultirange not null,
    reason        text not null check (octet_length(reason) <= 4096),
    asked_at      timestamptz not null,
    check (ends <= asked_at),
    check (what = 'add' or btrim(reason) <> ''),
    unique (correction_id, person_id)
);
create index time_correction_person on time_correction (person_id);
create index time_correction_ends on time_correction (ends);

-- What became of a correction that takes time away; none: it waits. Two parties: withdrawn by the person alone, agreed
-- to or refused by somebody else alone. An answer that is adverse has a reason.
create table time_correction_answer (
    correction_id bigint primary key,
    person_id     bigint not null,
    outcome       text not null check (outcome in ('agreed', 'refused', 'withdrawn')),
    answered_by   bigint not null references person,
    reason        text not null default '' check (octet_length(reason) <= 4096),
    answered_at   timestamptz not null,
    foreign key (correction_id, person_id) references time_correction (correction_id, person_id) on delete cascade,
    check ((outcome = 'withdrawn') = (answered_by = person_id)),
    check (outcome <> 'refused' or btrim(reason) <> '')
);

-- Looks of a supervisor at one person's throughput, each in the transaction of the reading.
create table throughput_look (
    look_id   bigint generated always as identity primary key,
    person_id bigint not null references person,
    reader_id bigint not null references person check (reader_id <> person_id),
    reason    text not null check (btrim(reason) <> '' and octet_length(reason) <= 4096),
    looked_at timestamptz not null
);
create index throughput_look_person on throughput_look (person_id);

create trigger append_only before update or truncate on time_correction
    for each statement execute function append_only();
create trigger append_only before update or truncate on time_correction_answer
    for each statement execute function append_only();
create trigger append_only before update or truncate on throughput_look
    for each statement execute function append_only();

-- Removes at most `most` rows of one of these tables that are past the time that the inventory names.
create function forget_hours(name text, most integer) returns bigint language plpgsql security definer
    set search_path = plimsoll, pg_temp
as $$
declare
    forgotten bigint;
    now timestamptz := clock();
begin
    if name = 'time_correction' then
        -- Answers go with what they answer.
        delete from time_correction where correction_id in (
            select correction_id from time_correction where ends < now - interval '28 days' limit most);
    elsif name = 'throughput_look' then
        delete from throughput_look where look_id in (
            select look_id from throughput_look where looked_at < now - interval '366 days' limit most);
    else
        raise exception 'nothing is forgotten of %', name using errcode = '22023';
    end if;
    get diagnostics forgotten = row_count;
    return forgotten;
end $$;

-- An erasure takes the name, which nothing else can do; these rows go in the same instant. Where the erased person
-- acted, as the second party or as a reader, their number stays and means the pseudonym.
create function forget_erased_hours() returns trigger language plpgsql security definer
    set search_path = plimsoll, pg_temp
as $$
begin
    delete from time_correction where person_id = new.person_id;
    delete from throughput_look where person_id = new.person_id;
    return null;
end $$;
create trigger forget_erased_hours after update of name on person
    for each row when (old.name is distinct from new.name) execute function forget_erased_hours();

revoke execute on function forget_hours(text, integer), forget_erased_hours() from public;
grant execute on function forget_hours(text, integer) to plimsoll_coordinator;
grant select, insert on time_correction, time_correction_answer, throughput_look to plimsoll_coordinator;
grant usage on sequence time_correction_correction_id_seq, throughput_look_look_id_seq to plimsoll_coordinator;
