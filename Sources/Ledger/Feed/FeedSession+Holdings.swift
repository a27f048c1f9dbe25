public import PlimsollModel
internal import Postgres

/// What the database says that a coordinator holds; what it believes itself may differ after a crash of either.
public struct Holdings: Sendable {
    public var now: Moment
    public var blocks: [(id: Int64, lane: LaneID)]
    public var returned: [ReturnedSlot]
}

/// A slot that came back to a coordinator.
public struct ReturnedSlot: Sendable {
    public var fence: Fence
    public var lane: LaneID
    public var slot: Int16
    public var content: TaskContent
}

extension FeedSession {
    /// Everything held under this coordinator's number.
    public func holdings() async throws -> Holdings {
        let rows = try await connection.pipeline([
            Query(FeedStatements.blocksHeld, .int8(coordinator.rawValue)),
            Query(FeedStatements.returnedHeld, .int8(coordinator.rawValue)), Query(FlushStatements.clock),
        ])
        return Holdings(
            now: Moment(microseconds: try rows[2][0].timestamptz(0)),
            blocks: try rows[0].map { (try $0.int8(0), LaneID(try $0.int8(1))) },
            returned: try rows[1].map { row in
                ReturnedSlot(
                    fence: Fence(try row.int8(0)), lane: LaneID(try row.int8(1)), slot: try row.int2(3),
                    content: TaskContent(
                        task: TaskID(try row.int8(2)), key: try row.text(4), effortSeconds: Int(try row.int4(5)),
                        payload: try row.bytes(6)))
            })
    }

    /// Turns what is left of some of this coordinator's blocks into spans. None of their slots may be in its memory or
    /// in a flush.
    public func dissolve(_ blocks: [Int64], of lane: LaneID, now: Moment) async throws {
        try await orRollBack {
            _ = try await begin(
                lane,
                [
                    Query(
                        FeedStatements.adopt, .int8(coordinator.rawValue), .int8(lane.rawValue),
                        .timestamptz(microseconds: now.microseconds), .int8Array(blocks)),
                    Query(FeedStatements.deleteBlocks, .int8Array(blocks), .int8(coordinator.rawValue)),
                    Query(FeedStatements.commit),
                ])
        }
        try await wakeOthers(of: lane)
    }
}
