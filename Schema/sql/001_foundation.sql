-- The schema of Plimsoll. Run by the owner role inside one transaction, with search_path = plimsoll.
--
-- Rules that hold for the hot tables (lease, label, usage, lease_history, tally):
--   append-mostly: no UPDATE per lease, heartbeat or submit, and no status column that walks through states;
--   no foreign keys, so that no key-share locks are taken on parents in every flush;
--   every id is bigint.

-- P8: the one source of time. Tests replace this function in their own database; `serve` refuses to start where it
-- is not the shipped one.
create function clock() returns timestamptz language sql volatile parallel restricted
    as $$ select clock_timestamp() $$;

-- People ------------------------------------------------------------------------------------------------------------

-- The row that is locked, FOR NO KEY UPDATE, by every transaction that decides anything about this person (P2, P7).
create table person (
    person_id  bigint generated always as identity primary key,
    name       text not null unique check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    zone       text not null,
    created_at timestamptz not null default clock()
);

create table role_grant (
    person_id  bigint not null references person,
    role       text not null check (role in ('engineer', 'supervisor', 'reviewer', 'operator')),
    granted_at timestamptz not null default clock(),
    granted_by text not null,
    primary key (person_id, role)
);

create table certificate (
    serial     text primary key check (serial ~ '^[0-9a-f]+$'),
    person_id  bigint references person,             -- null: a coordinator's
    identity   text not null,
    not_before timestamptz not null,
    not_after  timestamptz not null,
    issued_at  timestamptz not null default clock(),
    issued_by  text not null,
    told_at    timestamptz                           -- when the person was told of it at a hello
);
create index certificate_person on certificate (person_id);

-- Denials by person or by serial; they end running streams too.
create table denial (
    denial_id  bigint generated always as identity primary key,
    person_id  bigint references person,
    serial     text,
    denied_at  timestamptz not null default clock(),
    denied_by  text not null,
    reason     text not null check (reason <> ''),
    check ((person_id is null) <> (serial is null))
);

create table enrolment_token (
    hash       bytea primary key,
    person_id  bigint not null references person,
    created_at timestamptz not null default clock(),
    expires_at timestamptz not null,
    used_at    timestamptz
);

-- Projects ----------------------------------------------------------------------------------------------------------

create table project (
    project_id           bigint generated always as identity primary key,
    name                 text not null unique check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    state                text not null default 'open' check (state in ('open', 'paused', 'closed')),
    overlap              smallint not null check (overlap between 1 and 64),
    weight               integer not null default 1 check (weight between 1 and 1000),
    effort_seconds       integer not null check (effort_seconds between 1 and 14400),
    answer_schema        text not null,
    instructions_version bigint not null default 1,
    refill               boolean not null default true,
    created_at           timestamptz not null default clock()
);

create table instructions (
    project_id bigint not null references project,
    version    bigint not null,
    body       text not null,
    written_at timestamptz not null default clock(),
    primary key (project_id, version)
);

create table project_purpose (
    project_id bigint not null references project,
    purpose    text not null check (purpose ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    primary key (project_id, purpose)
);

-- Who answers concerns, in the order of escalation. A project without is refused.
create table named_person (
    project_id bigint not null references project,
    position   smallint not null,
    name       text not null,
    primary key (project_id, position)
);

-- An enrolment is its selection record: no record, no lease.
create table enrolment (
    project_id          bigint not null references project,
    person_id           bigint not null references person,
    rule                text not null check (rule <> ''),
    data_used           text not null check (data_used <> ''),
    decided_by          text not null check (decided_by <> ''),
    alternative_offered text not null check (alternative_offered <> ''),
    decided_at          timestamptz not null default clock(),
    primary key (project_id, person_id)
);
create index enrolment_person on enrolment (person_id);

-- Consent -----------------------------------------------------------------------------------------------------------

create table notice (
    notice_id           text not null check (notice_id ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    version             integer not null check (version >= 1),
    locale              text not null,
    purpose             text not null check (purpose ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    body                text not null check (body <> ''),
    sha256              bytea not null,
    data                text not null check (data <> ''),
    recipients          text not null check (recipients <> ''),
    retention           text not null check (retention <> ''),
    withdrawal_method   text not null check (withdrawal_method <> ''),
    alternative_offered text not null check (alternative_offered <> ''),
    validity_days       integer not null default 90 check (validity_days between 1 and 366),
    material            boolean not null,
    effective_at        timestamptz not null,
    published_at        timestamptz not null default clock(),
    published_by        text not null,
    primary key (notice_id, version)
);

-- Append-only. `n` is the person's own number, given under the person's lock without gaps.
create table consent_event (
    person_id          bigint not null references person,
    purpose            text not null,
    n                  bigint not null,
    at                 timestamptz not null,
    state              text not null check (state in ('requested', 'request-deferred', 'given', 'renewed', 'refused',
                                                      'withdrawn', 'revoked', 'expired', 'invalidated', 'unknown')),
    notice_id          text,
    notice_version     integer,
    valid_until        timestamptz,
    certificate_serial text not null,
    receipt_id         uuid not null unique,
    event_hash         bytea not null,
    primary key (person_id, purpose, n),
    foreign key (notice_id, notice_version) references notice,
    -- Only given and renewed open the gate, and never without a notice and an end.
    check (state not in ('given', 'renewed') or (notice_id is not null and valid_until is not null))
);

-- Labels of this person that stand on this purpose and have a person number up to `up_to_n` are excluded for good.
create table exclusion (
    person_id   bigint not null references person,
    purpose     text not null,
    up_to_n     bigint not null,
    excluded_at timestamptz not null,
    primary key (person_id, purpose, up_to_n)
);
create index exclusion_recent on exclusion (excluded_at);

create table policy (
    version    bigint generated always as identity primary key,
    document   text not null,
    author     text not null,
    reason     text not null check (reason <> ''),
    applied_at timestamptz not null default clock()
);

-- What a grant stood on, written once for each combination and named by leases and labels.
create table provenance (
    provenance_id        bigint generated always as identity primary key,
    person_id            bigint not null,
    project_id           bigint not null,
    policy_version       bigint not null,
    instructions_version bigint not null,
    agreements           text[] not null              -- purpose@notice/version#n
);
create unique index provenance_once
    on provenance (person_id, project_id, policy_version, instructions_version, agreements);

-- The deployment's shared state -------------------------------------------------------------------------------------

-- Appended under the exclusive epoch lock by every command that changes what flushes must obey; the highest version
-- is the present one. Flushes hold the lock shared and read it (design: hot path, step 2).
create table epoch (
    version bigint primary key,
    cause   text not null,
    at      timestamptz not null default clock()
);
insert into epoch (version, cause) values (1, 'migrated');

create table deployment (
    only_row  boolean primary key default true check (only_row),
    read_only boolean not null default false
);
insert into deployment default values;

create table coordinator (
    coordinator_id bigint generated always as identity primary key,
    name           text not null,
    address        text not null,
    joined_at      timestamptz not null default clock(),
    left_at        timestamptz,                      -- drained, or taken over
    adopted_at     timestamptz,                      -- its blocks went to others
    settled_at     timestamptz                       -- its leases were ended or taken over
);

-- Renewals are appended, not updated: an old snapshot would turn an updated row into a long chain of dead versions.
create table coordinator_life (
    coordinator_id bigint not null,
    n              bigint not null,
    until          timestamptz not null,
    primary key (coordinator_id, n)
);

-- Tasks -------------------------------------------------------------------------------------------------------------

create sequence task_id as bigint;

create table lane (
    lane_id    bigint generated always as identity primary key,
    project_id bigint not null references project,
    kind       text not null,
    severity   smallint not null check (severity between 0 and 3),
    priority   smallint not null,
    unique (project_id, kind, severity, priority)
);

create table import (
    import_id    bigint generated always as identity primary key,
    project_id   bigint not null references project,
    source       text not null,
    first_task   bigint not null,
    last_task    bigint not null,
    tasks        bigint not null,
    skipped      bigint not null,
    imported_at  timestamptz not null default clock(),
    imported_by  text not null,
    cancelled_at timestamptz
);

-- Immutable. Ids of one import are contiguous and in file order; a lane is read forward along its key.
create table task (
    lane_id        bigint not null,
    task_id        bigint not null,
    project_id     bigint not null,
    effort_seconds integer not null,
    overlap        smallint not null,
    external_key   text not null,
    payload        json not null,
    primary key (lane_id, task_id)
);
create unique index task_key on task (project_id, external_key);

create table gold (
    task_id bigint primary key,
    answer  json not null
);

-- Tasks that take no new lease: quarantined or cancelled.
create table closed_task (
    task_id   bigint primary key,
    lane_id   bigint not null,
    why       text not null check (why in ('quarantined', 'cancelled')),
    closed_at timestamptz not null,
    closed_by text not null
);
create index closed_task_lane on closed_task (lane_id, task_id);

-- Slots nobody holds: a range of one lane's tasks for one slot number. `n` is drawn while the lane's lock is held, so
-- that within a lane its order is commit order and a cursor over it never passes a row that commits late.
create sequence span_n as bigint;
create table span (
    lane_id    bigint not null,
    n          bigint not null default nextval('span_n'),
    slot       smallint not null,
    first_task bigint not null,
    last_task  bigint not null,
    fresh      boolean not null,                     -- never leased before
    since      timestamptz not null,
    primary key (lane_id, n)
);

-- How far a span has been claimed from its head; appended, the highest n counts.
create table span_position (
    lane_id bigint not null,
    span_n  bigint not null,
    n       bigint not null,
    next    bigint not null,
    primary key (lane_id, span_n, n)
);

-- Slots one coordinator alone grants. Which of them are granted already follows from lease, label and parked.
create table block (
    block_id       bigint generated always as identity primary key,
    coordinator_id bigint not null,
    lane_id        bigint not null,
    slot           smallint not null,
    first_task     bigint not null,
    last_task      bigint not null,
    fresh          boolean not null,
    since          timestamptz not null
);
create index block_coordinator on block (coordinator_id, lane_id);

-- A slot that came back to its coordinator (released, declined, expired, ...), named by the fence that ended.
create table returned (
    fence          bigint primary key,
    coordinator_id bigint not null,
    lane_id        bigint not null,
    task_id        bigint not null,
    slot           smallint not null
);
create index returned_coordinator on returned (coordinator_id, lane_id);

-- Leases and labels -------------------------------------------------------------------------------------------------

-- Each value is the first of a run of 4096 fences that one coordinator hands out (P4).
create sequence fence_run as bigint increment by 4096 start with 4096;

-- P1: one holder a slot, one slot a person; together with the triggers below also against plain SQL.
create table lease (
    task_id        bigint not null,
    slot           smallint not null,
    person_id      bigint not null,
    fence          bigint not null,
    lane_id        bigint not null,
    project_id     bigint not null,
    granted_at     timestamptz not null,
    first_granted_at timestamptz not null,           -- before parking, if it was parked
    deadline       timestamptz not null,
    coordinator_id bigint not null,
    provenance_id  bigint not null,
    why            bigint[] not null,                -- open leases, their limit, tasks that day, their limit (-1: none)
    primary key (task_id, slot)
) with (fillfactor = 90);
create unique index lease_person on lease (person_id, task_id);

create table parked (
    task_id       bigint not null,
    slot          smallint not null,
    person_id     bigint not null,
    fence         bigint not null,
    lane_id       bigint not null,
    project_id    bigint not null,
    first_granted_at timestamptz not null,
    parked_at     timestamptz not null,
    until         timestamptz not null,
    provenance_id bigint not null,
    primary key (task_id, slot)
);
create unique index parked_person on parked (person_id, task_id);
create index parked_until on parked (until);

create table label (
    task_id       bigint not null,
    slot          smallint not null,
    person_id     bigint not null,
    fence         bigint not null,
    project_id    bigint not null,
    person_n      bigint not null,                   -- the person's number at acceptance; exclusions compare with it
    provenance_id bigint not null,
    accepted_on   date not null,
    answer_hash   bytea not null,
    answer        json not null,
    primary key (task_id, slot)
);
create unique index label_person on label (person_id, task_id);

-- P6: an answer whose lease was gone is kept once and shown to its author.
create table late_answer (
    late_id     bigint generated always as identity primary key,
    task_id     bigint not null,
    person_id   bigint not null,
    fence       bigint not null,
    project_id  bigint not null,
    person_n    bigint not null,
    arrived_on  date not null,
    answer_hash bytea not null,
    answer      json not null,
    why         text not null,
    state       text not null default 'waiting' check (state in ('waiting', 'accepted', 'discarded')),
    judged_by   text,
    judged_why  text
);
create unique index late_answer_once on late_answer (person_id, task_id, fence, answer_hash);
create index late_answer_project on late_answer (project_id, late_id);

-- Never asked again. Carries no reason and no time: refusing costs nothing (P9).
create table declined (
    person_id bigint not null,
    task_id   bigint not null,
    primary key (task_id, person_id)
);

-- Reasons people chose to give, about the task alone.
create table decline_reason (
    reason_id  bigint generated always as identity primary key,
    project_id bigint not null,
    task_id    bigint not null,
    reason     text not null check (reason in ('unclear', 'not-my-field', 'distressing', 'other'))
);

-- Deliveries that count toward quarantine: expiries and lost streams.
create table delivery_failure (
    task_id   bigint not null,
    fence     bigint not null,
    person_id bigint not null,
    how       text not null check (how in ('expired', 'stream_lost')),
    failed_at timestamptz not null,
    primary key (task_id, fence)
);

-- History, partitioned by day ---------------------------------------------------------------------------------------

-- One row for each flush that changed anything about a person: the person's number n, and the folded figures that
-- the gate needs. The highest n is the present state; a coordinator whose cache is at n need not read more.
create table usage (
    person_id      bigint not null,
    n              bigint not null,
    at             timestamptz not null,
    day            date not null,
    day_labels     integer not null,
    coordinator_id bigint not null,
    primary key (person_id, n, at)
) partition by range (at);

create table lease_history (
    person_id  bigint not null,
    fence      bigint not null,
    task_id    bigint not null,
    slot       smallint not null,
    lane_id    bigint not null,
    granted_at timestamptz not null,
    at         timestamptz not null,                 -- the end
    how        text not null
) partition by range (at);
create index lease_history_person on lease_history (person_id, at);

-- Refusals, when the deciding rule changes.
create table decision (
    person_id bigint not null,
    at        timestamptz not null,
    rule      text not null,
    value     text not null,
    bound     text not null,
    until     timestamptz
) partition by range (at);
create index decision_person on decision (person_id, at);

-- Queue figures -----------------------------------------------------------------------------------------------------

-- Differences appended by each transaction that moves slots; the sums are exact (nothing counts a growing table).
create table tally (
    writer      xid8 not null default pg_current_xact_id(),
    project_id  bigint not null,
    at          timestamptz not null,
    slots       bigint not null default 0,
    leased      bigint not null default 0,
    parked      bigint not null default 0,
    done        bigint not null default 0,
    late        bigint not null default 0,
    quarantined bigint not null default 0
);
create index tally_writer on tally (writer);

-- Everything written before `up_to` is in these sums; the highest fold counts.
create table tally_fold (
    fold        bigint not null,
    project_id  bigint not null,
    up_to       xid8 not null,
    slots       bigint not null,
    leased      bigint not null,
    parked      bigint not null,
    done        bigint not null,
    late        bigint not null,
    quarantined bigint not null,
    primary key (fold, project_id)
);

create table tally_minute (
    project_id bigint not null,
    minute     timestamptz not null,
    fold       bigint not null,
    leased     bigint not null,
    done       bigint not null,
    primary key (project_id, minute, fold)
);

-- Who contributed to a project in an hour: only to know whether a rate may be shown (small groups).
create table contribution (
    project_id bigint not null,
    hour       timestamptz not null,
    person_id  bigint not null,
    primary key (project_id, hour, person_id)
);

-- The chain ---------------------------------------------------------------------------------------------------------

create table chain_event (
    event_id bigint generated always as identity primary key,
    at       timestamptz not null,
    kind     text not null,
    hash     bytea not null                          -- of salt and detail
);

-- The erasable part.
create table chain_detail (
    event_id bigint primary key,
    salt     bytea not null,
    actor    text not null,
    detail   json not null
);

create table chain_link (
    seq      bigint primary key,
    event_id bigint not null unique,
    previous bytea not null,
    hash     bytea not null
);

create table chain_head (
    seq       bigint primary key,
    hash      bytea not null,
    signed_at timestamptz not null,
    signature bytea not null
);

create table export (
    export_id     bigint generated always as identity primary key,
    project_id    bigint not null references project,
    purpose       text not null,
    cut_at        timestamptz not null,
    pseudonym_key bytea not null,
    exported_by   text not null,
    labels        bigint,
    finished_at   timestamptz
);
