import Postgres

enum PersonDataStatements {
    /// JSON has no order.
    private static let unordered: Set = ["answer", "detail"]

    /// One person's own rows of one table, by their number or their name. Names come from the inventory of this build
    /// and from nobody else. A cursor, because a person may have answered for years.
    static func own(_ table: Inventory.Table) -> Statement? {
        let whose = [table.person.map { "\(quoted($0)) = $1" }, table.own.map { "\(quoted($0)) = $2" }]
            .compactMap(\.self)
        guard !whose.isEmpty else { return nil }
        // Both parameters are named, whichever of them decides.
        let condition = "$1::bigint is not null and $2::text is not null and (\(whose.joined(separator: " or ")))"
        let order = table.columnNames.filter { !unordered.contains($0) }.prefix(3).map(quoted).joined(separator: ", ")
        // Whom a number means, nobody could tell.
        let columns = table.columnNames.map { column in
            table.actorNumbers.contains(column)
                ? "(select name from person where person_id = x0.\(quoted(column))) as \(quoted(column))"
                : "x0.\(quoted(column))"
        }
        return .unprepared(
            """
            declare person_cursor no scroll cursor for
            select row_to_json(x)::text from (select \(columns.joined(separator: ", "))
                from \(quoted(table.name)) x0 where \(condition) order by \(order)) x
            """)
    }
    /// Few: of the longest answers these are some megabytes, which a slow line must carry within `readerPauseMax`.
    static let fetch = Statement.unprepared("fetch 20 from person_cursor")
    static let close = Statement.unprepared("close person_cursor")

    /// In how many rows that are not their own a person is named, or meant by their number, as the one who acted.
    static func named(_ table: Inventory.Table, in column: String) -> Statement {
        let others = table.person.map { "and \(quoted($0)) is distinct from $1" } ?? "and $1::bigint is not null"
        let acted = table.actorNumbers.contains(column) ? "= $1 and $2::text is not null" : "= $2"
        return .unprepared(
            "select count(*) from \(quoted(table.name)) where \(quoted(column)) \(acted) \(others)")
    }

    private static func quoted(_ name: String) -> String { "\"\(name)\"" }

    /// A person's labels, each with the uses that they withdrew since. Indexes: label_person, excluded_label_person,
    /// task_pkey, exclusion_pkey.
    static let labels = Statement.unprepared(
        """
        declare person_cursor no scroll cursor for
        select j.name, t.external_key, l.answer, l.accepted_on, array(
                select distinct e.purpose from exclusion e where e.person_id = l.person_id
                    and e.up_to_n >= l.person_n and \(ExclusionRule.standsOn) order by 1)
        from kept_label l join project j using (project_id) join provenance v using (provenance_id)
        join lane a on a.project_id = l.project_id
        join task t on t.lane_id = a.lane_id and t.task_id = l.task_id
        where l.person_id = $1 order by j.name, t.external_key, l.person_n
        """)
    /// Index: late_answer_once.
    static let lateAnswers = Statement.unprepared(
        """
        declare person_cursor no scroll cursor for
        select j.name, t.external_key, l.answer, l.arrived_on,
            case when l.judged_by = 'withdrawal' then 'excluded' else 'late-' || l.state end,
            l.why || coalesce(': ' || nullif(l.judged_why, ''), '')
        from late_answer l join project j using (project_id) join lane a on a.project_id = l.project_id
        join task t on t.lane_id = a.lane_id and t.task_id = l.task_id
        where l.person_id = $1 order by j.name, t.external_key, l.late_id
        """)

    /// What others did with a person's data or to the person, newest first. Indexes: certificate_person,
    /// export_person_person, throughput_look_person, chain_detail_subject, read_access' unique key.
    static let access = Statement(
        "person_access",
        """
        select what, by, on_day, detail from (
            select 'certificate' as what, c.issued_by as by, (c.issued_at at time zone 'UTC')::date as on_day,
                c.serial || ' for ' || c.identity as detail
            from certificate c where c.person_id = $1
            union all
            select 'export', x.exported_by, (x.cut_at at time zone 'UTC')::date,
                'export ' || x.export_id || ' of ' || j.name || ' for ' || x.purpose || case
                    when x.finished_at is not null then ' holds ' || p.labels || ' of your answers'
                    else ' was begun and is not finished: ' || p.labels
                        || ' or more of your answers may have left with it' end || ', under a pseudonym'
            from export_person p join export x using (export_id) join project j using (project_id)
            where p.person_id = $1
            union all
            select 'throughput', s.name, (w.looked_at at time zone 'UTC')::date, 'your labels by date: ' || w.reason
            from throughput_look w join person s on s.person_id = w.reader_id where w.person_id = $1
            union all
            select case e.kind when 'role.revoked' then 'role-revoked' else 'access-denied' end, d.actor,
                (e.at at time zone 'UTC')::date,
                coalesce('role ' || (d.detail ->> 'role'), 'certificate ' || (d.detail ->> 'serial'), 'you')
                    || coalesce(': ' || (d.detail ->> 'reason'), '')
            from chain_detail d join chain_event e using (event_id)
            where d.subject_id = $1 and e.kind in ('role.revoked', 'access.denied')
            union all
            select r.what, r.reader, r.read_on,
                case when r.person_id is null then 'of everybody' else 'of yours' end
            from read_access r, person me where me.person_id = $1 and r.reader <> me.name
                and (r.person_id = $1 or r.person_id is null and r.read_on >= (me.created_at at time zone 'UTC')::date)) x
        order by on_day desc, what, by, detail limit $2
        """)
    /// One row a day, however often. `$1` null: everybody's.
    static let recordRead = Statement(
        "read_record",
        """
        insert into read_access (person_id, reader, what, read_on)
        values ($1, $2, $3, (clock() at time zone 'UTC')::date) on conflict do nothing
        """)
    /// Of these people, whom a list named. Index: person_name_key.
    static let recordNamedRead = Statement(
        "read_record_named",
        """
        insert into read_access (person_id, reader, what, read_on)
        select p.person_id, $2, $3, (clock() at time zone 'UTC')::date
        from person p where p.name = any($1::text[]) and p.name <> $2 order by p.person_id
        on conflict do nothing
        """)
    /// Whose answers wait in a project. Index: late_answer_project.
    static let recordLateRead = Statement(
        "read_record_late",
        """
        insert into read_access (person_id, reader, what, read_on)
        select distinct a.person_id, $2, $3, (clock() at time zone 'UTC')::date
        from project p join late_answer a using (project_id) where p.name = $1 and a.state = 'waiting'
        on conflict do nothing
        """)
    /// Of all who are or were enrolled in a project. Indexes: enrolment_pkey; past enrolments are few.
    static let recordProjectRead = Statement(
        "read_record_project",
        """
        insert into read_access (person_id, reader, what, read_on)
        select x.person_id, $2, $3, (clock() at time zone 'UTC')::date
        from project p cross join lateral (
            select e.person_id from enrolment e where e.project_id = p.project_id
            union
            select e.person_id from past_enrolment e where e.project_id = p.project_id) x
        where p.name = $1 order by x.person_id
        on conflict do nothing
        """)
}
