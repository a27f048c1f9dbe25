import Postgres

/// What withdrawals owe and any coordinator does. One at a time: the others skip their turn.
enum OwedStatements {
    /// "PLIMOWED". A coordinator that freezes here holds the others up for no longer than its transaction may idle.
    static let tryLock = Statement(
        "owed_try_lock", "select pg_try_advisory_xact_lock(\(0x504C_494D_4F57_4544 as Int64))")
    static let patience = Statement(
        "owed_patience", "set local idle_in_transaction_session_timeout = '5s'")
    /// Lock order: 1. Shared, so that commands which count slots find them on one side.
    static let epochLock = Statement(
        "owed_epoch_lock", "select pg_advisory_xact_lock_shared(\(EpochLock.key))")

    // MARK: Slots

    static let nextRefill = Statement(
        "owed_next_refill", "select person_id from owed_refill order by person_id limit 1")
    /// Under the person's lock. See the function.
    static let setAside = Statement("owed_set_aside", "select * from set_aside_labels($1, $2)")
    /// Index: owed_refill_pkey. Nothing is owed any more: the person's lock was held, so no label came meanwhile.
    static let refilled = Statement("owed_refilled", "delete from owed_refill where person_id = $1")

    // MARK: Manifests

    /// The export that is owed one, locked, so that its manifests are numbered one after the other.
    static let nextExport = Statement(
        "owed_next_export",
        """
        select x.export_id, x.finished_at is not null, x.pseudonym_key from export x
        where x.export_id = (select min(export_id) from owed_drop) for no key update
        """)
    /// The records of export $1 that those to whom it is owed have withdrawn since. Indexes: owed_drop_pkey,
    /// export_person_pkey, label_person, excluded_label_person, task_pkey, exclusion_pkey.
    static let records = Statement(
        "owed_records",
        """
        select l.person_id, t.external_key, l.slot
        from export x
        join export_person p on p.export_id = x.export_id
        join kept_label l on l.person_id = p.person_id and l.project_id = x.project_id and l.person_n <= p.at_n
        join provenance v on v.provenance_id = l.provenance_id
        join lane a on a.project_id = x.project_id
        join task t on t.lane_id = a.lane_id and t.task_id = l.task_id
        where x.export_id = $1
            and exists (select from owed_drop o where o.export_id = x.export_id and o.person_id = p.person_id)
            and exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = x.purpose)
            and exists (select from exclusion e where e.person_id = l.person_id and e.up_to_n > p.at_n
                and \(ExclusionRule.bearsOn("x.purpose")))
            and not exists (select from exclusion e where e.person_id = l.person_id and e.up_to_n <= p.at_n
                and e.up_to_n >= l.person_n and \(ExclusionRule.bearsOn("x.purpose")))
        order by t.external_key, l.slot
        """)
    /// Gives the records that no earlier manifest named. Index: export_drop_pkey.
    static let drop = Statement(
        "owed_drop",
        """
        with number as (
            select coalesce(max(number), 1) + 1 as number from supersession where export_id = $1)
        insert into export_drop (export_id, task_key, slot, annotator, number)
        select $1, d.task_key, d.slot, d.annotator, number.number
        from unnest($2::text[], $3::smallint[], $4::text[]) d (task_key, slot, annotator), number
        on conflict do nothing
        """)
    static let supersede = Statement(
        "owed_supersede",
        """
        insert into supersession (export_id, number, written_on)
        select $1, coalesce(max(number), 1) + 1, (clock() at time zone 'UTC')::date
        from supersession where export_id = $1
        """)
    /// Only what was there when the records were looked for: by the numbers that were read.
    static let owedOf = Statement(
        "owed_of", "select person_id, up_to_n from owed_drop where export_id = $1")
    static let dropped = Statement(
        "owed_dropped",
        """
        delete from owed_drop o using unnest($2::bigint[], $3::bigint[]) d (person_id, up_to_n)
        where o.export_id = $1 and o.person_id = d.person_id and o.up_to_n = d.up_to_n
        """)
}
