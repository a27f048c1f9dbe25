import PlimsollModel
import Postgres

/// Looks whether lanes hold anything for one person, without taking it: the same looks that a claim makes, and no lock.
struct LaneLook {
    let person: PersonID
    let connection: Connection

    /// Enough for some hundred thousand tasks that this person has answered and others have not yet.
    private static let stepsMax = 64

    /// `rows` as `ReasonStatements.lanes` gives them, in that order.
    func outlooks(_ rows: Rows) async throws -> [ProjectID: [LaneOutlook]] {
        let lanes = try rows.map { LaneID(try $0.int8(0)) }
        guard !lanes.isEmpty else { return [:] }
        let hands = try await connection.query(
            Query(ReasonStatements.hands, .int8(person.rawValue), .int8Array(lanes.map(\.rawValue))))
        var held: [LaneID: LaneLeft] = [:]
        for row in hands {
            let lane = LaneID(try row.int8(0))
            if let effort = try row.int4OrNil(1) {
                held[lane] = .ready(effortSeconds: Int(effort))
            } else if try row.bool(2) {
                held[lane] = .inOtherHands
            }
        }
        var outlooks: [ProjectID: [LaneOutlook]] = [:]
        for (row, lane) in zip(rows, lanes) {
            let left: LaneLeft
            if case .ready? = held[lane] {
                left = held[lane] ?? .unknown
            } else {
                let waiting = try await look(through: lane)
                left = waiting == .nothing ? held[lane] ?? .nothing : waiting
            }
            outlooks[ProjectID(try row.int8(1)), default: []].append(
                LaneOutlook(kind: try row.text(2), severity: Int(try row.int2(3)), left: left))
        }
        return outlooks
    }

    /// What waits in a lane's spans, which nobody has claimed.
    private func look(through lane: LaneID) async throws -> LaneLeft {
        var floor: Int64 = 0
        var steps = 0
        while true {
            let spans = try await connection.query(
                Query(
                    FeedStatements.spans, .int8(lane.rawValue), .int8(floor),
                    .int4(Int32(FeedSession.spansPerClaim))))
            guard let last = spans.last else { return .nothing }
            floor = try last.int8(0)
            var open: [Int64: (next: Int64, last: Int64)] = [:]
            for span in spans { open[try span.int8(0)] = (try span.int8(6), try span.int8(3)) }
            while true {
                open = open.filter { $0.value.next <= $0.value.last }
                if open.isEmpty { break }
                steps += 1
                guard steps <= Self.stepsMax else { return .unknown }
                let asked = open.sorted { $0.key < $1.key }
                let found = try await connection.query(
                    Query(
                        FeedStatements.look, .int8(lane.rawValue), .int8Array(asked.map(\.key)),
                        .int8Array(asked.map(\.value.next)), .int8Array(asked.map(\.value.last)),
                        .int8(person.rawValue), .int4(Int32(FeedSession.lookStep))))
                for row in found {
                    if let task = try row.int8OrNil(3) { return try await ready(task, lane) }
                    let span = try row.int8(0)
                    // Fewer than asked for: that was the end of it.
                    let isOver = try row.int8(1) < Int64(FeedSession.lookStep)
                    open[span]?.next = isOver ? .max : try row.int8(2) + 1
                }
            }
            if spans.count < FeedSession.spansPerClaim { return .nothing }
        }
    }

    private func ready(_ task: Int64, _ lane: LaneID) async throws -> LaneLeft {
        let rows = try await connection.query(
            Query(ReasonStatements.effort, .int8(lane.rawValue), .int8(task)))
        return .ready(effortSeconds: try rows.first.map { Int(try $0.int4(0)) } ?? 0)
    }
}
