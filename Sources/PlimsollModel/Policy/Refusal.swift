/// Why the gate leases nothing now: the structured answer that the worker shows, `me why` prints and history keeps.
public struct Refusal: Sendable, Hashable, Codable {
    /// The rule that decided.
    public let rule: Rule
    /// What was found, as text with its unit ("3", "none", "5m"); empty where there is nothing to measure.
    public let value: String
    /// What the rule allows, as text with its unit; empty where the rule is a plain yes or no.
    public let limit: String
    /// When to ask again: no later than this the answer may change by itself. Nil: it changes by an act, not by time.
    public let until: Moment?
    /// What the rule looked at: a purpose for agreements, a kind or a severity for their limits, the rule that is
    /// too near for `limit-too-near`. Nil: the person as a whole.
    public let scope: String?

    public init(rule: Rule, value: String, limit: String, until: Moment? = nil, scope: String? = nil) {
        self.rule = rule
        self.value = value
        self.limit = limit
        self.until = until
        self.scope = scope
    }

    /// As a value: the person's zone, in `scope`, is in no table of time zones.
    public static let unknownZone = "unknown zone"
    /// As a value: nobody was asked for their agreement to the purpose in `scope`, since no notice of it is in force.
    public static let noNotice = "no notice"

    /// The same in one sentence for the person it concerns; `until` is left to the screen, which knows the zone.
    public var sentence: String {
        switch rule {
        case _ where value == Self.unknownZone:
            "Your time zone “\(scope ?? "")” is not known here, so it cannot be told what day it is; set one that is: "
                + "plimsoll me zone NAME."
        case _ where value == Self.noNotice:
            "This work needs an agreement to \(scope ?? "its purpose"), and no notice of that is in force to agree to; "
                + "an operator publishes one: plimsoll notice publish FILE."
        case .agreement:
            "This work needs your agreement to \(scope ?? "its purpose") (now: \(value)); you decide, and no costs nothing."
        case .severityAgreement:
            "Harder material (\(scope ?? "severity")) comes only with your agreement (now: \(value)); no costs nothing."
        case .notEnrolled: "You are not enrolled in this project; its supervisor can tell you how people are chosen."
        case .denied: "Access under your name is stopped; an operator can tell you why and how to have it looked at."
        case .paused: "This project is paused; nothing is asked of you, and open tasks may be finished."
        case .openLeases where limit == "0":
            "You may have no open task now; plimsoll policy show --for NAME, with your name, shows the limit and whose it is."
        case .openLeases: "You have \(value) open tasks and may have \(limit) at once; finish or hand back one first."
        case .dayTime: "You have worked \(value) today; \(limit) is the most for a day."
        case .weekTime: "You have worked \(value) this week; \(limit) is the most for a week."
        case .dayTasks: "You have had \(value) tasks today; \(limit) is the most for a day."
        case .breakTime: "You have worked \(value) without a pause; time for a break of \(limit)."
        case .dailyRest: "Your rest between two days is \(limit); enjoy it."
        case .weeklyRest: "After work on \(value) days you have a rest of \(limit); enjoy it."
        case .quietHours: "These are quiet hours (\(limit)); only you can open them."
        case .kindDay:
            "You have spent \(value) on \(scope ?? "this kind") today; \(limit) is the most, then something else."
        case .kindWeek:
            "You have spent \(value) on \(scope ?? "this kind") this week; \(limit) is the most, then something else."
        case .severityDay where limit == DurationText.format(.zero):
            "Material of \(scope ?? "this severity") is handed out to nobody here."
        case .severityDay:
            "You have spent \(value) on \(scope ?? "harder material") today; \(limit) is the most for a day."
        case .sixHours: "After six hours comes a gap of \(limit)."
        case .weekAverage: "Your weeks average \(value); the law's mean is at most \(limit)."
        case .limitTooNear:
            "A task of about \(value) no longer fits: \(limit) are left\(scope.map { " before \($0)" } ?? "")."
        }
    }
}
