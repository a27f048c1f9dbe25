-- Who answers for whom, who was chosen and why, and what teams, projects and people set for themselves.

-- Teams -------------------------------------------------------------------------------------------------------------

-- A team has one supervisor, a person with the role supervisor or operator. Changes of a team, or of who is in it, lock
-- its row and then the supervisor's row of `person`, so that the span of control is counted by one at a time. Lock
-- order: epoch, team, supervisor, engineers.
create table team (
    team_id       bigint generated always as identity primary key,
    name          text not null unique check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    supervisor_id bigint not null references person,
    created_at    timestamptz not null default clock(),
    created_by    text not null check (created_by <> '')
);
create index team_supervisor on team (supervisor_id);

-- An engineer is in one team at most, and so has one supervisor.
create table team_member (
    person_id  bigint primary key references person,
    team_id    bigint not null references team,
    since      timestamptz not null,
    decided_by text not null check (decided_by <> '')
);
create index team_member_team on team_member (team_id);

-- Selection records whose enrolment is over, and teams that somebody has left; for the person's own eyes.
create table past_team_member (
    past_id    bigint generated always as identity primary key,
    person_id  bigint not null references person,
    team_id    bigint not null references team,
    since      timestamptz not null,
    decided_by text not null,
    ended_at   timestamptz not null,
    ended_by   text not null check (ended_by <> ''),
    end_reason text                                  -- null: the person's own act, which needs none
);
create index past_team_member_person on past_team_member (person_id);

create table past_enrolment (
    past_id             bigint generated always as identity primary key,
    project_id          bigint not null references project,
    person_id           bigint not null references person,
    rule                text not null,
    data_used           text not null,
    decided_by          text not null,
    alternative_offered text not null,
    decided_at          timestamptz not null,
    ended_at            timestamptz not null,
    ended_by            text not null check (ended_by <> ''),
    end_reason          text                         -- null: the person's own act, which needs none
);
create index past_enrolment_person on past_enrolment (person_id);

-- Limits ------------------------------------------------------------------------------------------------------------

-- What a team, a project or an engineer adds to the deployment's policy: YAML as `PolicyDocument.layer` and
-- `PersonalLimits` read it. It tightens; only a person's own may open quiet hours.
create table limit_layer (
    scope    text not null check (scope in ('team', 'project', 'person')),
    scope_id bigint not null,
    document text not null check (octet_length(document) <= 65536),
    set_by   text not null check (set_by <> ''),
    set_at   timestamptz not null,
    primary key (scope, scope_id)
);

-- An individual raise: asked by the engineer, in force once somebody else has agreed, until either ends it.
create table limit_raise (
    raise_id  bigint generated always as identity primary key,
    person_id bigint not null references person,
    document  text not null,
    reason    text not null check (reason <> ''),
    asked_at  timestamptz not null,
    agreed_by bigint references person,
    agreed_at timestamptz,
    ended_by  text,
    ended_at  timestamptz,
    check ((agreed_by is null) = (agreed_at is null)),
    check ((ended_by is null) = (ended_at is null)),
    -- Two parties.
    check (agreed_by <> person_id)
);
create unique index limit_raise_one on limit_raise (person_id) where agreed_at is not null and ended_at is null;
create index limit_raise_person on limit_raise (person_id);

-- Privileges --------------------------------------------------------------------------------------------------------

grant select, insert on team, past_team_member, past_enrolment, limit_raise to plimsoll_coordinator;
grant select, insert, delete on team_member, limit_layer to plimsoll_coordinator;
grant update (supervisor_id) on team to plimsoll_coordinator;
grant update (team_id, since, decided_by) on team_member to plimsoll_coordinator;
grant update (document, set_by, set_at) on limit_layer to plimsoll_coordinator;
grant update (agreed_by, agreed_at, ended_by, ended_at) on limit_raise to plimsoll_coordinator;
grant usage on sequence team_team_id_seq, past_team_member_past_id_seq, past_enrolment_past_id_seq,
    limit_raise_raise_id_seq to plimsoll_coordinator;

-- Concerns ----------------------------------------------------------------------------------------------------------

-- What somebody has raised. Without a name there is no person, and never a time: dates only, so that nothing can be
-- joined with when somebody was connected. The numbers are random, so that those raised by name, which are in the
-- chain with their time, tell nothing of those between them. Who raised one without a name reads the answer by a
-- token, whose hash alone is here.
create table concern (
    concern_id bigint primary key,
    project_id bigint references project,            -- null: about the deployment
    kind       text not null check (kind in ('concern', 'cord')),
    person_id  bigint references person,             -- null: without a name
    token_hash bytea unique,
    body       text not null check (body <> '' and octet_length(body) <= 16384),
    raised_on  date not null,
    due_on     date not null,                        -- of the first reply by a human being
    check (person_id is null or token_hash is null)
);
create index concern_raised on concern (raised_on);
create index concern_person on concern (person_id) where person_id is not null;

create table concern_answer (
    answer_id   bigint generated always as identity primary key,
    concern_id  bigint not null references concern,
    answered_by text not null check (answered_by <> ''),
    answered_on date not null,
    body        text not null check (body <> '' and octet_length(body) <= 16384)
);
create index concern_answer_concern on concern_answer (concern_id);

-- Cords, each as a hash of the person's name under a key of the project. Key and hashes are deleted when the project is
-- resumed; nobody is shown who or how many.
create table cord_key (
    project_id bigint primary key references project,
    key        bytea not null
);
create table cord (
    project_id bigint not null references project,
    hash       bytea not null,
    primary key (project_id, hash)
);
-- Projects that stand still because enough cords were pulled.
create table cord_pause (
    project_id bigint primary key references project,
    paused_on  date not null
);

-- For the weekly digest; of the task alone, as the reason is.
alter table decline_reason add column given_on date not null default (clock() at time zone 'UTC')::date;
create index decline_reason_given on decline_reason (given_on);

grant select, insert on concern, concern_answer to plimsoll_coordinator;
grant select, insert, delete on cord_key, cord, cord_pause to plimsoll_coordinator;
grant usage on sequence concern_answer_answer_id_seq to plimsoll_coordinator;
