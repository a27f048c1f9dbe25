-- What a policy would do is worked out for operators before they apply it; who asked is on the record.

-- The plans of a day, without a walk over all events: each is held against the earlier ones.
create index chain_event_planned on chain_event (at) where kind = 'policy.planned';

-- A plan looks at everybody's leased time, and each of them sees who planned.
alter table read_access drop constraint read_access_what_check;
alter table read_access add constraint read_access_what_check
    check (what in ('engineer-list', 'certificate-list', 'role-list', 'late-answers', 'policy-plan'));
