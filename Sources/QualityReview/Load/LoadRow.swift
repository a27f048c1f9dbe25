public import PlimsollModel

/// One limit that holds for a person, how much of it is used, and when it would be reached.
public struct LoadRow: Sendable, Hashable {
    public enum Limit: Sendable, Hashable {
        case rule(Rule)
        /// Looked at when a lease is parked, not when one is granted.
        case parkedLeases
    }

    public let limit: Limit
    /// A kind, or "severity 2"; nil: all of the person's work.
    public let scope: String?
    public let gauge: Gauge
    /// The gate refuses by it now.
    public let isReached: Bool
    /// Of a limit that is reached: when it lets go; nil: by an act, not by time. Of another one: when it would be
    /// reached at the earliest, with leased time from now on without a gap; nil: not by time.
    public let changes: Moment?

    init(_ limit: Limit, scope: String? = nil, gauge: Gauge, isReached: Bool, changes: Moment? = nil) {
        self.limit = limit
        self.scope = scope
        self.gauge = gauge
        self.isReached = isReached
        self.changes = changes
    }

    /// What one check finds; nil where the limit does not hold or cannot be looked at.
    init?(_ check: LimitCheck, _ question: GateQuestion, scope: String? = nil) {
        switch check.find(question) {
        case .allows(_, let until, _, _, let gauge?):
            self.init(
                .rule(check.rule), scope: scope, gauge: gauge, isReached: false,
                changes: until == .distantFuture ? nil : until)
        case .refuses(let refusal, let gauge?):
            self.init(.rule(check.rule), scope: scope, gauge: gauge, isReached: true, changes: refusal.until)
        case .clear, .allows, .refuses: return nil
        }
    }

    /// The share of the limit that is used, in whole percent, rounding down: 100 exactly when it is reached.
    public var sharePercent: Int {
        guard !isReached else { return 100 }
        guard gauge.unit != .state, gauge.limit > 0 else { return 0 }
        // Sums of 17 weeks in microseconds are far from what a Double cannot tell apart by a percent.
        return max(0, min(99, Int(Double(gauge.used) / Double(gauge.limit) * 100)))
    }

    /// As it is called on the wire and on screens.
    public var name: String {
        switch limit {
        case .parkedLeases: "parked-leases"
        case .rule(let rule): rule.rawValue
        }
    }

    /// The keys in a policy document that set the limit, the one that says most first; empty: the law does.
    public var policyKeys: [String] {
        switch limit {
        case .rule(.breakTime): ["continuous-time", "break"]
        case .rule(.weeklyRest): ["weekly-rest", "weekly-rest-days"]
        case .rule(.severityDay): [scope == LimitCheck.severityScope(3) ? "severity-3-day" : "severity-2-day"]
        case .rule(.sixHours), .rule(.weekAverage): []
        case .rule, .parkedLeases: [name]
        }
    }
}
