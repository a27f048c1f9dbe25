public import PlimsollModel
import Postgres

enum RequeueStatements {
    /// Index: task_key.
    static let find = Statement(
        "requeue_find",
        """
        select t.task_id, t.lane_id, t.overlap, p.project_id from project p join task t using (project_id)
        where p.name = $1 and t.external_key = $2
        """)
    /// Index: closed_task_pkey. Keeps two requeues of one task apart.
    static let open = Statement(
        "requeue_open", "delete from closed_task where task_id = $1 and why = 'quarantined'")
    /// The deliveries that led to quarantine count no more. Index: delivery_failure_pkey.
    static let forgive = Statement("requeue_forgive", "delete from delivery_failure where task_id = $1")
    /// Slots that nobody has. Indexes: label_pkey, lease_pkey, parked_pkey.
    static let free = Statement(
        "requeue_free",
        """
        select s::smallint from generate_series(1, $2::int) s
        where not exists (select from label x where x.task_id = $1 and x.slot = s)
            and not exists (select from lease x where x.task_id = $1 and x.slot = s)
            and not exists (select from parked x where x.task_id = $1 and x.slot = s)
        order by s
        """)
}

extension Ledger {
    /// Lets a quarantined task be leased again; gives the slots that wait now. Throws `.notFound` for the task and
    /// `.conflict` when it is not in quarantine.
    public func requeueTask(
        project name: String, key: String, by actor: String
    ) async throws -> (task: TaskID, slots: Int) {
        // Under the epoch: no lease of the task can end, and be counted as in quarantine, while its slots are counted.
        let (task, lane, slots) = try await withEpoch(cause: "task requeued") { connection in
            let found = try await connection.query(Query(RequeueStatements.find, .text(name), .text(key)))
            guard let row = found.first else {
                throw LedgerError(.notFound, "the project \(name) has no task “\(key)”")
            }
            let (task, lane) = (TaskID(try row.int8(0)), LaneID(try row.int8(1)))
            let overlap = Int32(try row.int2(2))
            guard try await connection.query(Query(RequeueStatements.open, .int8(task.rawValue))).affected == 1 else {
                throw LedgerError(.conflict, "the task “\(key)” is not in quarantine")
            }
            let results = try await connection.pipeline([
                Query(RequeueStatements.forgive, .int8(task.rawValue)),
                Query(RequeueStatements.free, .int8(task.rawValue), .int4(overlap)),
            ])
            let slots = try results[1].map {
                FreeSlots(lane: lane, slot: try $0.int2(0), first: task, last: task, isFresh: false)
            }
            try await appendTally(
                [ProjectID(try row.int8(3)): TallyChange(quarantined: -Int64(slots.count))], on: connection)
            try await appendChainEvent(
                .taskRequeued, actor: actor, detail: ["project": .string(name), "task": .string(key)], on: connection)
            try await appendSpans(slots, on: connection)
            return (task, lane, slots.count)
        }
        await notify(.lane, lane.description)
        return (task, slots)
    }
}
