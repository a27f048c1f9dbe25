/// The names of the rules that can keep a lease from a person, the same on the wire, in files and on screens.
///
/// The order is the one in which the design lists them, not the one in which the gate asks.
public enum Rule: String, Sendable, Hashable, Codable, CaseIterable {
    case agreement
    case notEnrolled = "not-enrolled"
    case denied
    case paused
    case openLeases = "open-leases"
    case dayTime = "day-time"
    case weekTime = "week-time"
    case dayTasks = "day-tasks"
    case breakTime = "break"
    case dailyRest = "daily-rest"
    case weeklyRest = "weekly-rest"
    case quietHours = "quiet-hours"
    case kindDay = "kind-day"
    case kindWeek = "kind-week"
    case severityDay = "severity-day"
    case severityAgreement = "severity-agreement"
    case sixHours = "six-hours"
    case weekAverage = "week-average"
    case limitTooNear = "limit-too-near"
}
