-- A worker process names itself by a random number of its own in every hello. A lease keeps the number of the process
-- it was granted to, so that the process's next hello ends at once what it was granted and never heard of: else such a
-- lease would count against the person's line until the lost stream's time to live is over.
-- 0: the worker gave none.
alter table lease add column session bigint not null default 0;
