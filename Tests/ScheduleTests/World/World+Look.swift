import PlimsollModel
import Postgres

/// Looking at the database with the owner's eyes: everything that is held, and what was committed since the last look.
extension World {
    private static let fresh = "not pg_visible_in_snapshot(x.xmin::text::xid8, $1::text::pg_snapshot)"
    private static let all: [Statement] = [
        Statement("look_begin", "begin isolation level repeatable read read only"),
        Statement("look_snapshot", "select pg_current_snapshot()::text"),
        Statement(
            "look_leases",
            """
            select x.task_id, x.slot, x.person_id, x.fence, x.lane_id, x.project_id, x.granted_at, x.first_granted_at,
                x.deadline, x.coordinator_id, x.session, v.policy_version
            from lease x join provenance v using (provenance_id)
            """),
        Statement(
            "look_parked", "select task_id, slot, person_id, fence, parked_at, until, at_limit from parked"),
        // P1 and P3 over the whole database, whatever the cells say.
        Statement(
            "look_promises",
            """
            with held as (
                select task_id, slot, person_id from lease union all select task_id, slot, person_id from parked
                union all select task_id, slot, person_id from label)
            select 'P1: more than its overlap: task ' || h.task_id from held h join task t using (task_id)
                group by h.task_id, t.overlap having count(*) > t.overlap
            union all
            select 'P1: twice one person''s: task ' || task_id from held group by task_id, person_id having count(*) > 1
            union all
            select 'P1: a slot twice: task ' || task_id from held group by task_id, slot having count(*) > 1
            union all
            select 'P1: no such slot: task ' || h.task_id from held h join task t using (task_id)
                where h.slot not between 1 and t.overlap
            union all
            select 'P3: held under ' || p.purpose || ' after ' || e.state || ': fence ' || l.fence
            from (select person_id, project_id, fence from lease union all
                select person_id, project_id, fence from parked) l
            join project_purpose p using (project_id)
            join lateral (select state from consent_event c where c.person_id = l.person_id and c.purpose = p.purpose
                order by n desc limit 1) e on e.state not in ('given', 'renewed')
            """),
    ]
    private static let since: [Statement] = [
        Statement(
            "look_labels",
            """
            select x.task_id, x.slot, x.person_id, x.fence, x.person_n, t.lane_id, x.project_id, x.answer::text,
                v.policy_version
            from label x join provenance v using (provenance_id) join task t using (task_id) where \(fresh)
            """),
        Statement(
            "look_aside",
            """
            select x.task_id, x.slot, x.person_id, x.fence, x.person_n, t.lane_id, x.project_id, x.answer::text,
                v.policy_version
            from excluded_label x join provenance v using (provenance_id) join task t using (task_id) where \(fresh)
            """),
        Statement(
            "look_late",
            "select x.task_id, x.person_id, x.fence, x.person_n, x.answer::text from late_answer x where \(fresh)"),
        Statement(
            "look_ends",
            """
            select x.person_id, x.fence, x.task_id, x.slot, x.lane_id, x.granted_at, x.at, x.how
            from lease_history x where \(fresh)
            """),
        Statement(
            "look_consents",
            """
            select x.person_id, x.purpose, x.n, x.at, x.state, x.valid_until from consent_event x where \(fresh)
            order by x.n
            """),
        Statement(
            "look_closed",
            "select x.task_id, t.project_id from closed_task x join task t using (task_id) where \(fresh)"),
        Statement(
            "look_tasks",
            "select x.task_id, x.lane_id, x.external_key, x.project_id, x.effort_seconds from task x where \(fresh)"),
    ]
    private static let end = Statement("look_end", "commit")

    /// One set of rows a cell.
    func look() async throws -> [Rows] {
        if seen.isEmpty {
            seen = try await owner.query(Query(.unprepared("select pg_current_snapshot()::text")))[0].text(0)
        }
        let results = try await owner.pipeline(
            Self.all.map { Query($0) } + Self.since.map { Query($0, .text(seen)) } + [Query(Self.end)])
        seen = try results[1][0].text(0)
        if complaints.take() { for cell in cells { cell.forgotAt = cell.step } }
        for row in results[4] { faults.append(try row.text(0)) }
        var rows = cells.map { _ in Rows() }
        let cellOfPerson = self.cellOfPerson
        let cellOfProject = self.cellOfProject
        func of(_ person: PersonID) -> Int { cellOfPerson[person] ?? 0 }
        for row in results[2] {
            let lease = Rows.Lease(
                task: TaskID(try row.int8(0)), slot: try row.int2(1), person: PersonID(try row.int8(2)),
                fence: Fence(try row.int8(3)), lane: LaneID(try row.int8(4)), project: ProjectID(try row.int8(5)),
                granted: try row.timestamptz(6), firstGranted: try row.timestamptz(7), deadline: try row.timestamptz(8),
                coordinator: try row.int8(9), session: try row.int8(10), policy: try row.int8(11))
            rows[of(lease.person)].leases.append(lease)
        }
        for row in results[3] {
            let parked = Rows.Parked(
                task: TaskID(try row.int8(0)), slot: try row.int2(1), person: PersonID(try row.int8(2)),
                fence: Fence(try row.int8(3)), parkedAt: try row.timestamptz(4), until: try row.timestamptz(5),
                atLimit: try row.bool(6))
            rows[of(parked.person)].parked.append(parked)
        }
        for row in results[5] {
            let label = try Self.label(row)
            rows[of(label.person)].labels.append(label)
        }
        for row in results[6] {
            let label = try Self.label(row)
            rows[of(label.person)].aside.append(label)
        }
        for row in results[7] {
            let late = Rows.Late(
                task: TaskID(try row.int8(0)), person: PersonID(try row.int8(1)), fence: Fence(try row.int8(2)),
                personN: try row.int8(3), answer: try row.text(4))
            rows[of(late.person)].late.append(late)
        }
        for row in results[8] {
            let end = Rows.End(
                person: PersonID(try row.int8(0)), fence: Fence(try row.int8(1)), task: TaskID(try row.int8(2)),
                slot: try row.int2(3), lane: LaneID(try row.int8(4)), granted: try row.timestamptz(5),
                at: try row.timestamptz(6), how: try row.text(7))
            rows[of(end.person)].ends.append(end)
        }
        for row in results[9] {
            let consent = Rows.Consent(
                person: PersonID(try row.int8(0)), purpose: try row.text(1), n: try row.int8(2),
                at: try row.timestamptz(3), state: try row.text(4), until: try row.timestamptzOrNil(5))
            rows[of(consent.person)].consents.append(consent)
        }
        for row in results[10] {
            rows[cellOfProject[ProjectID(try row.int8(1))] ?? 0].closed.append(TaskID(try row.int8(0)))
        }
        for row in results[11] {
            rows[cellOfProject[ProjectID(try row.int8(3))] ?? 0].tasks.append(
                Layout.Task(
                    id: TaskID(try row.int8(0)), lane: LaneID(try row.int8(1)), key: try row.text(2),
                    effort: Micros(try row.int4(4)) * .second))
        }
        return rows
    }

    /// What a world shows in which a promise does not hold: what is kept of the last hour about the people concerned,
    /// and by which transaction.
    func noteDatabase(since before: String) async throws {
        note("looked at \(before) and at \(seen)")
        let concerned = cells.filter { !$0.violations.isEmpty }
        let people = concerned.flatMap { layout.cells[$0.number].people.map(\.id.rawValue) }
        let rows = try await owner.query(
            Query(
                Statement(
                    "look_everything",
                    """
                    select xmin || ' ' || tableoid::regclass || ' ' || to_jsonb(x)::text from lease_history x
                        where person_id = any($1::bigint[]) and at > clock() - interval '1 hour'
                    union all select xmin || ' lease ' || to_jsonb(x)::text from lease x
                        where person_id = any($1::bigint[])
                    union all select xmin || ' parked ' || to_jsonb(x)::text from parked x
                        where person_id = any($1::bigint[])
                    union all select xmin || ' consent ' || to_jsonb(x)::text from consent_event x
                        where person_id = any($1::bigint[]) and at > clock() - interval '1 hour'
                    """), .int8Array(people)))
        for row in rows { note(try row.text(0)) }
    }

    private static func label(_ row: Row) throws -> Rows.Label {
        Rows.Label(
            task: TaskID(try row.int8(0)), slot: try row.int2(1), person: PersonID(try row.int8(2)),
            fence: Fence(try row.int8(3)), personN: try row.int8(4), lane: LaneID(try row.int8(5)),
            project: ProjectID(try row.int8(6)), answer: try row.text(7), policy: try row.int8(8))
    }

    private var cellOfPerson: [PersonID: Int] {
        layout.cells.enumerated().reduce(into: [:]) { map, cell in
            for person in cell.element.people { map[person.id] = cell.offset }
        }
    }

    private var cellOfProject: [ProjectID: Int] {
        layout.cells.enumerated().reduce(into: [:]) { map, cell in
            for project in cell.element.projects { map[project.id] = cell.offset }
        }
    }

    // MARK: The end

    /// After the last step: everything that was ever acknowledged or kept is there, and the queue's figures are the sum
    /// of what is.
    func closeTheBooks() async throws {
        let kept = try await owner.query(
            Query(Statement("books_labels", "select fence, answer::text from kept_label")))
        var answers: [Int64: String] = [:]
        for row in kept { answers[try row.int8(0)] = try row.text(1) }
        let late = try await owner.query(Query(Statement("books_late", "select fence, answer::text from late_answer")))
        var lateAnswers: [Int64: Set<String>] = [:]
        for row in late { lateAnswers[try row.int8(0), default: []].insert(try row.text(1)) }
        for cell in cells {
            for (fence, answer) in cell.acked where answers[fence.rawValue] != answer {
                cell.fail("P5", "an acknowledged answer is gone: fence \(fence)")
            }
            for (fence, kept) in cell.state.late where lateAnswers[fence.rawValue] != kept {
                cell.fail("P6", "a late answer is gone: fence \(fence)")
            }
        }
        let wrong = try await owner.query(
            Query(
                Statement(
                    "books_tally",
                    """
                    select p.name, t.leased, l.leased, t.parked, k.parked, t.done, d.done from project p
                    join lateral (select coalesce(sum(leased), 0) leased, coalesce(sum(parked), 0) parked,
                        coalesce(sum(done), 0) done from (
                            select leased, parked, done from tally where project_id = p.project_id
                                and writer >= coalesce((select max(up_to) from tally_fold f
                                    where f.fold = (select max(fold) from tally_fold)), '0'::xid8)
                            union all
                            select leased, parked, done from tally_fold where project_id = p.project_id
                                and fold = (select max(fold) from tally_fold)) x) t on true
                    join lateral (select count(*) leased from lease where project_id = p.project_id) l on true
                    join lateral (select count(*) parked from parked where project_id = p.project_id) k on true
                    join lateral (select count(*) done from label where project_id = p.project_id) d on true
                    where t.leased <> l.leased or t.parked <> k.parked or t.done <> d.done
                    """)))
        for row in wrong { faults.append("queue figures of \(try row.text(0)) differ from what is there: \(row)") }
    }
}
