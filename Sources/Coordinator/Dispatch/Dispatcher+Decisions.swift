import Ledger
import PlimsollModel

/// Refusals that are kept, so that a person can read later why no work came: only when the deciding rule changes, and
/// at most one a person and `apart`. Kept seven days (`decision`).
extension Dispatcher {
    static let decisionsApart = Duration.minutes(1)

    func note(_ refusal: Refusal, of state: PersonState, _ plan: inout FlushPlan) {
        let last = refused[state.person]
        if let last, last.rule == refusal.rule || state.at - last.at < Self.decisionsApart { return }
        plan.refused[state.person] = LastRefusal(rule: refusal.rule, at: state.at)
        plan.writes.decisions.person.append(state.person.rawValue)
        plan.writes.decisions.at.append(state.at.microseconds)
        plan.writes.decisions.rule.append(refusal.rule.rawValue)
        plan.writes.decisions.value.append(refusal.value)
        plan.writes.decisions.bound.append(refusal.limit)
        plan.writes.decisions.until.append(refusal.until.map(\.microseconds))
        plan.writes.decisions.scope.append(refusal.scope)
    }
}

/// The latest refusal of a person that was kept; the rule is nil once something was granted since.
struct LastRefusal: Sendable {
    var rule: Rule?
    var at: Moment
}
