/// Leased time by local date, for a person's own eyes: totals of dates and nothing smaller (P10).
public struct DayWork: Sendable, Hashable {
    public private(set) var days: [LocalDay: Duration] = [:]

    public init() {}

    /// The parts of these intervals on each local date from `first` on.
    public init(_ intervals: WorkIntervals, since first: LocalDay, in zone: Zone) {
        for interval in intervals.all {
            var start = max(interval.start, zone.start(of: first))
            while start < interval.end {
                let day = zone.bounds(at: start)
                let end = min(interval.end, day.end)
                days[day.day, default: .zero] += end - start
                start = end
            }
        }
    }

    /// Adds the total of a date of which the intervals are gone.
    public mutating func add(_ total: DayTotal) { days[total.day, default: .zero] += total.worked }
}

extension WorkIntervals {
    /// What lies in both.
    public func intersection(_ other: WorkIntervals) -> WorkIntervals {
        var common = WorkIntervals()
        var (mine, theirs) = (all[...], other.all[...])
        while let left = mine.first, let right = theirs.first {
            common.add(WorkInterval(start: max(left.start, right.start), end: min(left.end, right.end)))
            if left.end <= right.end { mine.removeFirst() } else { theirs.removeFirst() }
        }
        return common
    }
}
