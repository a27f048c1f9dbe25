public import PlimsollModel

/// A person's load against every limit of theirs at one instant: what the checks of the gate find, row by row, so that
/// a screen and the gate cannot differ. Only for the person's own eyes.
public struct LoadLine: Sendable, Hashable {
    /// In the order in which documents name the limits; those that hold for nobody here are left out.
    public let rows: [LoadRow]
    public let pause: NextBreak?
    public let rest: RestClock

    /// `parked` counts leases that are set aside. Kinds on which time was leased are always told; `kinds` are further
    /// ones, which the person may be given.
    public init(of person: PersonFacts, parked: Int, limits: WorkloadLimits, kinds: Set<String> = [], now: Moment) {
        func question(kind: String = "", severity: Int = 0) -> GateQuestion {
            let lane = LaneAsk(
                project: ProjectID(0), kind: kind, severity: severity, effortSeconds: 0, purposes: [])
            return GateQuestion(person: person, lane: lane, limits: limits, now: now)
        }
        let whole = question()
        var rows: [LoadRow] = []
        func add(_ check: LimitCheck) { if let row = LoadRow(check, whole) { rows.append(row) } }
        [LimitCheck.openLeases, .dayTime, .weekTime, .dayTasks, .breakTime].forEach(add)
        if let most = limits.parkedLeases {
            rows.append(
                LoadRow(.parkedLeases, gauge: Gauge(used: parked, limit: most), isReached: parked >= most))
        }
        [LimitCheck.dailyRest, .weeklyRest, .quietHours].forEach(add)
        let worked = Set(person.worked.kinds.keys).union(person.openLeases.map(\.kind)).subtracting([""])
        for kind in worked.union(kinds).sorted() {
            for check in [LimitCheck.kindDay, .kindWeek] {
                guard let row = LoadRow(check, question(kind: kind), scope: kind) else { continue }
                if row.gauge.used > 0 || row.isReached || kinds.contains(kind) { rows.append(row) }
            }
        }
        for severity in [2, 3] {
            let scope = LimitCheck.severityScope(severity)
            if let row = LoadRow(.severityDay, question(severity: severity), scope: scope) { rows.append(row) }
        }
        [LimitCheck.sixHours, .weekAverage].forEach(add)
        self.rows = rows
        pause = NextBreak(whole, rows)
        rest = RestClock(whole)
    }

    /// Of the rows that are meant, the limit that working on without a gap would reach first; nil: none by time. One
    /// that is reached is not next.
    public func next(where isMeant: (LoadRow) -> Bool = { _ in true }) -> LoadRow? {
        rows.filter { !$0.isReached && $0.changes != nil && isMeant($0) }
            .min { ($0.changes ?? .distantFuture) < ($1.changes ?? .distantFuture) }
    }
}
