-- A lease keeps which limit set its deadline, so that its holder can be told; null: its own length or its lifetime did,
-- or it was granted by a build that kept none.
alter table lease add column deadline_rule text;
grant update (deadline_rule) on lease to plimsoll_coordinator;
