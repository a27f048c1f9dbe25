import Postgres

enum ExportStatements {
    static let begin = Statement(
        "export_begin",
        """
        insert into export (project_id, purpose, cut_at, pseudonym_key, exported_by)
        values ($1, $2, clock(), $3, $4) returning export_id, cut_at
        """)
    static let finish = Statement(
        "export_finish", "update export set labels = $2, finished_at = clock() where export_id = $1")
    /// What each label of the project may stand on, with the exclusions that bear on it: those of the purpose asked
    /// for, and those of purposes without which the label would not exist (taking part, a severity); last, the person's
    /// newest exclusion of any purpose, by which what was excluded later is told apart. A walk over the provenances,
    /// which are one for each person and change of the rules.
    static let standings = Statement(
        "export_standings",
        """
        select v.provenance_id, v.person_id, v.agreements, v.policy_version, v.instructions_version,
            coalesce((select max(e.up_to_n) from exclusion e, (select 0 as severity) a where e.person_id = v.person_id
                and \(ExclusionRule.bearsOn("$2::text"))), 0),
            exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = $2),
            coalesce((select max(e.up_to_n) from exclusion e where e.person_id = v.person_id), 0)
        from provenance v where v.project_id = $1
        """)
    /// Exclusions of a severity, which a label stands on by its lane: severity, person, number.
    static let severities = Statement(
        "export_severities",
        """
        select a.severity, e.person_id, max(e.up_to_n)
        from (select distinct severity from lane where project_id = $1 and severity > 1) a
        join exclusion e on e.purpose = 'severity-' || a.severity
        where exists (select from provenance v where v.person_id = e.person_id and v.project_id = $1)
        group by 1, 2
        """)
    static let lanes = Statement(
        "export_lanes", "select lane_id, kind, severity from lane where project_id = $1 order by lane_id")
    /// In lane and task order. Indexes: task_pkey forwards, label_pkey, excluded_label_pkey.
    static let declare = Statement.unprepared(
        """
        declare export_cursor no scroll cursor for
        select t.task_id, t.external_key, t.payload, l.slot, l.provenance_id, l.person_n, l.accepted_on, l.answer
        from task t join kept_label l on l.task_id = t.task_id
        where t.lane_id = $1 order by t.task_id, l.slot
        """)
    static let close = Statement.unprepared("close export_cursor")
    static func fetch(_ count: Int) -> Statement { .unprepared("fetch \(count) from export_cursor") }

    /// Whether anybody whose labels it holds has withdrawn since the snapshot from anything that labels of the project
    /// stand on, whatever the export is for: an erasure may follow at once. By the numbers of the people alone, as an
    /// erasure takes all else. And whether an erasure after an older withdrawal took answers. Index: exclusion_pkey.
    static let withdrawn = Statement(
        "export_withdrawn",
        """
        select exists (select from unnest($2::bigint[], $3::bigint[]) p (person_id, at_n)
            join exclusion e on e.person_id = p.person_id and e.up_to_n > p.at_n
            where e.purpose = $4 or \(ExclusionRule.isNeededByAll("e.purpose")) or e.purpose in (
                select purpose from project_purpose where project_id = $1))
            or (select void from export where export_id = $5)
        """)
    /// Whose labels it holds and up to which number: on record before they leave (P11), and so that a withdrawal finds
    /// what it must be told to drop. Of an export that an erasure has spoilt nothing is written, or a row could come
    /// back behind it. Locks: the export's row, shared, which an erasure changes; then, as the foreign key asks, people
    /// for key share. Indexes: export_pkey, export_person_pkey.
    static let people = Statement(
        "export_people",
        """
        with whole as materialized (select export_id from export where export_id = $1 and not void for share)
        insert into export_person (export_id, person_id, at_n, labels)
        select w.export_id, p.person_id, p.at_n, p.labels
        from whole w, unnest($2::bigint[], $3::bigint[], $4::bigint[]) p (person_id, at_n, labels)
        on conflict (export_id, person_id) do update set at_n = excluded.at_n, labels = excluded.labels
        """)
    /// Withdrawals wait for a beginning and a sealing; one that stops in the middle holds them up no longer than this.
    static let patience = "set local idle_in_transaction_session_timeout = '2s'; set local statement_timeout = '5s'"
    /// Waits for withdrawals under way, which are short.
    static let sealLock = Statement("export_seal_lock", "select pg_advisory_xact_lock(\(SealLock.key))")
}
