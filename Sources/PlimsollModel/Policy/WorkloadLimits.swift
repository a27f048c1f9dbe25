/// The line: what one person may be loaded with, as the gate is to apply it now. Nil always means no limit.
///
/// A value holds effective limits: the deployment's document, filled with the shipped defaults, tightened by team,
/// project and engineer.
public struct WorkloadLimits: Sendable, Hashable {
    /// Leases open at once, per person; parked ones do not count.
    public var openLeases: Int?
    /// Leased time per local date.
    public var dayTime: Duration?
    /// Leased time per ISO week in the person's zone.
    public var weekTime: Duration?
    /// Labels accepted plus leases open on a local date.
    public var dayTasks: Int?
    /// Leased time without a gap of `breakTime` or more.
    public var continuousTime: Duration?
    /// How long nothing is leased once `continuousTime` is reached.
    public var breakTime: Duration?
    /// Leased time one lease may reach, extensions included.
    public var leaseLifetime: Duration?
    /// Leases a person may have parked.
    public var parkedLeases: Int?
    /// How long a lease may stay parked.
    public var parkedTime: Duration?
    /// Time with nothing leased between two work periods; never below `LegalCeiling.dailyRest`.
    public var dailyRest: Duration?
    /// Time with nothing leased once work fell on `weeklyRestDays` local dates.
    public var weeklyRest: Duration?
    /// Local dates with leased time after which `weeklyRest` is due.
    public var weeklyRestDays: Int?
    /// Local hours in which nothing is leased unless the engineer opened them.
    public var quietHours: QuietHours?
    /// Leased time on one kind per local date.
    public var kindDay: Duration?
    /// Leased time on one kind per ISO week.
    public var kindWeek: Duration?
    /// Leased time on severity 2 per local date.
    public var severity2Day: Duration?
    /// Leased time on severity 3 per local date; zero means none at all.
    public var severity3Day: Duration?

    /// No limit at all: what a layer that says nothing adds.
    public init() {}

    /// How long a lease may stay parked where nothing says so.
    public static let parkedTimeByDefault = Duration.hours(72)

    /// The limits that hold where the deployment's document names none.
    public static let defaults: WorkloadLimits = {
        var limits = WorkloadLimits()
        limits.openLeases = 3
        limits.dayTime = .hours(4)
        limits.weekTime = .hours(20)
        limits.continuousTime = .minutes(50)
        limits.breakTime = .minutes(10)
        limits.leaseLifetime = .minutes(50)
        limits.parkedLeases = 3
        limits.parkedTime = parkedTimeByDefault
        limits.dailyRest = .hours(11)
        limits.weeklyRest = .hours(35)
        limits.weeklyRestDays = 6
        limits.quietHours = QuietHours(start: 20 * 60, end: 8 * 60)
        limits.kindDay = .hours(2)
        limits.kindWeek = .hours(12)
        limits.severity2Day = .minutes(60)
        limits.severity3Day = .zero
        return limits
    }()

    /// The limit on a day's leased time for a severity; nil: no limit, which severities 0 and 1 always have.
    public func severityDay(_ severity: Int) -> Duration? {
        switch severity {
        case ...1: nil
        case 2: severity2Day
        case 3: severity3Day
        default: .zero
        }
    }
}

/// Ceilings that stand in law and that no document can pass.
public enum LegalCeiling {
    /// Mean leased time a week over the last `weekAverageWeeks` ISO weeks.
    public static let weekAverage = Duration.hours(48)
    public static let weekAverageWeeks = 17
    /// After this much leased time comes a gap of `sixHoursGap`.
    public static let sixHours = Duration.hours(6)
    public static let sixHoursGap = Duration.minutes(20)
    /// Rest between two days.
    public static let dailyRest = Duration.hours(11)
}

extension Duration {
    /// Exactly 60 seconds each, whatever the calendar says.
    public static func minutes(_ count: Int) -> Duration { .seconds(count * 60) }
    /// Exactly 3,600 seconds each.
    public static func hours(_ count: Int) -> Duration { .seconds(count * 3_600) }
}
