public import PlimsollModel
import Postgres

/// An answer whose lease was gone, waiting for a human. Nothing says whose it is.
public struct LateAnswerRow: Sendable, Hashable {
    public let id: Int64
    public let key: String
    public let answer: [UInt8]
    /// Why it did not count.
    public let reason: String
    public let arrivedOn: LocalDay
}

/// What became of a late answer.
public enum LateAnswerOutcome: String, Sendable, CaseIterable {
    /// It is a label now.
    case accepted
    case discarded
    /// Every slot of the task is taken; the answer waits on.
    case noSlot = "no-slot"
    /// It may not count now: its author's agreements do not allow it, or it is the author's own. It waits on.
    case notPossible = "not-possible"
}

enum LateAnswerStatements {
    /// What waits and no exclusion covers (P3). Index: late_answer_project; exclusion_pkey.
    static let list = Statement(
        "late_list",
        """
        select a.late_id, t.external_key, a.answer, a.why, a.arrived_on
        from late_answer a join lane l on l.project_id = a.project_id
            join task t on t.lane_id = l.lane_id and t.task_id = a.task_id
        where a.project_id = $1 and a.state = 'waiting' and not exists (
            select from exclusion e
            where e.person_id = a.person_id and e.up_to_n >= a.person_n
                and (exists (select from project_purpose u where u.purpose = e.purpose and u.project_id = a.project_id)
                    or l.severity > 1 and e.purpose = 'severity-' || l.severity))
        order by a.late_id limit $2
        """)
    /// Index: late_answer_pkey.
    static let find = Statement(
        "late_find",
        """
        select a.person_id, a.task_id, a.fence, a.project_id, a.person_n, a.answer, a.answer_hash, p.name, j.name
        from late_answer a join person p using (person_id) join project j on j.project_id = a.project_id
        where a.late_id = $1 and a.state = 'waiting'
        """)
    static let judge = Statement(
        "late_judge",
        """
        update late_answer set state = $2, judged_by = $3, judged_why = $4
        where late_id = $1 and state = 'waiting'
        """)
    /// What the gate would need, now and for this person (P2): the policy's and instructions' versions, the references
    /// of the agreements in force, and whether all purposes of the project and the lane's severity are among them, no
    /// exclusion covers the answer, the person is enrolled and not denied, and the task is not closed. Under the
    /// person's lock.
    static let standing = Statement(
        "late_standing",
        """
        with now as materialized (select clock() as at),
        task as (select t.* from lane l join task t using (lane_id) where l.project_id = $2 and t.task_id = $3),
        needed as (
            select purpose from project_purpose where project_id = $2
            union select 'severity-' || l.severity from task join lane l using (lane_id) where l.severity > 1),
        held as (
            select u.purpose, g.* from needed u cross join lateral (
                select c.state, c.at, c.valid_until, c.notice_id, c.notice_version, c.n from consent_event c
                where c.person_id = $1 and c.purpose = u.purpose order by c.n desc limit 1) g
            \(ConsentStatements.end(of: "g")) cross join now
            where g.state in ('given', 'renewed') and g.at <= now.at and now.at < ending.at)
        select
            (select max(version) from policy), (select instructions_version from project where project_id = $2),
            coalesce((select array_agg(purpose || '@' || notice_id || '/' || notice_version || '#' || n
                order by purpose) from held), '{}'),
            (select count(*) from held) = (select count(*) from needed)
                and not exists (select from exclusion e join needed u on u.purpose = e.purpose
                    where e.person_id = $1 and e.up_to_n >= $4)
                and exists (select from enrolment where person_id = $1 and project_id = $2)
                and exists (select from role_grant where person_id = $1 and role = 'engineer')
                and not exists (select from denial where person_id = $1)
                and not exists (select from closed_task where task_id = $3),
            (select lane_id from task), (select overlap from task), now.at,
            (now.at at time zone safe_zone((select zone from person where person_id = $1)))::date
        from now
        """)
    /// The lowest slot that nobody has, if the person has none of this task. Indexes: the keys of label, lease, parked.
    static let freeSlot = Statement(
        "late_free_slot",
        """
        select s::smallint from generate_series(1, $2::int) s
        where not exists (select from label x where x.task_id = $1 and (x.slot = s or x.person_id = $3))
            and not exists (select from lease x where x.task_id = $1 and (x.slot = s or x.person_id = $3))
            and not exists (select from parked x where x.task_id = $1 and (x.slot = s or x.person_id = $3))
        order by s limit 1
        """)
    /// P1: a label exists only by consuming a lease, so there is one for the length of this transaction. No coordinator
    /// vouches for it.
    static let lease = Statement(
        "late_lease",
        """
        insert into lease (task_id, slot, person_id, fence, lane_id, project_id, granted_at, first_granted_at, deadline,
            coordinator_id, provenance_id, why)
        values ($1, $2, $3, $4, $5, $6, $7, $7, $7, 0, $8, '{0,-1,0,-1}')
        """)
    static let label = Statement(
        "late_label",
        """
        insert into label (task_id, slot, person_id, fence, project_id, person_n, provenance_id, accepted_on,
            answer_hash, answer)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """)
}

extension Ledger {
    public static let lateAnswersMax = 1_000

    /// Late answers of a project that wait for a human, oldest first, at most `lateAnswersMax`.
    public func lateAnswers(project name: String) async throws -> [LateAnswerRow] {
        let id = try await project(named: name).id
        return try await read(
            Query(LateAnswerStatements.list, .int8(id.rawValue), .int8(Int64(Self.lateAnswersMax)))
        ).map { row in
            LateAnswerRow(
                id: try row.int8(0), key: try row.text(1), answer: try row.bytes(2), reason: try row.text(3),
                arrivedOn: LocalDay(try row.date(4)))
        }
    }

    /// Makes a late answer a label, if a slot is free and its author's agreements allow it at this instant (P2, P3), or
    /// sets it aside; it stays visible to its author either way (P6). Nobody judges their own. Throws `.notFound` when
    /// no such answer waits, and `.invalid` for a discard without a reason.
    public func judgeLateAnswer(
        _ id: Int64, accept: Bool, reason: String, by actor: String
    ) async throws -> LateAnswerOutcome {
        if !accept { try ReasonRule.check(reason, "no answer is discarded without a reason") }
        let outcome = try await transaction { connection in
            let missing = LedgerError(
                .notFound, "no late answer \(id) waits", remedy: "see plimsoll label late list")
            guard let row = try await connection.query(Query(LateAnswerStatements.find, .int8(id))).first else {
                throw missing
            }
            let late = try LateAnswer(row)
            if accept { try await checkMayGrant(on: connection) }
            guard late.author != actor else { return LateAnswerOutcome.notPossible }
            try await lockPeople([late.person], on: connection)
            if accept {
                let refusal = try await label(late, on: connection)
                if let refusal { return refusal }
            }
            let state = accept ? "accepted" : "discarded"
            let judged = try await connection.query(
                Query(LateAnswerStatements.judge, .int8(id), .text(state), .text(actor), .text(reason)))
            guard judged.affected == 1 else { throw missing }
            try await appendTally(
                [late.project: TallyChange(done: accept ? 1 : 0, late: -1)], on: connection)
            try await appendChainEvent(
                .lateAnswerJudged, actor: actor,
                detail: ["late_answer": .integer(id), "outcome": .string(state), "reason": .string(reason)],
                on: connection)
            return accept ? .accepted : .discarded
        }
        return outcome
    }
}

private struct LateAnswer: Sendable {
    let person: PersonID
    let task: TaskID
    let fence: Fence
    let project: ProjectID
    let personN: Int64
    let answer: [UInt8]
    let hash: [UInt8]
    let author: String

    init(_ row: Row) throws {
        person = PersonID(try row.int8(0))
        task = TaskID(try row.int8(1))
        fence = Fence(try row.int8(2))
        project = ProjectID(try row.int8(3))
        personN = try row.int8(4)
        answer = try row.bytes(5)
        hash = try row.bytes(6)
        author = try row.text(7)
    }
}

/// A label needs a lease, and none commits in read-only mode; under the epoch, so that no notice or policy comes between.
private func checkMayGrant(on connection: isolated Connection) async throws {
    _ = try await connection.query(Query(OwedStatements.epochLock))
    guard try await !connection.query(Query(ImportStatements.isReadOnlyNow))[0].bool(0) else {
        throw LedgerError(readOnly: "in which nothing new becomes a label")
    }
}

/// Turns a late answer into a label under its author's lock; nil when that is done, else why not.
private func label(_ late: LateAnswer, on connection: isolated Connection) async throws -> LateAnswerOutcome? {
    let person = Bind.int8(late.person.rawValue)
    let task = Bind.int8(late.task.rawValue)
    let project = Bind.int8(late.project.rawValue)
    let fence = Bind.int8(late.fence.rawValue)
    let row = try await connection.query(
        Query(LateAnswerStatements.standing, person, project, task, .int8(late.personN)))[0]
    guard try row.bool(3), let lane = try row.int8OrNil(4) else { return .notPossible }
    let slots = try await connection.query(
        Query(LateAnswerStatements.freeSlot, task, .int4(Int32(try row.int2(5))), person))
    guard let slot = try slots.first?.int2(0) else { return .noSlot }
    let provenance = try await connection.query(
        Query(
            FlushStatements.provenance, person, project, .int8(try row.int8(0)), .int8(try row.int8(1)),
            .textArray(try row.textArray(2))))[0].int8(0)
    let fact = try await appendFact(late.person, on: connection)
    let now = Bind.timestamptz(microseconds: fact.at.microseconds)
    do {
        _ = try await connection.pipeline([
            Query(
                LateAnswerStatements.lease, task, .int2(slot), person, fence, .int8(lane), project, now,
                .int8(provenance)),
            Query(
                LateAnswerStatements.label, task, .int2(slot), person, fence, project, .int8(fact.n),
                .int8(provenance), .date(days: try row.date(7)), .bytea(late.hash), .json(late.answer)),
        ])
    } catch let error as PostgresError where error.sqlState == "23505" || error.sqlState == "PL002" {
        throw LedgerError(.busy, "the task's slot was given out in this moment", remedy: "judge it again", cause: error)
    }
    return nil
}
