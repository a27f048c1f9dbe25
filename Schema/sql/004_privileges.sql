-- Least privilege. The owner owns; the coordinator reads and writes what flushes and commands need, and changes
-- nothing that is meant to stay; the reader reads what says nothing about a person.

grant usage on schema plimsoll to plimsoll_coordinator, plimsoll_reader;

grant select on all tables in schema plimsoll to plimsoll_coordinator;
grant usage on all sequences in schema plimsoll to plimsoll_coordinator;
grant select, update on sequence task_id to plimsoll_coordinator;

grant insert on person, role_grant, certificate, denial, enrolment_token, project, instructions, project_purpose,
    named_person, enrolment, notice, consent_event, exclusion, policy, provenance, epoch, coordinator,
    coordinator_life, lane, import, task, gold, closed_task, span, span_position, block, returned, lease, parked,
    label, late_answer, declined, decline_reason, delivery_failure, usage, lease_history, decision, tally, tally_fold,
    tally_minute, contribution, chain_event, chain_detail, chain_link, chain_head, export
    to plimsoll_coordinator;

-- A row lock needs the right to update some column; person and lane are locked, never changed by flushes.
grant update (zone) on person to plimsoll_coordinator;
grant update (priority) on lane to plimsoll_coordinator;
grant update (told_at) on certificate to plimsoll_coordinator;
grant update (used_at) on enrolment_token to plimsoll_coordinator;
grant update (state, weight, effort_seconds, instructions_version) on project to plimsoll_coordinator;
grant update (read_only) on deployment to plimsoll_coordinator;
grant update (left_at, adopted_at, settled_at) on coordinator to plimsoll_coordinator;
grant update (cancelled_at) on import to plimsoll_coordinator;
grant update (deadline, coordinator_id) on lease to plimsoll_coordinator;
grant update (state, judged_by, judged_why) on late_answer to plimsoll_coordinator;
grant update (labels, finished_at) on export to plimsoll_coordinator;

grant delete on role_grant, enrolment, project_purpose, named_person, denial, lease, parked, span, span_position,
    block, returned, closed_task, delivery_failure, coordinator_life, tally, tally_fold, tally_minute, contribution
    to plimsoll_coordinator;

revoke execute on function ensure_partitions(integer), drop_old_partition(text, integer) from public;
grant execute on function ensure_partitions(integer), drop_old_partition(text, integer) to plimsoll_coordinator;
revoke execute on function label_consumes_lease(), parked_consumes_lease(), lease_is_alone() from public;

grant select on project, lane, epoch, coordinator, coordinator_life, policy, notice, tally, tally_fold, closed_task,
    span, block to plimsoll_reader;
