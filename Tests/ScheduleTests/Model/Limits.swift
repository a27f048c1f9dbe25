/// The limits as the model has them: durations in microseconds, nil for none.
struct Limits: Sendable, Equatable {
    var openLeases: Int?
    var dayTime: Micros?
    var weekTime: Micros?
    var dayTasks: Int?
    var continuousTime: Micros?
    var breakTime: Micros?
    var leaseLifetime: Micros?
    var parkedLeases: Int?
    var parkedTime: Micros?
    var dailyRest: Micros?
    var weeklyRest: Micros?
    var weeklyRestDays: Int?
    /// Minutes after local midnight.
    var quietHours: ClockHours?
    var kindDay: Micros?
    var kindWeek: Micros?
    var severity2Day: Micros?
    var severity3Day: Micros?
    /// Deliveries that fail before a task is quarantined.
    var redelivery: Int?

    struct ClockHours: Sendable, Equatable {
        var from: Int
        var to: Int
    }

    /// What is shipped.
    static let shipped: Limits = {
        var limits = Limits()
        limits.openLeases = 3
        limits.dayTime = 4 * .hour
        limits.weekTime = 20 * .hour
        limits.continuousTime = 50 * .minute
        limits.breakTime = 10 * .minute
        limits.leaseLifetime = 50 * .minute
        limits.parkedLeases = 3
        limits.parkedTime = 72 * .hour
        limits.dailyRest = 11 * .hour
        limits.weeklyRest = 35 * .hour
        limits.weeklyRestDays = 6
        limits.quietHours = ClockHours(from: 20 * 60, to: 8 * 60)
        limits.kindDay = 2 * .hour
        limits.kindWeek = 12 * .hour
        limits.severity2Day = 60 * .minute
        limits.severity3Day = 0
        limits.redelivery = 5
        return limits
    }()

    /// Of its lifetime what is parked has at least so much left: with less its coming back would be of no use.
    static let leastParked: Micros = 30 * .second

    /// No document can set less.
    var restBetweenDays: Micros { max(11 * .hour, dailyRest ?? 0) }

    /// As a policy document, every key named.
    var document: String {
        """
        limits:
        \(lines(all: true).map { "  \($0)\n" }.joined())oversight:
          redelivery: \(redelivery.map(String.init) ?? "none")

        """
    }

    /// As a layer: the keys that say something.
    var layer: String { lines(all: false).map { "\($0)\n" }.joined() }

    private func lines(all: Bool) -> [String] {
        func count(_ key: String, _ value: Int?) -> String? { line(key, value.map(String.init)) }
        func time(_ key: String, _ value: Micros?) -> String? { line(key, value.map { "\($0 / .second)s" }) }
        func line(_ key: String, _ text: String?) -> String? {
            if let text { return "\(key): \(text)" }
            return all ? "\(key): none" : nil
        }
        return [
            count("open-leases", openLeases), time("day-time", dayTime), time("week-time", weekTime),
            count("day-tasks", dayTasks), time("continuous-time", continuousTime), time("break", breakTime),
            time("lease-lifetime", leaseLifetime), count("parked-leases", parkedLeases),
            time("parked-time", parkedTime), dailyRest.map { "daily-rest: \($0 / .second)s" },
            time("weekly-rest", weeklyRest), count("weekly-rest-days", weeklyRestDays),
            line("quiet-hours", quietHours.map { "\"\(Self.clock($0.from))-\(Self.clock($0.to))\"" }),
            time("kind-day", kindDay), time("kind-week", kindWeek), time("severity-2-day", severity2Day),
            time("severity-3-day", severity3Day),
        ].compactMap(\.self)
    }

    private static func clock(_ minutes: Int) -> String {
        let (hour, minute) = (minutes / 60, minutes % 60)
        return (hour < 10 ? "0" : "") + "\(hour):" + (minute < 10 ? "0" : "") + "\(minute)"
    }

    /// A layer only tightens: less work, longer rest.
    func tightened(by layer: Limits) -> Limits {
        func least<Value: Comparable>(_ left: Value?, _ right: Value?) -> Value? {
            guard let left, let right else { return left ?? right }
            return min(left, right)
        }
        func most(_ left: Micros?, _ right: Micros?) -> Micros? {
            guard let left, let right else { return left ?? right }
            return max(left, right)
        }
        var result = self
        result.openLeases = least(openLeases, layer.openLeases)
        result.dayTime = least(dayTime, layer.dayTime)
        result.weekTime = least(weekTime, layer.weekTime)
        result.dayTasks = least(dayTasks, layer.dayTasks)
        result.continuousTime = least(continuousTime, layer.continuousTime)
        result.breakTime = most(breakTime, layer.breakTime)
        result.leaseLifetime = least(leaseLifetime, layer.leaseLifetime)
        result.parkedLeases = least(parkedLeases, layer.parkedLeases)
        result.parkedTime = least(parkedTime, layer.parkedTime)
        result.dailyRest = most(dailyRest, layer.dailyRest)
        result.weeklyRest = most(weeklyRest, layer.weeklyRest)
        result.weeklyRestDays = least(weeklyRestDays, layer.weeklyRestDays)
        result.kindDay = least(kindDay, layer.kindDay)
        result.kindWeek = least(kindWeek, layer.kindWeek)
        result.severity2Day = least(severity2Day, layer.severity2Day)
        result.severity3Day = least(severity3Day, layer.severity3Day)
        // Half of a pair has the other half as it is shipped.
        if (result.continuousTime == nil) != (result.breakTime == nil) {
            result.continuousTime = result.continuousTime ?? Self.shipped.continuousTime
            result.breakTime = result.breakTime ?? Self.shipped.breakTime
        }
        if (result.weeklyRest == nil) != (result.weeklyRestDays == nil) {
            result.weeklyRest = result.weeklyRest ?? Self.shipped.weeklyRest
            result.weeklyRestDays = result.weeklyRestDays ?? Self.shipped.weeklyRestDays
        }
        return result
    }
}
