import PlimsollModel

/// How much of one limit is used, as the check that decides sees it.
public struct Gauge: Sendable, Hashable {
    public enum Unit: Sendable, Hashable {
        /// Leases, tasks or days.
        case count
        /// Microseconds.
        case time
        /// Nothing to measure: it holds now or it does not.
        case state
    }

    public let unit: Unit
    public let used: Int64
    public let limit: Int64
    /// Over how many weeks a mean is taken; both figures are sums over them. 1: no mean.
    public let over: Int

    init(used: Int, limit: Int) {
        unit = .count
        self.used = Int64(used)
        self.limit = Int64(limit)
        over = 1
    }

    init(used: Duration, limit: Duration, over: Int = 1) {
        unit = .time
        self.used = used.microseconds
        self.limit = limit.microseconds
        self.over = over
    }

    init(isFull: Bool) {
        unit = .state
        used = isFull ? 1 : 0
        limit = 1
        over = 1
    }

    /// Of a time: what is used, in the mean where there is one.
    public var usedTime: Duration { .microseconds(used / Int64(over)) }
    public var limitTime: Duration { .microseconds(limit / Int64(over)) }
}
