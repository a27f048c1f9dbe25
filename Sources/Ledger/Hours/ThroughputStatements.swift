import Postgres

enum ThroughputStatements {
    /// Labels of one person from a date on, by date and project, without those that a withdrawal excluded from every
    /// use. The date is the person's local one, as the label carries it. Indexes: label_person, excluded_label_person,
    /// exclusion_pkey, task_pkey.
    static let labels = Statement(
        "throughput_labels",
        """
        select l.accepted_on, j.name, count(*)
        from kept_label l join project j using (project_id)
        where l.person_id = $1 and l.accepted_on >= $2
            and not exists (
                select from exclusion e
                join provenance v on v.provenance_id = l.provenance_id
                join lane a on a.project_id = l.project_id
                join task t on t.lane_id = a.lane_id and t.task_id = l.task_id
                where e.person_id = l.person_id and e.up_to_n >= l.person_n
                    and \(ExclusionRule.bearsOn("'throughput-to-supervisor'")))
        group by l.accepted_on, j.name order by l.accepted_on desc, j.name
        """)
    /// Totals of dates of which the intervals are gone. Index: work_day_pkey.
    static let totals = Statement(
        "throughput_totals", "select day, seconds from work_day where person_id = $1 and day >= $2 order by day")
    /// When leases of a person were open, by project; kept for 7 days. Index: lease_history_person.
    static let leases = Statement(
        "throughput_leases",
        """
        select j.name, h.task_id, h.granted_at, h.at from lease_history h join lane a using (lane_id)
        join project j on j.project_id = a.project_id
        where h.person_id = $1 and h.at >= $2 and h.at > h.granted_at
        """)
    /// The person of this name if this supervisor answers for them. Indexes: person_name_key, team_member_pkey.
    static let answeredFor = Statement(
        "throughput_answered_for",
        """
        select p.person_id, p.zone, s.person_id
        from person p join team_member m on m.person_id = p.person_id join team t using (team_id)
        join person s on s.person_id = t.supervisor_id
        where p.name = $1 and s.name = $2 and s.person_id <> p.person_id
        """)
    static let look = Statement(
        "throughput_look",
        "insert into throughput_look (person_id, reader_id, reason, looked_at) values ($1, $2, $3, $4)")
}
