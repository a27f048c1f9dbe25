import Postgres

enum ConsentStatements {
    /// When an agreement ends, as a join for statements that read consent events: the one rule for the gate, a hello,
    /// the list and a plan, so that all say the same moment. `event` names the row, of which at, valid_until, notice_id
    /// and notice_version are looked at.
    ///
    /// Gives `ending.at`, the earlier of the end of its time and of the first moment at which a later version of its
    /// notice that changes something material is in force, announced ones included; and `ending.is_for_new_version`. Of
    /// an event that is no agreement it is the event's own moment or earlier. Index: notice_pkey.
    static func end(of event: String) -> String {
        """
        cross join lateral (
            select least(coalesce(\(event).valid_until, \(event).at), min(x.effective_at)) as at,
                coalesce(min(x.effective_at) < \(event).valid_until, false) as is_for_new_version
            from notice x where x.notice_id = \(event).notice_id and x.version > \(event).notice_version and x.material
        ) ending
        """
    }

    /// The version in force at a moment. Index: notice_pkey, backwards.
    static let inForce = Statement(
        "consent_notice_in_force",
        """
        select notice_id, version, purpose, sha256, validity_days from notice
        where notice_id = $1 and effective_at <= $2 order by version desc limit 1
        """)
    /// The notice about a purpose, for events that do not name one. A walk over the notices, which are few.
    static let forPurpose = Statement(
        "consent_notice_for_purpose",
        """
        select notice_id, version, purpose, sha256, validity_days from notice
        where purpose = $1 and effective_at <= $2 order by published_at desc, version desc limit 1
        """)
    /// Whether a project needs the purpose or a notice is about it, so that a mistyped name is found out.
    static let isKnown = Statement(
        "consent_purpose_known",
        """
        select exists (select from project_purpose where purpose = $1)
            or exists (select from notice where purpose = $1)
            or exists (select from consent_event where person_id = $2 and purpose = $1)
        """)
    /// The latest event of a purpose, and whether it opens the gate at a moment: given or renewed, and not past its
    /// end. Indexes: consent_event_pkey, backwards, and notice_pkey.
    static let latest = Statement(
        "consent_latest",
        """
        select e.state, e.notice_id, e.notice_version, n.sha256,
            e.state in ('given', 'renewed') and e.at <= $3 and $3 < ending.at
        from consent_event e \(end(of: "e"))
        left join notice n on n.notice_id = e.notice_id and n.version = e.notice_version
        where e.person_id = $1 and e.purpose = $2 order by e.n desc limit 1
        """)
    static let insert = Statement(
        "consent_insert",
        """
        insert into consent_event (person_id, purpose, n, at, state, notice_id, notice_version, valid_until,
            certificate_serial, receipt_id, event_hash)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """)
    /// P3: labels of this person under the purpose, up to this number, are excluded for good.
    static let exclude = Statement(
        "consent_exclude",
        "insert into exclusion (person_id, purpose, up_to_n, excluded_at) values ($1, $2, $3, $4)")
    /// Held until the withdrawal ends: an export that is sealed meanwhile waits for it, or is seen by it.
    static let exportLock = Statement(
        "consent_export_lock", "select pg_advisory_xact_lock_shared(\(SealLock.key))")
    /// What follows from the exclusion and would take too long under the person's lock: slots to be freed, and sealed
    /// exports that hold labels of this person under the purpose (every export does, of purposes without which there is
    /// no label). A statement after the export lock's, with a snapshot of its own (READ COMMITTED): what was sealed
    /// before is finished in it, and what is sealed later sees the exclusion. Indexes: export_person_person,
    /// export_pkey.
    static let owe = Statement(
        "consent_owe",
        """
        with refill as (insert into owed_refill (person_id, purpose, up_to_n) values ($1, $2, $3))
        insert into owed_drop (export_id, person_id, up_to_n)
        select p.export_id, $1, $3 from export_person p join export x using (export_id)
        where p.person_id = $1 and x.finished_at is not null
            and (x.purpose = $2 or \(ExclusionRule.isNeededByAll("$2::text")))
        """)
    /// Late answers that wait and are covered by the new exclusion leave the queue's figures; nobody can accept them
    /// any more. Indexes: late_answer_once, task_pkey.
    static let lateExcluded = Statement(
        "consent_late_excluded",
        """
        with gone as (
            update late_answer a set state = 'discarded', judged_by = 'withdrawal', judged_why = 'withdrawn'
            where a.person_id = $1 and a.state = 'waiting'
                and (exists (select from project_purpose u where u.project_id = a.project_id and u.purpose = $2)
                    or exists (select from lane n join task t on t.lane_id = n.lane_id and t.task_id = a.task_id
                        where n.project_id = a.project_id and n.severity > 1 and $2 = 'severity-' || n.severity))
            returning a.project_id)
        select project_id, count(*) from gone group by project_id
        """)
    /// This person's agreements: each notice in force with the latest event of its purpose. Indexes: notice_pkey,
    /// consent_event_pkey.
    static let agreements = Statement(
        "consent_agreements",
        """
        with now as materialized (select clock() as at)
        select n.notice_id, n.version, n.locale, n.purpose, n.body, n.sha256, n.data, n.recipients, n.retention,
            n.withdrawal_method, n.alternative_offered, n.validity_days, n.material, n.effective_at, true,
            \(NoticeStatements.references),
            case
                when e.state is null then ''
                when e.state not in ('given', 'renewed') or now.at < ending.at then e.state
                when ending.is_for_new_version then 'invalidated'
                else 'expired'
            end,
            case when e.state in ('given', 'renewed') then ending.at end,
            coalesce((select array_agg(p.name order by p.name)
                from project_purpose u join project p using (project_id)
                join enrolment r on r.project_id = p.project_id and r.person_id = $1
                where u.purpose = n.purpose and p.state <> 'closed'), '{}'), now.at,
            case when ending.is_for_new_version then e.notice_id end
        from now, notice n
        left join lateral (
            select c.state, c.at, c.notice_id, c.notice_version, c.valid_until from consent_event c
            where c.person_id = $1 and c.purpose = n.purpose order by c.n desc limit 1) e on true
        \(end(of: "e"))
        where n.effective_at <= now.at and not exists (select from notice x where x.notice_id = n.notice_id
            and x.version > n.version and x.effective_at <= now.at)
        order by n.notice_id
        """)
    /// All events of one person, oldest first. Index: consent_event_pkey.
    static let receipts = Statement(
        "consent_receipts",
        """
        select receipt_id, purpose, notice_id, notice_version, state, at, valid_until, event_hash
        from consent_event where person_id = $1 order by n
        """)
}
