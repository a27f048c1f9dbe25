public import PlimsollModel

/// The longest estimate that is leased to anybody at all.
public struct LongestFit: Sendable, Hashable {
    /// Zero: none is.
    public var longest: Duration
    /// The limit that a longer one passes, as the policy names it.
    public var bound: String

    public init(longest: Duration, bound: String) {
        self.longest = longest
        self.bound = bound
    }
}

extension Gate {
    /// How long a task of a kind and severity may take to be leased to anybody under these limits: to somebody who has
    /// agreed to everything, has done nothing yet and has opened the quiet hours, on a Monday morning. The very gate is
    /// asked; a decision gets no kinder with a longer estimate, so the border is found by halving.
    public static func longestFit(kind: String, severity: Int, limits: WorkloadLimits) -> LongestFit {
        let (project, now) = (ProjectID(1), monday)
        var limits = limits
        // The engineer may open them, whatever the policy says.
        limits.quietHours = nil
        var person = PersonFacts(zone: "UTC", enrolled: [project])
        if let purpose = PurposeName.severity(severity) {
            person.agreements = [
                Agreement(
                    purpose: purpose, noticeID: "any", noticeVersion: 1, state: .given, from: now,
                    until: .distantFuture)
            ]
        }
        func refusal(_ seconds: Int) -> Refusal? {
            decideNow(
                person: person,
                lane: LaneAsk(
                    project: project, kind: kind, severity: severity, effortSeconds: seconds, purposes: []),
                limits: limits, now: now, want: 1
            ).refusal
        }
        var (fits, passes) = (0, Int(LeaseLength.longest.components.seconds) + 1)
        while passes - fits > 1 {
            let middle = (fits + passes) / 2
            if refusal(middle) == nil { fits = middle } else { passes = middle }
        }
        let reason = refusal(passes)
        // `limit-too-near` says which limit that is.
        let bound = reason.map { $0.rule == .limitTooNear ? $0.scope ?? $0.rule.rawValue : $0.rule.rawValue }
        return LongestFit(longest: .seconds(fits), bound: bound ?? LeaseLength.scope)
    }

    /// 2026-01-05 00:00 in UTC; a week and a day begin.
    private static let monday = Moment(microseconds: 1_767_571_200_000_000)
}
