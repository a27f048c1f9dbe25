import PlimsollModel

/// What one limit says to one ask.
enum LimitFinding {
    /// Does not apply.
    case clear
    /// At most `count` leases, none open later than `until`; `again` is when the limit lets go by itself after that.
    case allows(count: Int = .max, until: Moment = .distantFuture, again: Moment? = nil, scope: String? = nil)
    case refuses(Refusal)
}

/// One limit of the table in section 9 as a pure function. A new limit is a new value in `Gate.checks`.
struct LimitCheck: Sendable {
    let rule: Rule
    let find: @Sendable (PersonFacts, LaneAsk, WorkloadLimits, Moment) -> LimitFinding
}
