import PlimsollModel
import Postgres

/// One slot number of a range of a lane's tasks that nobody holds.
struct FreeSlots: Sendable, Hashable {
    let lane: LaneID
    let slot: Int16
    let first: TaskID
    let last: TaskID
    /// Never leased before.
    let isFresh: Bool
}

enum LaneSpanStatements {
    /// Lock order: 3, after the epoch and people, lanes in id order, right before the transaction ends. Index:
    /// lane_pkey.
    static let lock = Statement(
        "lane_lock",
        "select lane_id from lane where lane_id = any($1::bigint[]) order by lane_id for no key update")
    /// Numbers are drawn under the lane's lock, so that their order is commit order and a cursor never passes a span
    /// that commits late. A statement after the lock's.
    static let append = Statement(
        "lane_append_spans",
        """
        insert into span (lane_id, slot, first_task, last_task, fresh, since)
        select s.lane_id, s.slot, s.first_task, s.last_task, s.fresh, clock()
        from unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::boolean[]) with ordinality
            s (lane_id, slot, first_task, last_task, fresh, i)
        order by s.lane_id, s.i
        """)
}

/// Puts free slots into their lanes. Takes the lanes' locks, so it comes last in a transaction.
func appendSpans(_ slots: [FreeSlots], on connection: isolated Connection) async throws {
    if slots.isEmpty { return }
    let lanes = Array(Set(slots.map(\.lane.rawValue))).sorted()
    let results = try await connection.pipeline([
        Query(LaneSpanStatements.lock, .int8Array(lanes)),
        Query(
            LaneSpanStatements.append, .int8Array(slots.map(\.lane.rawValue)), .int2Array(slots.map(\.slot)),
            .int8Array(slots.map(\.first.rawValue)), .int8Array(slots.map(\.last.rawValue)),
            .boolArray(slots.map(\.isFresh))),
    ])
    guard results[0].count == lanes.count, results[1].affected == slots.count else {
        throw LedgerError(.fault, "a lane that was to get slots does not exist")
    }
}
