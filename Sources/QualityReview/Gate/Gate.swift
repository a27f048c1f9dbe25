public import PlimsollModel

/// The one place that decides what a person may be leased (P2). Pure: the same facts give the same answer anywhere.
public enum Gate {
    /// Decides for up to `want` leases from a lane at `now`, the database's clock read under the person's lock (P8).
    ///
    /// The checks run in a fixed order; the first that refuses gives the reason, so a person reads about consent
    /// before limits. A grant's count is the least and its deadline the earliest that any check allows. A `want`
    /// below 1 is granted a count of 0. Costs well below 1 µs without worked intervals.
    public static func decide(
        person: PersonFacts, lane: LaneAsk, limits: WorkloadLimits, now: Moment, want: Int
    ) -> GateAnswer {
        var count = max(0, want)
        var deadline = now + leaseLength(lane: lane, limits: limits)
        var bound: Rule?
        var again: Moment?
        var scope: String?
        for check in checks {
            switch check.find(person, lane, limits, now) {
            case .clear: continue
            case .refuses(let refusal): return GateAnswer(decision: .refused(refusal))
            case .allows(let most, let until, let opens, let place):
                count = min(count, most)
                if until < deadline {
                    deadline = until
                    bound = check.rule
                    again = opens
                    scope = place
                }
            }
        }
        let effort = Duration.seconds(min(max(0, lane.effortSeconds), effortSecondsMax))
        if now + effort > deadline {
            let refusal = Refusal(
                rule: .limitTooNear, value: DurationText.readable(effort),
                limit: DurationText.readable(deadline - now), until: again,
                scope: scope ?? bound?.rawValue ?? LeaseLength.scope)
            return GateAnswer(decision: .refused(refusal))
        }
        return GateAnswer(decision: .granted(count: count, deadline: deadline), bound: bound)
    }

    /// Far beyond any lease; larger estimates are cut to it so that no sum overflows.
    static let effortSecondsMax = 1_000_000

    /// Who may work here at all comes first, then what they agreed to, then how much.
    static let checks: [LimitCheck] = [
        .denied, .notEnrolled, .paused, .agreement, .openLeases, .dayTasks, .severityDay,
    ]

    private static func leaseLength(lane: LaneAsk, limits: WorkloadLimits) -> Duration {
        let length = LeaseLength.of(effortSeconds: lane.effortSeconds)
        return limits.leaseLifetime.map { min($0, length) } ?? length
    }
}
