import PlimsollModel
import Postgres

extension Ledger {
    /// Fewest people whose figures may be shown together.
    static let smallGroup: Int64 = 5
    /// Windows of a rate, the smallest first: an hour, a day, a week.
    static let rateWindowHours: [Int32] = [1, 24, 168]

    /// How the queues stand, exactly and at most a second old, of one project or all. The cost does not depend on how
    /// many tasks there are, nor on how many pieces they are in. Throws `.notFound` for a project that does not exist.
    ///
    /// Measured with 10 million tasks in 200,000 spans, 20 projects, a week of contributions by 6,500 people and 19,500
    /// open leases (PostgreSQL 15, 2 cores): the sums with the oldest age 0.3 ms (a minimum over all spans: 28 ms; with the index, while
    /// an old snapshot keeps 100,000 consumed spans: 33 ms), who contributed 0.1 ms, labels of a week 4 ms, the rest below
    /// 0.1 ms; 19 ms more where it takes a look at all 6,500 people to see that none is available.
    public func queueStatus(project name: String? = nil) async throws -> [QueueStatus] {
        let rows = try await read(Query(QueueStatements.status, .text(name ?? "")))
        if let name, rows.isEmpty { throw unknownProject(name) }
        var list: [QueueStatus] = []
        for row in rows { list.append(try await status(row)) }
        return list
    }

    private func status(_ row: Row) async throws -> QueueStatus {
        let id = try row.int8(0)
        let state = ProjectState(rawValue: try row.text(2)) ?? .closed
        let (slots, parked) = (try row.int8(3), try row.int8(5))
        var (leased, done) = (try row.int8(4), try row.int8(6))
        let (late, quarantined) = (try row.int8(7), try row.int8(8))
        let isCoarse = try await areFewAtWork(id, leased: leased)
        if isCoarse {
            // With few people at work the figures of the moment would tell what one of them does.
            let recent = try await read(Query(QueueStatements.sinceHour, .int8(id)))[0]
            leased -= try recent.int8(0)
            done -= try recent.int8(1)
        }
        // Of the same moment as the figures beside it: their difference must not tell what they leave out.
        let waiting = max(0, slots - leased - parked - done - quarantined)
        let oldest = try row.timestamptzOrNil(9).map { Moment(microseconds: $0) }
        let now = Moment(microseconds: try row.timestamptz(10))
        var reasons: [WaitingReason] = []
        if quarantined > 0 { reasons.append(.quarantined(quarantined, of: try row.text(1))) }
        if waiting > 0 {
            reasons += try await self.reasons(id, try row.text(1), state)
        }
        return QueueStatus(
            project: try row.text(1), state: state, waiting: waiting, leased: leased, parked: parked, done: done,
            late: late, quarantined: quarantined,
            oldestWaiting: waiting > 0 ? oldest.map { max(.zero, now - $0) } ?? .zero : .zero,
            rate: try await rate(id), isCoarse: isCoarse, reasons: reasons)
    }

    /// Over the smallest window to which enough people contributed; nil: there is none.
    private func rate(_ id: Int64) async throws -> QueueRate? {
        for hours in Self.rateWindowHours where try await contributors(id, hours: hours).count >= Self.smallGroup {
            let labels = try await read(Query(QueueStatements.labels, .int8(id), .int4(hours)))[0].int8(0)
            return QueueRate(
                labelsPerHour: Double(labels) / Double(hours), window: .seconds(Int(hours) * 3_600))
        }
        return nil
    }

    /// Different people who contributed lately, no more of them than a small group has.
    private func contributors(_ id: Int64, hours: Int32) async throws -> [Int64] {
        try await read(
            Query(QueueStatements.contributors, .int8(id), .int4(hours), .int8(Self.smallGroup))
        )[0].int8Array(0)
    }

    /// Whether somebody is at work and fewer than a small group are: those who contributed in this hour, or hold
    /// something.
    private func areFewAtWork(_ id: Int64, leased: Int64) async throws -> Bool {
        let recent = try await contributors(id, hours: 1)
        let missing = Self.smallGroup - Int64(recent.count)
        guard missing > 0, leased > 0 else { return missing > 0 && !recent.isEmpty }
        return try await holders(id, beside: recent, upTo: missing) < missing
    }

    private func holders(_ id: Int64, beside known: [Int64], upTo count: Int64) async throws -> Int64 {
        try await read(Query(QueueStatements.holders, .int8(id), .int8Array(known), .int8(count)))[0].int8(0)
    }

    /// Why slots wait. Of what is about people only the first that holds is said, so that no two together tell more
    /// than each, and where few are available nothing of who is connected: it would be the presence of one (P9, P10).
    private func reasons(_ id: Int64, _ name: String, _ state: ProjectState) async throws -> [WaitingReason] {
        switch state {
        case .paused: return [.paused(name)]
        case .closed: return [.closed]
        case .open: break
        }
        let row = try await read(Query(QueueStatements.obstacles, .int8(id)))[0]
        let lacking = try row.textArray(3)
        var list: [WaitingReason] = []
        if try !row.bool(0) { list.append(.noCoordinator) }
        if try row.bool(1) { list.append(.readOnly) }
        if !lacking.isEmpty { list.append(.noNotice(lacking)) }
        if try !row.bool(2) { list.append(.nobodyEnrolled(name)) }
        guard list.isEmpty else { return list }
        // Those with their hands full are no longer available, and are many.
        let someConnected = try row.boolOrNil(4)
        if someConnected == false, try await holders(id, beside: [], upTo: Self.smallGroup) >= Self.smallGroup {
            return [.allLeased]
        }
        let available = try await available(id)
        guard available > 0 else { return [.nobodyAvailable] }
        guard available >= Self.smallGroup else { return [.fewAvailable] }
        return switch someConnected {
        case true?: [.beingHandedOut]
        case false?: [.nobodyAvailable]
        case nil: [.nobodyConnected]
        }
    }

    /// How many of those enrolled, connected or not, could be asked at all; no more of them than a small group has.
    private func available(_ id: Int64) async throws -> Int64 {
        let limits = try await policy().parsed().limits
        return try await read(
            Query(
                EngineerStatements.available, .int8(limits.openLeases.map { Int64($0) }),
                .int8(limits.dayTasks.map { Int64($0) }), .int8(id), .int8(Self.smallGroup)))[0].int8(0)
    }
}
