/// What a person has worked, as far as limits look back: leased time that is over. Leases still open are no part of it.
public struct WorkHistory: Sendable, Hashable {
    /// Every stretch of the last `daysKept` days, of whatever kind.
    public private(set) var intervals = WorkIntervals()
    /// The same by kind, for the last `detailDays` days.
    public private(set) var kinds: [String: WorkIntervals] = [:]
    /// The same by severity, where it has a limit of its own: 2 and 3.
    public private(set) var severities: [Int: WorkIntervals] = [:]
    /// Totals of local dates whose intervals are not kept any more, oldest first. Of each moment either this or the
    /// intervals tell, never both.
    public var totals: [DayTotal] = []

    /// Longer than any rest rule looks back.
    public static let daysKept = 28
    /// An ISO week, wherever it begins, and a change of zone.
    public static let detailDays = 8

    public init() {}

    /// Leased time that has ended. An empty kind says that it is known no more, of what was long ago.
    public mutating func add(_ interval: WorkInterval, kind: String, severity: Int) {
        guard !interval.isEmpty else { return }
        intervals.add(interval)
        if !kind.isEmpty { kinds[kind, default: WorkIntervals()].add(interval) }
        if severity > 1 { severities[severity, default: WorkIntervals()].add(interval) }
    }

    /// Forgets what no limit looks at any more. Nothing that a mean over weeks needs may be forgotten while it is in no
    /// total, so only the details go.
    public mutating func forgetDetails(at now: Moment) {
        let limit = now - .hours(24 * Self.detailDays)
        for kind in kinds.keys { kinds[kind]?.forget(until: limit) }
        for severity in severities.keys { severities[severity]?.forget(until: limit) }
        kinds = kinds.filter { !$0.value.isEmpty }
        severities = severities.filter { !$0.value.isEmpty }
    }
}

/// Leased time of one local date.
public struct DayTotal: Sendable, Hashable, Codable {
    public var day: LocalDay
    public var worked: Duration

    public init(day: LocalDay, worked: Duration) {
        self.day = day
        self.worked = worked
    }
}
