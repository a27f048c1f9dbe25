-- The chain is sealed and can be verified (P11).

-- An event that no link names yet: written with the event, deleted by the sealer in the transaction that links it.
-- Event ids are drawn before commit, so the sealer cannot go by the highest one that it has seen; it reads what is in
-- here, which is what committed and waits, however many millions are sealed.
create table chain_unsealed (
    event_id bigint primary key
);
insert into chain_unsealed select event_id from chain_event;

-- The person an event is about, by which erasure finds it; null: it is about nobody. Erasing a detail is deleting its
-- row: event and link stay, and with the salt gone the hash tells nothing.
alter table chain_detail add column subject_id bigint;
create index chain_detail_subject on chain_detail (subject_id) where subject_id is not null;
update chain_detail d set subject_id = p.person_id from chain_event e, person p
    where e.event_id = d.event_id and (e.kind like 'consent.%' and p.name = d.actor
        or e.kind in ('role.granted', 'role.revoked', 'engineer.enrolled', 'access.denied')
            and p.name = d.detail ->> 'person');
update chain_detail d set subject_id = c.person_id from chain_event e, certificate c
    where e.event_id = d.event_id and e.kind in ('certificate.issued', 'access.denied')
        and c.serial = d.detail ->> 'serial' and c.person_id is not null;

-- The DER certificate of the coordinator that signed, so that a head can be verified by whoever has the deployment's
-- authority, and by nothing that this database says. No head was signed before.
alter table chain_head add column certificate bytea not null;
create trigger append_only before update or delete or truncate on chain_head
    for each statement execute function append_only();

grant select, insert, delete on chain_unsealed to plimsoll_coordinator;

-- What a notice stands on: an assessment of its impact and a consultation of the workers, each a reference and a date.
-- Notices that are there were published without being asked for either; new ones need both.
alter table notice
    add column assessment text not null default 'not recorded' check (assessment <> ''),
    add column assessment_on date,
    add column consultation text not null default 'not recorded' check (consultation <> ''),
    add column consultation_on date;
alter table notice alter column assessment drop default, alter column consultation drop default;
alter table notice add constraint notice_references
    check (assessment_on is not null and consultation_on is not null) not valid;
