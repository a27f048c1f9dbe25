import PlimsollModel
import Postgres

/// What cancelling an import did, or would do.
public struct CancelOutcome: Sendable, Hashable {
    public let cancelled: Int
    /// Tasks that somebody has answered, holds or has parked: they stay as they are.
    public let kept: Int

    public init(cancelled: Int, kept: Int) {
        self.cancelled = cancelled
        self.kept = kept
    }
}

enum CancelImportStatements {
    static let find = Statement(
        "cancel_find",
        """
        select i.project_id, i.first_task, i.last_task, i.tasks,
            coalesce((select array_agg(l.lane_id order by l.lane_id) from lane l where l.project_id = i.project_id), '{}')
        from import i where i.import_id = $1
        """)
    /// The tasks of a range that nobody has touched. Indexes: task_pkey, label_pkey, lease_pkey, parked_pkey.
    private static let untouched = """
        select t.task_id, t.lane_id, t.overlap from task t
        where t.lane_id = any($1::bigint[]) and t.task_id between $2 and $3
            and not exists (select from label l where l.task_id = t.task_id)
            and not exists (select from lease l where l.task_id = t.task_id)
            and not exists (select from parked p where p.task_id = t.task_id)
        """
    static let count = Statement(
        "cancel_count",
        """
        select count(*) from (\(untouched)) u
        where not exists (select from closed_task c where c.task_id = u.task_id and c.why = 'cancelled')
        """)
    /// Quarantined tasks of the range that nobody has answered are cancelled too.
    static let release = Statement(
        "cancel_release",
        """
        with gone as (delete from closed_task c using (\(untouched)) u
            where c.task_id = u.task_id and c.why = 'quarantined' returning u.overlap)
        select coalesce(sum(overlap), 0)::bigint from gone
        """)
    static let close = Statement(
        "cancel_close",
        """
        with added as (
            insert into closed_task (task_id, lane_id, why, closed_at, closed_by)
            select u.task_id, u.lane_id, 'cancelled', clock(), $4 from (\(untouched)) u
            on conflict do nothing returning task_id, lane_id)
        select count(*), coalesce(sum(t.overlap), 0)::bigint
        from added a join task t on t.lane_id = a.lane_id and t.task_id = a.task_id
        """)
    /// How many slots of a quarantined task are open when somebody has answered it and nobody holds or has parked it;
    /// no row: it is no such task. Indexes: task_pkey, closed_task_pkey, label_pkey, lease_pkey, parked_pkey.
    static let rest = Statement(
        "cancel_rest",
        """
        select t.overlap - (select count(*) from label l where l.task_id = t.task_id), t.lane_id
        from task t join closed_task c on c.task_id = t.task_id and c.why = 'quarantined'
        where t.lane_id = any($1::bigint[]) and t.task_id = $2
            and not exists (select from lease l where l.task_id = t.task_id)
            and not exists (select from parked p where p.task_id = t.task_id)
        """)
    static let closeRest = Statement(
        "cancel_close_rest",
        """
        insert into closed_task (task_id, lane_id, why, closed_at, closed_by) values ($1, $2, 'cancelled', clock(), $3)
        """)
    /// Index: closed_task_lane.
    static let cancelled = Statement(
        "cancel_cancelled",
        """
        select count(*) from closed_task
        where lane_id = any($1::bigint[]) and task_id between $2 and $3 and why = 'cancelled'
        """)
    static let mark = Statement(
        "cancel_mark",
        "update import set cancelled_at = clock() where import_id = $1 and cancelled_at is null")
}

extension Ledger {
    /// Tasks looked at under one hold of the epoch, so that no grant waits longer than for a flush.
    static let cancelStep: Int64 = 10_000

    /// Takes back an import: its tasks that nobody has answered, holds or has parked are never leased again. Goes in
    /// steps, each exact; when it is cut short, running it again does the rest. Throws `.notFound`.
    public func cancelImport(_ importID: Int64, isDryRun: Bool = false, by actor: String) async throws -> CancelOutcome
    {
        guard let row = try await read(Query(CancelImportStatements.find, .int8(importID))).first else {
            throw LedgerError(.notFound, "there is no import \(importID)")
        }
        let project = ProjectID(try row.int8(0))
        let (first, last, tasks) = (try row.int8(1), try row.int8(2), try row.int8(3))
        let lanes = Bind.int8Array(try row.int8Array(4))
        if isDryRun {
            let count = try await read(Query(CancelImportStatements.count, lanes, .int8(first), .int8(last)))
            let cancelled = try count[0].int8(0)
            return CancelOutcome(cancelled: Int(cancelled), kept: Int(tasks - cancelled))
        }
        var cancelled = 0
        for begin in stride(from: first, through: last, by: Int64.Stride(Self.cancelStep)) {
            let end = min(last, begin + Self.cancelStep - 1)
            cancelled += try await withEpoch(cause: "import cancelled") { connection in
                let count = try await cancel(begin...end, in: lanes, of: project, actor, on: connection)
                if try await connection.query(Query(CancelImportStatements.mark, .int8(importID))).affected == 1 {
                    try await appendChainEvent(
                        .importCancelled, actor: actor, detail: ["import": .integer(importID)], on: connection)
                }
                return count
            }
        }
        let all = try await read(Query(CancelImportStatements.cancelled, lanes, .int8(first), .int8(last)))[0].int8(0)
        return CancelOutcome(cancelled: cancelled, kept: Int(tasks - all))
    }

    /// Takes back one task: nothing of it is leased again. One that somebody has answered, holds or has parked stays as
    /// it is; of a quarantined one the labels stay and the open slots close, once nobody holds it. Throws `.notFound`.
    public func cancelTask(
        project name: String, key: String, isDryRun: Bool = false, by actor: String
    ) async throws -> CancelOutcome {
        let found = try await read(Query(RequeueStatements.find, .text(name), .text(key)))
        guard let row = found.first else {
            throw LedgerError(.notFound, "the project \(name) has no task “\(key)”")
        }
        let task = try row.int8(0)
        let lanes = Bind.int8Array([try row.int8(1)])
        let project = ProjectID(try row.int8(3))
        if isDryRun {
            let count = try await read(Query(CancelImportStatements.count, lanes, .int8(task), .int8(task)))
            let rest = try await read(Query(CancelImportStatements.rest, lanes, .int8(task)))
            let cancelled = max(Int(try count[0].int8(0)), rest.count)
            return CancelOutcome(cancelled: cancelled, kept: 1 - cancelled)
        }
        let cancelled = try await withEpoch(cause: "task cancelled") { connection in
            var count = try await cancel(task...task, in: lanes, of: project, actor, on: connection)
            if count == 0 { count = try await cancelRest(of: task, in: lanes, of: project, actor, on: connection) }
            if count > 0 {
                try await appendChainEvent(
                    .taskCancelled, actor: actor, detail: ["project": .string(name), "task": .string(key)],
                    on: connection)
            }
            return count
        }
        return CancelOutcome(cancelled: cancelled, kept: 1 - cancelled)
    }
}

/// Closes what is open of a quarantined task that has labels; gives 1, or 0 when it is no such task. Under the epoch.
private func cancelRest(
    of task: Int64, in lanes: Bind, of project: ProjectID, _ actor: String, on connection: isolated Connection
) async throws -> Int {
    let found = try await connection.query(Query(CancelImportStatements.rest, lanes, .int8(task)))
    guard let row = found.first else { return 0 }
    let (open, lane) = (try row.int8(0), try row.int8(1))
    _ = try await connection.pipeline([
        Query(RequeueStatements.open, .int8(task)),
        Query(CancelImportStatements.closeRest, .int8(task), .int8(lane), .text(actor)),
    ])
    try await appendTally([project: TallyChange(slots: -open, quarantined: -open)], on: connection)
    return 1
}

/// Closes the tasks of a range that nobody has touched; gives how many. Under the epoch: no grant of them is under way.
private func cancel(
    _ tasks: ClosedRange<Int64>, in lanes: Bind, of project: ProjectID, _ actor: String,
    on connection: isolated Connection
) async throws -> Int {
    let (first, last) = (Bind.int8(tasks.lowerBound), Bind.int8(tasks.upperBound))
    let results = try await connection.pipeline([
        Query(CancelImportStatements.release, lanes, first, last),
        Query(CancelImportStatements.close, lanes, first, last, .text(actor)),
    ])
    let released = try results[0][0].int8(0)
    let (count, slots) = (try results[1][0].int8(0), try results[1][0].int8(1))
    try await appendTally([project: TallyChange(slots: -slots, quarantined: -released)], on: connection)
    return Int(count)
}
