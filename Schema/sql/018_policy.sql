-- What was in force stays as it was applied (P11); a new version is a new row. The author alone can still become a
-- pseudonym, when their data is erased.
create trigger append_only before update of version, document, reason, applied_at or delete or truncate on policy
    for each statement execute function append_only();
