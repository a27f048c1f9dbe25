import Ledger
import PlimsollModel

/// Refusals that are kept, so that a person can read later why no work came: only when the deciding rule changes, and
/// at most one a person and minute. Kept seven days (`decision`).
extension Dispatcher {
    /// Has a refusal kept, unless it is known here that it is not to be. The database has the last word: what was kept
    /// in the last minute over another stream or by another coordinator is not known here, and `decision`'s statement
    /// looks. What is known saves a worker that asks again and again a commit each time.
    func note(_ refusal: Refusal, of state: PersonState, _ plan: inout FlushPlan) {
        // One a flush too, on however many streams; those of one person come one after another.
        guard plan.writes.decisions.person.last != state.person.rawValue else { return }
        if let latest = refused[state.person] {
            // What this coordinator granted is known; what another one did shows while it is held.
            let isGranted = state.held.values.contains { $0.stored.grantedAt > latest.at }
            if latest.rule == refusal.rule, !isGranted { return }
            if state.at - latest.at < FlushSession.refusalsApart { return }
        }
        plan.writes.decisions.person.append(state.person.rawValue)
        plan.writes.decisions.at.append(state.at.microseconds)
        plan.writes.decisions.rule.append(refusal.rule.rawValue)
        plan.writes.decisions.value.append(refusal.value)
        plan.writes.decisions.bound.append(refusal.limit)
        plan.writes.decisions.until.append(refusal.until.map(\.microseconds))
        plan.writes.decisions.scope.append(refusal.scope)
    }
}
