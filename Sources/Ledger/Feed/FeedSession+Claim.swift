public import PlimsollModel
internal import Postgres

extension FeedSession {
    /// A span beyond the person's floor, as the claim found it.
    private struct OpenSpan {
        var n: Int64
        var slot: Int16
        var first: Int64
        var last: Int64
        var fresh: Bool
        var since: Moment
        /// First task not yet claimed by anyone.
        var next: Int64
        /// First task this person may be given; nil: none was found as far as was looked.
        var firstFree: Int64?
        var isExhausted = false
    }

    /// Claims up to `count` slots of a lane, from the first one on that `person` may be given, under the lane's lock.
    ///
    /// The look starts at the person's own position and reads forward; it never walks what was consumed. When it
    /// examined ``lookStep`` tasks of a span without finding one, the position is kept in the cursor and the claim
    /// comes back empty and not exhausted: ask again.
    public func claim(
        lane: LaneID, for person: PersonID, cursor: LookCursor, count: Int, needsTouched: Bool
    ) async throws -> Claim {
        try await orRollBack {
            let opened = try await begin(
                lane,
                [
                    Query(
                        FeedStatements.spans, .int8(lane.rawValue), .int8(cursor.floor),
                        .int4(Int32(Self.spansPerClaim)))
                ])
            var spans = try opened[0].map { row in
                OpenSpan(
                    n: try row.int8(0), slot: try row.int2(1), first: try row.int8(2), last: try row.int8(3),
                    fresh: try row.bool(4), since: Moment(microseconds: try row.timestamptz(5)),
                    next: try row.int8(6))
            }
            var claim = Claim(cursor: cursor)
            // The first span alone is nearly always enough; the rest are looked at together.
            try await look(&spans, 0..<min(1, spans.count), lane: lane, person: person, cursor: &claim.cursor)
            if spans.first?.firstFree == nil, spans.first?.isExhausted ?? true, spans.count > 1 {
                try await look(&spans, 1..<spans.count, lane: lane, person: person, cursor: &claim.cursor)
            }
            let complete = spans.count < Self.spansPerClaim
            try await take(count, of: spans, lane: lane, needsTouched: needsTouched, into: &claim)
            raiseFloor(spans, &claim.cursor)
            claim.isExhausted = complete && spans.allSatisfy(\.isExhausted)
            return claim
        }
    }

    private func look(
        _ spans: inout [OpenSpan], _ range: Range<Int>, lane: LaneID, person: PersonID, cursor: inout LookCursor
    ) async throws {
        var asked: [Int] = []
        for index in range {
            let start = max(spans[index].next, cursor.positions[spans[index].n] ?? 0)
            if start > spans[index].last { spans[index].isExhausted = true } else { asked.append(index) }
        }
        guard !asked.isEmpty else { return }
        let rows = try await connection.query(
            Query(
                FeedStatements.look, .int8(lane.rawValue), .int8Array(asked.map { spans[$0].n }),
                .int8Array(asked.map { max(spans[$0].next, cursor.positions[spans[$0].n] ?? 0) }),
                .int8Array(asked.map { spans[$0].last }), .int8(person.rawValue), .int4(Int32(Self.lookStep))))
        for (index, row) in zip(asked, rows) {
            let seen = try row.int8(1)
            spans[index].firstFree = try row.int8OrNil(3)
            if let free = spans[index].firstFree {
                cursor.positions[spans[index].n] = free
            } else if seen < Int64(Self.lookStep) {
                spans[index].isExhausted = true
            } else {
                cursor.positions[spans[index].n] = (try row.int8(2)) + 1
            }
        }
    }

    /// Loads and takes tasks from the spans in which the person has something, oldest span first, and commits.
    private func take(
        _ count: Int, of spans: [OpenSpan], lane: LaneID, needsTouched: Bool, into claim: inout Claim
    ) async throws {
        let sources = spans.filter { $0.firstFree != nil }
        guard !sources.isEmpty else {
            try await finish(lane: lane, drop: spans.filter { $0.next > $0.last }.map(\.n))
            return
        }
        var chosen: [OpenSpan] = []
        var room = count
        for span in sources where room > 0 {
            chosen.append(span)
            // A range holds at least as many ids as tasks; a long one surely fills the room.
            room -= Int(min(Int64(room), span.last - (span.firstFree ?? span.last) + 1))
        }
        let rows = try await connection.query(
            Query(
                FeedStatements.load, .int8(lane.rawValue), .int4Array(chosen.indices.map { Int32($0) }),
                .int8Array(chosen.map { $0.firstFree ?? $0.last }), .int8Array(chosen.map(\.last)),
                .int4Array(Array(repeating: Int32(count), count: chosen.count))))
        var lastLoaded: [Int64?] = Array(repeating: nil, count: chosen.count)
        var loaded: [Int] = Array(repeating: 0, count: chosen.count)
        for row in rows {
            let index = Int(try row.int4(0))
            let task = TaskID(try row.int8(1))
            lastLoaded[index] = task.rawValue
            loaded[index] += 1
            if try row.bool(5) { continue }
            claim.slots.append(ClaimedSlot(task: task, slot: chosen[index].slot, block: index, place: loaded[index]))
            if claim.contents[task] == nil {
                claim.contents[task] = TaskContent(
                    task: task, key: try row.text(2), effortSeconds: Int(try row.int4(3)), payload: try row.bytes(4))
            }
        }
        var writes: [Query] = []
        var left: [SpanRange] = []
        var moved: [(n: Int64, next: Int64)] = []
        var dropped = spans.filter { $0.next > $0.last }.map(\.n)
        var ends: [Int64] = []
        for (index, span) in chosen.enumerated() {
            let first = span.firstFree ?? span.last
            // Fewer than asked for: the span has no more tasks of this lane, so the block takes its whole rest.
            let end = loaded[index] < count ? span.last : lastLoaded[index] ?? span.last
            ends.append(end)
            if first > span.next {
                left.append(
                    SpanRange(
                        slot: span.slot, first: TaskID(span.next), last: TaskID(first - 1), fresh: span.fresh,
                        since: span.since))
            }
            if end >= span.last { dropped.append(span.n) } else { moved.append((span.n, end + 1)) }
            claim.cursor.positions[span.n] = end + 1
        }
        if !dropped.isEmpty {
            writes.append(Query(FeedStatements.deleteSpans, .int8(lane.rawValue), .int8Array(dropped)))
        }
        if !moved.isEmpty {
            writes.append(
                Query(
                    FeedStatements.appendPositions, .int8(lane.rawValue), .int8Array(moved.map(\.n)),
                    .int8Array(moved.map(\.next))))
        }
        writes.append(
            Query(
                FeedStatements.insertBlocks, .int8(coordinator.rawValue), .int8(lane.rawValue),
                .int2Array(chosen.map(\.slot)), .int8Array(chosen.map { $0.firstFree ?? $0.last }),
                .int8Array(ends), .boolArray(chosen.map(\.fresh)),
                .timestamptzArray(chosen.map(\.since.microseconds))))
        let blocksAt = writes.count - 1
        if needsTouched || chosen.contains(where: { !$0.fresh }) {
            writes.append(
                Query(FeedStatements.touched, .int8Array(claim.contents.keys.map(\.rawValue))))
        }
        let touchedAt = writes.count > blocksAt + 1 ? blocksAt + 1 : nil
        if !left.isEmpty { writes.append(insertSpans(lane: lane, left)) }
        writes.append(Query(FeedStatements.commit))
        let written = try await connection.pipeline(writes)
        for (row, span) in zip(written[blocksAt], chosen) {
            claim.blocks.append(
                ClaimedBlock(id: try row.int8(0), slot: span.slot, fresh: span.fresh, since: span.since))
        }
        if let touchedAt {
            claim.touched = try written[touchedAt].map { (TaskID(try $0.int8(0)), PersonID(try $0.int8(1))) }
        }
        if !left.isEmpty {
            // What was left before the claimed part holds nothing for this person: that is why it was passed over.
            for row in written[written.count - 2] { claim.cursor.positions[try row.int8(0)] = .max }
        }
    }

    private func finish(lane: LaneID, drop: [Int64]) async throws {
        var queries: [Query] = []
        if !drop.isEmpty { queries.append(Query(FeedStatements.deleteSpans, .int8(lane.rawValue), .int8Array(drop))) }
        queries.append(Query(FeedStatements.commit))
        _ = try await connection.pipeline(queries)
    }

    /// Raises the floor over the oldest spans that hold nothing for the person and forgets positions below it.
    private func raiseFloor(_ spans: [OpenSpan], _ cursor: inout LookCursor) {
        for span in spans {
            guard span.isExhausted, span.firstFree == nil else { break }
            cursor.floor = span.n
        }
        let floor = cursor.floor
        cursor.positions = cursor.positions.filter { $0.key > floor }
    }
}
