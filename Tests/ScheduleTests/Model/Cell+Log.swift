import Coordinator
import PlimsollModel

/// What a failing schedule shows.
extension Cell {
    func note(_ step: Int, _ situation: Situation, _ actions: [Action], _ outcomes: [Outcome]) {
        for (action, outcome) in zip(actions, outcomes) {
            log.append("step \(step) at \(situation.now / .second): \(action) -> \(outcome.brief)")
        }
    }

    func noteState(_ situation: Situation) {
        log.append("policies \(situation.current): \(situation.present)")
        for person in state.people {
            log.append(
                "\(person.name): enrolled \(person.enrolled), agrees \(person.consents.filter { $0.value.opens }.keys.sorted()), "
                    + "own \(String(describing: person.own)), worked \(person.worked)")
        }
        for project in state.projects { log.append("\(project)") }
        for lease in state.leases.values.sorted(by: { $0.fence < $1.fence }) { log.append("\(lease)") }
    }

    /// Good answers that are about to be sent may become labels, whatever comes back.
    func expectAnswers(_ actions: [Action]) {
        for case .submit(let hand, let lease, let answer) in actions where Self.goodAnswers.contains(answer) {
            guard state.leases[lease.fence]?.person == person(ofHand: hand).id else { continue }
            state.sent[lease.fence, default: []].insert(answer)
        }
    }
}

extension Action {
    /// The same, where the model cannot say what must come.
    var withoutMust: Action {
        if case .want(let hand, let count, _) = self { .want(hand: hand, count: count, must: false) } else { self }
    }
}

extension Outcome {
    var brief: String {
        switch self {
        case .leases(let leases, let idle):
            "leases \(leases.map { "\($0.lease.task)/\($0.lease.fence) for \($0.deadlineIn), parks \($0.parks)" }) "
                + (idle.map {
                    "idle \($0.reason) \($0.refusal.map { "\($0.rule.rawValue) \($0.value) of \($0.limit)" } ?? "")"
                } ?? "")
        case .settled(let settlement): "\(settlement.outcome) \(settlement.message)"
        case .changed(let change): "\(change.state) \(change.deadlineIn.map { "\($0)" } ?? "") \(change.message)"
        case .connected(_, let kept, let lost): "connected, kept \(kept.map(\.lease.fence)), lost \(lost.map(\.fence))"
        default: "\(self)"
        }
    }
}
