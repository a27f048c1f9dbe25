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
    /// for, and those of purposes without which the label would not exist (taking part, a severity). A walk over the
    /// provenances, which are one for each person and change of the rules.
    static let standings = Statement(
        "export_standings",
        """
        select v.provenance_id, v.person_id, v.agreements, v.policy_version, v.instructions_version,
            coalesce((select max(e.up_to_n) from exclusion e where e.person_id = v.person_id
                and (e.purpose = $2 or e.purpose = 'taking-part' or e.purpose like 'severity-%')
                and exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = e.purpose)), 0),
            exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = $2)
        from provenance v where v.project_id = $1
        """)
    static let lanes = Statement(
        "export_lanes", "select lane_id, kind from lane where project_id = $1 order by lane_id")
    /// In lane and task order. Indexes: task_pkey forwards, label_pkey.
    static let declare = Statement.unprepared(
        """
        declare export_cursor no scroll cursor for
        select t.task_id, t.external_key, t.payload, l.slot, l.provenance_id, l.person_n, l.accepted_on, l.answer
        from task t join label l on l.task_id = t.task_id
        where t.lane_id = $1 order by t.task_id, l.slot
        """)
    static let close = Statement.unprepared("close export_cursor")
    static func fetch(_ count: Int) -> Statement { .unprepared("fetch \(count) from export_cursor") }
    /// Whether anybody took something back since the cut that this export's labels stood on.
    static let withdrawnSince = Statement(
        "export_withdrawn_since",
        """
        select exists (select from exclusion e join provenance v on v.person_id = e.person_id and v.project_id = $1
            where e.excluded_at >= $3 and (e.purpose = $2 or e.purpose = 'taking-part' or e.purpose like 'severity-%')
                and exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = e.purpose))
        """)
}
