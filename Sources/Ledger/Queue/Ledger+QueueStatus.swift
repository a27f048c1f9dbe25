import PlimsollModel
import Postgres

extension Ledger {
    /// Windows of a rate, the smallest first: an hour, a day, a week.
    static let rateWindowHours: [Int32] = [1, 24, 168]

    /// How the queues stand, exactly and at most a second old, of one project or all; `outlook` asks the gate where
    /// that matters. The cost does not depend on how many tasks there are, nor on how many pieces they are in. Throws
    /// `.notFound` for a project that does not exist.
    ///
    /// P9: where few people are at work every figure that somebody's work moves is as of the last full hour, the rate
    /// and the age of what waits too; beside a single one of this minute the others would tell.
    ///
    /// Measured with 10 million tasks in 200,000 spans, 20 projects, a week of contributions by 6,500 people and 19,500
    /// open leases (PostgreSQL 15, 2 cores): the sums with the oldest age 0.3 ms (a minimum over all spans: 28 ms; with
    /// the index, while an old snapshot keeps 100,000 consumed spans: 33 ms), who contributed 0.1 ms, labels of a week
    /// 4 ms, the rest below 0.1 ms; what `outlook` costs, it says itself.
    public func queueStatus(project name: String? = nil, outlook: any QueueOutlook) async throws -> [QueueStatus] {
        let rows = try await read(Query(QueueStatements.status, .text(name ?? "")))
        if let name, rows.isEmpty { throw unknownProject(name) }
        let k = try await smallestGroup()
        let switches = try await deployment()
        let everywhere = switches.isReadOnly ? [WaitingReason.readOnly(switches.reason)] : []
        var list: [QueueStatus] = []
        for row in rows { list.append(try await status(row, k, everywhere, outlook)) }
        return list
    }

    /// `everywhere`: what holds for the whole deployment.
    private func status(
        _ row: Row, _ k: Int64, _ everywhere: [WaitingReason], _ outlook: any QueueOutlook
    ) async throws -> QueueStatus {
        let id = try row.int8(0)
        let state = ProjectState(rawValue: try row.text(2)) ?? .closed
        let slots = try row.int8(3)
        var (leased, parked, done) = (try row.int8(4), try row.int8(5), try row.int8(6))
        var late = try row.int8(7)
        // Takes several people's doing, and nobody is given those tasks until somebody decides.
        let quarantined = try row.int8(8)
        var oldest = try row.timestamptzOrNil(9).map { Moment(microseconds: $0) }
        let isCoarse = try await areFewAtWork(id, k, leased: leased)
        if isCoarse {
            // With few people at work the figures of the moment would tell what one of them does.
            let recent = try await read(Query(QueueStatements.sinceHour, .int8(id)))[0]
            leased -= try recent.int8(0)
            parked -= try recent.int8(1)
            done -= try recent.int8(2)
            late -= try recent.int8(3)
            oldest = try await oldestOfHour(id, oldest)
        }
        // Of the same moment as the figures beside it: their difference must not tell what they leave out.
        let waiting = max(0, slots - leased - parked - done - quarantined)
        let now = Moment(microseconds: try row.timestamptz(10))
        var reasons: [WaitingReason] = []
        if quarantined > 0 { reasons.append(.quarantined(quarantined, of: try row.text(1))) }
        if waiting > 0 {
            reasons += try await self.reasons(id, try row.text(1), state, k, everywhere, outlook)
        } else {
            reasons += everywhere
        }
        return QueueStatus(
            project: try row.text(1), state: state, waiting: waiting, leased: leased, parked: parked, done: done,
            late: late, quarantined: quarantined,
            oldestWaiting: waiting > 0 ? oldest.map { max(.zero, now - $0) } : nil,
            rate: try await rate(id, k, isCoarse: isCoarse), isCoarse: isCoarse, reasons: reasons)
    }

    /// Over the smallest window of full hours, and of this one so far, to which enough people contributed; nil: there is
    /// none. Where few are at work the window ends with the last full hour.
    private func rate(_ id: Int64, _ k: Int64, isCoarse: Bool) async throws -> QueueRate? {
        for hours in Self.rateWindowHours
        where try await contributors(id, k, hours: hours, isCoarse: isCoarse).count >= k {
            let row = try await read(Query(QueueStatements.labels, .int8(id), .int4(hours), .bool(isCoarse)))[0]
            let seconds = try row.float8(1)
            return QueueRate(
                labelsPerHour: Double(try row.int8(0)) / seconds * 3_600, window: .seconds(Int(seconds)))
        }
        return nil
    }

    /// Different people who contributed lately, no more of them than a small group has.
    private func contributors(_ id: Int64, _ k: Int64, hours: Int32, isCoarse: Bool) async throws -> [Int64] {
        try await read(
            Query(QueueStatements.contributors, .int8(id), .int4(hours), .int8(k), .bool(isCoarse))
        )[0].int8Array(0)
    }

    /// Fewest people whose figures may be shown together, as the policy has it.
    private func smallestGroup() async throws -> Int64 {
        Int64(try await policy().parsed().oversight.groupOperations)
    }

    private func oldestOfHour(_ id: Int64, _ now: Moment?) async throws -> Moment? {
        try await read(
            Query(QueueStatements.oldestOfHour, .int8(id), .timestamptz(microseconds: now?.microseconds))
        )[0].timestamptzOrNil(0).map { Moment(microseconds: $0) }
    }

    /// Whether fewer than a small group are at work: those who contributed in this hour, or hold something. Nobody is
    /// few too: that one has begun must not show.
    private func areFewAtWork(_ id: Int64, _ k: Int64, leased: Int64) async throws -> Bool {
        let recent = try await contributors(id, k, hours: 0, isCoarse: false)
        let missing = k - Int64(recent.count)
        guard missing > 0, leased > 0 else { return missing > 0 }
        return try await holders(id, beside: recent, upTo: missing) < missing
    }

    /// Of these projects, or of all, those with few people at work.
    func projectsWithFewAtWork(_ name: String?) async throws -> [Int64] {
        let k = try await smallestGroup()
        var few: [Int64] = []
        for row in try await read(Query(QueueStatements.status, .text(name ?? ""))) {
            let id = try row.int8(0)
            if try await areFewAtWork(id, k, leased: try row.int8(4)) { few.append(id) }
        }
        return few
    }

    private func holders(_ id: Int64, beside known: [Int64], upTo count: Int64) async throws -> Int64 {
        try await read(Query(QueueStatements.holders, .int8(id), .int8Array(known), .int8(count)))[0].int8(0)
    }

    /// Why slots wait. Of what is about people only the first that holds is said, so that no two together tell more
    /// than each, and where few are available nothing of who is connected: it would be the presence of one (P9, P10).
    private func reasons(
        _ id: Int64, _ name: String, _ state: ProjectState, _ k: Int64, _ everywhere: [WaitingReason],
        _ outlook: any QueueOutlook
    ) async throws -> [WaitingReason] {
        switch state {
        case .paused: return [.paused(name)] + everywhere
        case .closed: return [.closed] + everywhere
        case .open: break
        }
        let row = try await read(Query(QueueStatements.obstacles, .int8(id)))[0]
        let lacking = try row.textArray(2)
        var list: [WaitingReason] = []
        if try !row.bool(0) { list.append(.noCoordinator) }
        list += everywhere
        if !lacking.isEmpty { list.append(.noNotice(lacking)) }
        if try !row.bool(1) { list.append(.nobodyEnrolled(name)) }
        // Of tasks and the policy, and so the same whoever is there.
        list += try await outlook.tooLong(in: ProjectID(id)).map { .tooLong($0) }
        guard list.allSatisfy({ $0.code == .tooLong }) else { return list }
        return list + [try await reasonOfPeople(ProjectID(id), someConnected: try row.boolOrNil(3), k, outlook)]
    }

    private func reasonOfPeople(
        _ id: ProjectID, someConnected: Bool?, _ k: Int64, _ outlook: any QueueOutlook
    ) async throws -> WaitingReason {
        // Those with their hands full are no longer available, and are many.
        if someConnected == false,
            try await holders(id.rawValue, beside: [], upTo: k) >= k
        {
            return .allLeased
        }
        let available = try await outlook.available(in: id, upTo: Int(k))
        guard available > 0 else { return .nobodyAvailable }
        guard available >= k else { return .fewAvailable }
        // Not whether somebody is connected who is not available: where one of few is not, that would be theirs (P9).
        return someConnected == true ? .beingHandedOut : .nobodyConnected
    }
}
