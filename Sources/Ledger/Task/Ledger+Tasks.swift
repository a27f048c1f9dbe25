public import PlimsollModel
import Postgres

/// Where a task stands.
public enum TaskState: String, Sendable, CaseIterable {
    /// At least one slot is free and nobody holds it now.
    case waiting
    /// Somebody holds or has parked a slot.
    case leased
    /// Every slot has a label.
    case done
    case quarantined
    case cancelled
}

/// One task with its figures.
public struct TaskRow: Sendable, Hashable {
    public let id: TaskID
    public let key: String
    public let kind: String
    public let severity: Int
    public let priority: Int
    public let overlap: Int
    public let labels: Int
    /// Open and parked.
    public let leases: Int
    public let state: TaskState
    /// Deliveries in vain since the last label.
    public let deliveriesFailed: Int

    init(_ row: Row) throws {
        id = TaskID(try row.int8(0))
        key = try row.text(1)
        kind = try row.text(2)
        severity = Int(try row.int2(3))
        priority = Int(try row.int2(4))
        overlap = Int(try row.int2(5))
        labels = Int(try row.int8(6))
        leases = Int(try row.int8(7))
        deliveriesFailed = Int(try row.int8(8))
        if let why = try row.textOrNil(9) {
            state = why == "cancelled" ? .cancelled : .quarantined
        } else if labels >= overlap {
            state = .done
        } else {
            state = leases > 0 ? .leased : .waiting
        }
    }
}

enum TaskStatements {
    /// Labels of the task `t`; with $3 without one whose lease ended in the present hour. Indexes: label_pkey,
    /// lease_history_person.
    private static let labels = """
        (select count(*) from label x where x.task_id = t.task_id and not ($3 and exists (
            select from lease_history h where h.person_id = x.person_id and h.fence = x.fence
                and h.at >= (select date_trunc('hour', clock())))))
        """

    /// Figures of the tasks of a set `c (lane_id, task_id)`. With $3, as they were when the present hour began, and
    /// neither whether somebody holds them nor what failed, which the next label forgives at once. Indexes: task_pkey,
    /// label_pkey, lease_history_person, lease_pkey, parked_pkey, delivery_failure_pkey, closed_task_pkey.
    private static func figures(of candidates: String) -> String {
        """
        with c as (\(candidates))
        select t.task_id, t.external_key, a.kind, a.severity, a.priority, t.overlap,
            \(labels),
            case when $3 then 0 else (select count(*) from lease x where x.task_id = t.task_id)
                + (select count(*) from parked x where x.task_id = t.task_id) end,
            case when $3 then 0 else (select count(*) from delivery_failure f where f.task_id = t.task_id
                and not f.forgiven and f.fence >
                    coalesce((select max(x.fence) from kept_label x where x.task_id = t.task_id), 0)) end,
            (select z.why from closed_task z where z.task_id = t.task_id)
        from c join task t on t.lane_id = c.lane_id and t.task_id = c.task_id join lane a on a.lane_id = t.lane_id
        """
    }

    /// Index: task_key.
    static let byKey = Statement(
        "task_by_key",
        figures(of: "select lane_id, task_id from task where project_id = $1 and external_key = $2"))
    /// In lane and task order. Index: task_pkey.
    static let all = Statement(
        "task_all",
        figures(
            of: """
                select x.lane_id, x.task_id from lane l cross join lateral (
                    select lane_id, task_id from task where lane_id = l.lane_id order by task_id limit $2) x
                where l.project_id = $1 order by 1, 2 limit $2
                """) + " order by t.lane_id, t.task_id")
    /// Index: closed_task_lane.
    static let closed = Statement(
        "task_closed",
        figures(
            of: """
                select z.lane_id, z.task_id from lane l join closed_task z using (lane_id)
                where l.project_id = $1 and z.why = $4 order by 1, 2 limit $2
                """) + " order by t.lane_id, t.task_id")
    /// A walk over the open and parked leases, which are few.
    static let leased = Statement(
        "task_leased",
        figures(
            of: """
                select lane_id, task_id from lease where project_id = $1
                union select lane_id, task_id from parked where project_id = $1 order by 1, 2 limit $2
                """) + " order by t.lane_id, t.task_id")
    /// From where slots that nobody holds are kept: spans from their positions on, blocks, returned slots. What of it
    /// turns out to be taken is left out afterwards, so there may be fewer than asked for. With $3 what was taken in
    /// the present hour waits too. Indexes: span_pkey, span_position_pkey, task_pkey, contribution_pkey,
    /// lease_history_person.
    static let waiting = Statement(
        "task_waiting",
        figures(
            of: """
                select distinct y.lane_id, y.task_id from (
                    (select x.lane_id, x.task_id from lane l join span s using (lane_id)
                    cross join lateral (select coalesce((select p.next from span_position p where p.lane_id = s.lane_id
                        and p.span_n = s.n order by p.n desc limit 1), s.first_task) as first) f
                    cross join lateral (select lane_id, task_id from task where lane_id = s.lane_id
                        and task_id between f.first and s.last_task
                        and not exists (select from label y where y.task_id = task.task_id and y.slot = s.slot)
                        and not exists (select from lease y where y.task_id = task.task_id and y.slot = s.slot)
                        and not exists (select from parked y where y.task_id = task.task_id and y.slot = s.slot)
                        and not exists (select from closed_task y where y.task_id = task.task_id)
                        order by task_id limit $2) x
                    where l.project_id = $1
                    union all
                    select x.lane_id, x.task_id from lane l join block b using (lane_id)
                    cross join lateral (select lane_id, task_id from task where lane_id = b.lane_id
                        and task_id between b.first_task and b.last_task
                        and not exists (select from label y where y.task_id = task.task_id and y.slot = b.slot)
                        and not exists (select from lease y where y.task_id = task.task_id and y.slot = b.slot)
                        and not exists (select from parked y where y.task_id = task.task_id and y.slot = b.slot)
                        and not exists (select from closed_task y where y.task_id = task.task_id)
                        order by task_id limit $2) x
                    where l.project_id = $1
                    union all
                    select r.lane_id, r.task_id from lane l join returned r using (lane_id) where l.project_id = $1
                    limit 4 * $2)
                    union all
                    (select x.lane_id, x.task_id from lease x where $3 and x.project_id = $1
                    union all select x.lane_id, x.task_id from parked x where $3 and x.project_id = $1
                    union all select h.lane_id, h.task_id from contribution c join lease_history h
                        on h.person_id = c.person_id and h.at >= (select date_trunc('hour', clock()))
                        join lane a on a.lane_id = h.lane_id and a.project_id = c.project_id
                    where $3 and c.project_id = $1 and c.hour >= (select date_trunc('hour', clock())))) y
                """) + " order by t.lane_id, t.task_id")
    /// Only tasks of which every slot has a label, in lane and task order. Indexes: task_pkey, label_pkey.
    static let done = Statement(
        "task_done",
        figures(
            of: """
                select x.lane_id, x.task_id from lane l cross join lateral (
                    select t.lane_id, t.task_id from task t where t.lane_id = l.lane_id
                        and \(labels) >= t.overlap
                        and not exists (select from closed_task z where z.task_id = t.task_id)
                    order by t.task_id limit $2) x
                where l.project_id = $1 order by 1, 2 limit $2
                """) + " order by t.lane_id, t.task_id")
}

extension Ledger {
    public static let tasksMax = 10_000
    static let tasksDefault = 100

    /// Tasks of a project in lane and task order, of one state or all, at most `limit` and `tasksMax`. Throws
    /// `.notFound` for the project.
    ///
    /// P9: with `hidingFew`, where few people are at work, as of the last full hour and without what is in hand.
    public func tasks(
        project name: String, state: TaskState? = nil, limit: Int? = nil, hidingFew: Bool = false
    ) async throws -> [TaskRow] {
        let id = Bind.int8(try await project(named: name).id.rawValue)
        let few = Bind.bool(try await isFewAtWork(name, hidingFew))
        let count = Bind.int8(Int64(min(max(1, limit ?? Self.tasksDefault), Self.tasksMax)))
        let query =
            switch state {
            case nil: Query(TaskStatements.all, id, count, few)
            case .waiting: Query(TaskStatements.waiting, id, count, few)
            case .leased: Query(TaskStatements.leased, id, count, few)
            case .done: Query(TaskStatements.done, id, count, few)
            case .quarantined, .cancelled: Query(TaskStatements.closed, id, count, few, .text(state?.rawValue))
            }
        let rows = try await read(query).map { try TaskRow($0) }
        guard let state else { return rows }
        return Array(rows.filter { $0.state == state }.prefix(limit.map { max(1, $0) } ?? Self.tasksDefault))
    }

    /// One task by its key. Throws `.notFound`.
    public func task(project name: String, key: String, hidingFew: Bool = false) async throws -> TaskRow {
        let id = try await project(named: name).id
        let few = Bind.bool(try await isFewAtWork(name, hidingFew))
        guard let row = try await read(Query(TaskStatements.byKey, .int8(id.rawValue), .text(key), few)).first else {
            throw LedgerError(.notFound, "the project \(name) has no task “\(key)”")
        }
        return try TaskRow(row)
    }

    private func isFewAtWork(_ project: String, _ hidingFew: Bool) async throws -> Bool {
        hidingFew ? try await !projectsWithFewAtWork(project).isEmpty : false
    }
}
