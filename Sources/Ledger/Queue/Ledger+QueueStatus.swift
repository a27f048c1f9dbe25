import PlimsollModel
import Postgres

extension Ledger {
    /// Fewest people whose figures may be shown together.
    static let smallGroup: Int64 = 5
    /// Windows of a rate, the smallest first: an hour, a day, a week.
    static let rateWindowHours: [Int32] = [1, 24, 168]

    /// How the queues stand, exactly and at most a second old, of one project or all. The cost does not depend on how
    /// many tasks there are. Throws `.notFound` for a project that does not exist.
    public func queueStatus(project name: String? = nil) async throws -> [QueueStatus] {
        let rows = try await read(Query(QueueStatements.status, .text(name ?? "")))
        if let name, rows.isEmpty { throw unknownProject(name) }
        let available = Set(try await availableProjects())
        var list: [QueueStatus] = []
        for row in rows { list.append(try await status(row, available)) }
        return list
    }

    private func status(_ row: Row, _ available: Set<Int64>) async throws -> QueueStatus {
        let id = try row.int8(0)
        let state = ProjectState(rawValue: try row.text(2)) ?? .closed
        let (slots, parked) = (try row.int8(3), try row.int8(5))
        var (leased, done) = (try row.int8(4), try row.int8(6))
        let (late, quarantined) = (try row.int8(7), try row.int8(8))
        let waiting = max(0, slots - leased - parked - done - quarantined)
        var rate: QueueRate?
        for hours in Self.rateWindowHours {
            let figures = try await read(Query(QueueStatements.rate, .int8(id), .int4(hours)))[0]
            if try figures.int8(1) >= Self.smallGroup {
                rate = QueueRate(
                    labelsPerHour: Double(try figures.int8(0)) / Double(hours), window: .seconds(Int(hours) * 3_600))
                break
            }
        }
        let atWork = try await read(Query(QueueStatements.atWork, .int8(id)))[0].int8(0)
        let isCoarse = (1..<Self.smallGroup).contains(atWork)
        if isCoarse {
            // With few people at work the figures of the moment would tell what one of them does.
            let recent = try await read(Query(QueueStatements.sinceHour, .int8(id)))[0]
            leased -= try recent.int8(0)
            done -= try recent.int8(1)
        }
        let oldest = try row.timestamptzOrNil(9).map { Moment(microseconds: $0) }
        let now = Moment(microseconds: try row.timestamptz(10))
        var reasons: [WaitingReason] = []
        if waiting > 0 || quarantined > 0 {
            reasons = try await self.reasons(
                id, try row.text(1), state, waiting: waiting, quarantined: quarantined,
                isAvailable: available.contains(id))
        }
        return QueueStatus(
            project: try row.text(1), state: state, waiting: waiting, leased: leased, parked: parked, done: done,
            late: late, quarantined: quarantined,
            oldestWaiting: waiting > 0 ? oldest.map { max(.zero, now - $0) } ?? .zero : .zero, rate: rate,
            isCoarse: isCoarse, reasons: reasons)
    }

    private func reasons(
        _ id: Int64, _ name: String, _ state: ProjectState, waiting: Int64, quarantined: Int64, isAvailable: Bool
    ) async throws -> [WaitingReason] {
        var list: [WaitingReason] = []
        if quarantined > 0 {
            list.append(
                WaitingReason(
                    .quarantined,
                    "\(quarantined) slots are in quarantine: their tasks were handed out in vain too often",
                    "plimsoll task list --state quarantined, then plimsoll task requeue or task cancel"))
        }
        guard waiting > 0 else { return list }
        switch state {
        case .paused:
            list.append(WaitingReason(.paused, "the project is paused", "plimsoll project resume \(name)"))
            return list
        case .closed:
            list.append(WaitingReason(.closed, "the project is closed", "nothing: closing is for good"))
            return list
        case .open: break
        }
        let row = try await read(Query(QueueStatements.obstacles, .int8(id)))[0]
        if try row.int8(0) == 0 {
            list.append(WaitingReason(.noCoordinator, "no coordinator is running", "plimsoll serve, or plimsoll up"))
        }
        let lacking = try row.textArray(2)
        if !lacking.isEmpty {
            list.append(
                WaitingReason(
                    .noNotice, "no notice is in force for: \(lacking.joined(separator: ", "))",
                    "plimsoll notice publish: without a notice nobody can agree"))
        }
        if try row.int8(1) == 0 {
            list.append(
                WaitingReason(
                    .nobodyEnrolled, "nobody is enrolled", "plimsoll engineer enrol NAME --project \(name)"))
        } else if !isAvailable {
            // P9: how many are not available, and why, is nobody's business.
            list.append(
                WaitingReason(
                    .nobodyAvailable, "nobody who is enrolled is available now",
                    "wait, enrol others, or look at the limits: plimsoll policy show"))
        }
        if list.allSatisfy({ $0.code == .quarantined }) {
            list.append(
                WaitingReason(
                    .nobodyConnected, "people are available and none has asked for all of it yet",
                    "let them run plimsoll work"))
        }
        return list
    }

    /// Projects for which at least one person is available.
    private func availableProjects() async throws -> [Int64] {
        let limits = try await policy().parsed().limits
        return try await read(
            Query(
                EngineerStatements.availableProjects, .int8(limits.openLeases.map { Int64($0) }),
                .int8(limits.dayTasks.map { Int64($0) }))
        ).map { try $0.int8(0) }
    }
}
