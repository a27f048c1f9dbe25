public import PlimsollModel

/// The one place that decides what a person may be leased (P2). Pure: the same facts give the same answer anywhere.
public enum Gate {
    /// Decides for up to `want` leases from a lane at `now`, the database's clock read under the person's lock (P8).
    ///
    /// Who may work here at all comes first, then what they agreed to: a person reads about consent before limits.
    /// Of several limits the one that lets go last gives the reason, so that its `until` is true; where none is reached,
    /// the same of those that are too near for a task. A grant's count is the least and its deadline the earliest that
    /// any check allows. A `want` below 1 is granted a count of 0.
    public static func decide(
        person: PersonFacts, lane: LaneAsk, limits: WorkloadLimits, now: Moment, want: Int
    ) -> GateAnswer {
        let answer = decideNow(person: person, lane: lane, limits: limits, now: now, want: want)
        guard case .refused(let refusal) = answer.decision, refusal.rule == .limitTooNear, refusal.until != nil,
            longestFit(kind: lane.kind, severity: lane.severity, limits: limits).longest < .seconds(lane.effortSeconds)
        else { return answer }
        // It fits nobody's day, so waiting does not help.
        return GateAnswer(decision: .refused(refusal.letting(go: nil)))
    }

    /// The same, but for whether waiting helps.
    static func decideNow(
        person: PersonFacts, lane: LaneAsk, limits: WorkloadLimits, now: Moment, want: Int
    ) -> GateAnswer {
        let question = GateQuestion(person: person, lane: lane, limits: limits, now: now)
        for check in standing {
            if case .refuses(let refusal, _) = check.find(question) { return GateAnswer(decision: .refused(refusal)) }
        }
        var count = max(0, want)
        let effort = lane.effort
        // However long the task: no lease is longer, and no limit is passed.
        var horizon = now + min(limits.leaseLifetime ?? LeaseLength.longest, LeaseLength.longest)
        var isLifetime = limits.leaseLifetime.map { $0 <= LeaseLength.longest } ?? false
        var rule: Rule?
        var refusal: Refusal?
        var tooNear = horizon < now + effort ? question.tooNear(effort, horizon, scope: LeaseLength.scope) : nil
        for check in checks {
            switch check.find(question) {
            case .clear: continue
            case .refuses(let found, _):
                if check.rule == .agreement { return GateAnswer(decision: .refused(found)) }
                if refusal.map({ found.outlasts($0) }) ?? true { refusal = found }
            case .allows(let most, let until, let again, let scope, _):
                count = min(count, most)
                if until < now + effort {
                    let found = question.tooNear(effort, until, again: again, scope: scope ?? check.rule.rawValue)
                    if tooNear.map({ found.outlasts($0) }) ?? true { tooNear = found }
                }
                // Where a limit parks at the very moment at which something else would end a lease, it is parked; but
                // not at the end of its lifetime.
                let isParked = until == horizon && !isLifetime && parks(at: check.rule) && !parks(at: rule)
                if until < horizon || isParked {
                    horizon = until
                    isLifetime = false
                    rule = check.rule
                }
            }
        }
        if let refusal = refusal ?? tooNear { return GateAnswer(decision: .refused(refusal)) }
        let full = now + LeaseLength.of(effortSeconds: lane.effortSeconds)
        return GateAnswer(
            decision: .granted(count: count, deadline: min(horizon, full)), bound: horizon < full ? rule : nil,
            horizon: LeaseHorizon(at: horizon, rule: rule))
    }

    /// The limit that a person has reached in a lane at `now`, whatever is open: at it a lease is parked and does not
    /// expire. Nil: none.
    public static func reached(
        person: PersonFacts, lane: LaneAsk, limits: WorkloadLimits, now: Moment
    ) -> Refusal? {
        let question = GateQuestion(person: person, lane: lane, limits: limits, now: now)
        var reached: Refusal?
        for check in overTime {
            if case .refuses(let found, _) = check.find(question), reached.map({ found.outlasts($0) }) ?? true {
                reached = found
            }
        }
        return reached
    }

    /// Whether a lease whose deadline `rule` brought forward is parked at it, and does not end.
    static func parks(at rule: Rule?) -> Bool { overTime.contains { $0.rule == rule } }

    /// Who may work here at all.
    static let standing: [LimitCheck] = [.denied, .notEnrolled, .paused]

    /// Limits on a person's time as a whole,
    static let onTime: [LimitCheck] = [
        .quietHours, .weeklyRest, .dailyRest, .weekAverage, .weekTime, .dayTime, .sixHours, .breakTime,
    ]
    /// and on time with one kind or severity.
    static let onTimeInLane: [LimitCheck] = [.kindWeek, .kindDay, .severityDay]
    /// Limits that a lease runs into by being open.
    private static let overTime = onTime + onTimeInLane

    /// What was agreed to, then how much. Where two limits let go at the same instant, the earlier one here gives the
    /// reason.
    private static let checks: [LimitCheck] = [.agreement, .knownZone] + overTime + [.dayTasks, .openLeases]
}
