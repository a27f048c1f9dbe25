import PlimsollModel

/// How a plan's sentences speak of a rule and its limit.
enum PlanSentence {
    static func subject(_ rule: Rule, _ limits: WorkloadLimits) -> String {
        switch rule {
        case .openLeases: "the limit of \(count(limits.openLeases)) open leases"
        case .dayTime: "the \(hyphened(limits.dayTime)) limit on a day"
        case .weekTime: "the \(hyphened(limits.weekTime)) limit on a week"
        case .dayTasks: "the limit of \(count(limits.dayTasks)) tasks a day"
        case .breakTime: "the \(hyphened(limits.breakTime)) break after \(text(limits.continuousTime))"
        case .dailyRest: "the \(hyphened(limits.dailyRest)) rest between days"
        case .weeklyRest: "the \(hyphened(limits.weeklyRest)) weekly rest"
        case .quietHours: "quiet hours" + (limits.quietHours.map { " \($0)" } ?? "")
        case .kindDay: "the \(hyphened(limits.kindDay)) limit on one kind"
        case .kindWeek: "the \(hyphened(limits.kindWeek)) limit on one kind in a week"
        case .severityDay: "the limit on hard material a day"
        case .sixHours: "the law's gap after six hours"
        case .weekAverage: "the law's mean of 48 hours a week"
        case .limitTooNear: "a limit too near for one more task"
        case .agreement, .severityAgreement, .notEnrolled, .denied, .paused: "the rule \(rule.rawValue)"
        }
    }

    /// "2-hour", "50-minute"; without a limit of the document's own it is somebody's.
    private static func hyphened(_ limit: Duration?) -> String {
        guard let seconds = limit?.components.seconds else { return "narrower" }
        if seconds % 3_600 == 0 { return "\(seconds / 3_600)-hour" }
        return seconds % 60 == 0 ? "\(seconds / 60)-minute" : "\(seconds)-second"
    }

    private static func text(_ limit: Duration?) -> String { limit.map(DurationText.readable) ?? "work" }
    private static func count(_ limit: Int?) -> String { limit.map(String.init) ?? "fewer" }
}
