import PlimsollModel

/// Answers that became labels, that were taken out again, and that were kept late.
extension Cell {
    func absorb(_ label: Rows.Label, _ situation: Situation, _ before: CellState) {
        guard let index = state.index(of: label.person) else { return fail("harness", "a label of nobody: \(label)") }
        guard let lease = state.leases[label.fence], lease.task == label.task, lease.person == label.person else {
            return fail("P4", "a label without a lease: \(label)")
        }
        if state.sent[label.fence]?.contains(label.answer) != true {
            fail("P4", "a label with an answer that was not sent: \(label)")
        }
        let purposes = state.purposes(of: label.lane, label.project)
        let agreed =
            state.agrees(state.people[index], to: purposes, at: situation.now)
            || before.person(label.person).map { before.agrees($0, to: purposes, at: situation.now) } ?? false
        if !agreed { fail("P3", "a label without agreement: \(label)") }
        state.leases[label.fence]?.state = .answered
        if state.labels[label.fence] != nil { fail("P1", "two labels of one fence: \(label)") }
        state.labels[label.fence] = label
        state.people[index].labels[state.people[index].local.day(situation.now), default: 0] += 1
        state.tasks[label.task]?.failures = []
        count("labels")
    }

    /// Its author withdrew, and the slot goes to somebody else.
    func absorbAside(_ label: Rows.Label, _ situation: Situation, _ before: CellState) {
        // Accepted and taken out again since the last look.
        if state.labels[label.fence] == nil { absorb(label, situation, before) }
        guard let index = state.index(of: label.person) else { return }
        let purposes = state.purposes(of: label.lane, label.project)
        let isCovered = (state.exclusions[label.person] ?? []).contains {
            purposes.contains($0.purpose) && $0.upTo >= label.personN
        }
        if !isCovered { fail("P3", "a label was taken out that nobody withdrew: \(label)") }
        state.labels[label.fence] = nil
        state.aside[label.fence] = label
        state.people[index].never.insert(label.task)
        count("refilled")
    }

    func absorb(_ late: Rows.Late, _ situation: Situation) {
        // A withdrawal writes into the row that it discards; that is no new answer.
        if state.late[late.fence]?.contains(late.answer) == true { return }
        guard let person = state.person(late.person), let lease = state.leases[late.fence] else {
            return fail("P4", "a late answer without a lease: \(late)")
        }
        if state.sent[late.fence]?.contains(late.answer) != true {
            fail("P6", "a late answer that was not sent: \(late)")
        }
        // By the person's own numbers: what was said last before it arrived.
        for purpose in state.purposes(of: lease.lane, lease.project) {
            let log = (state.consentLog[late.person] ?? []).filter { $0.purpose == purpose }
            if let last = log.last(where: { $0.n < late.personN }) {
                if last.state != "given", last.state != "renewed" {
                    fail("P3", "a late answer was kept after \(last.state) of \(purpose): \(late)")
                }
            } else if log.isEmpty, person.consents[purpose]?.opens != true {
                fail("P3", "a late answer was kept without agreement to \(purpose): \(late)")
            }
        }
        state.late[late.fence, default: []].insert(late.answer)
        count("late answers")
    }
}
