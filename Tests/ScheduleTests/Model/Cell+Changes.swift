import Coordinator
import PlimsollModel

/// What a worker was told of the leases that it declined, gave back, parked or wanted for longer.
extension Cell {
    func checkChange(
        _ hand: Int, _ kind: Action.ChangeKind, _ reference: LeaseReference, _ change: LeaseChange,
        _ situation: Situation, _ before: CellState, isAlone: Bool
    ) {
        let person = person(ofHand: hand)
        guard let earlier = before.leases[reference.fence], earlier.person == person.id, earlier.task == reference.task
        else {
            if change.state != .unknown { fail("P4", "\(kind) of another's lease: \(change.state)") }
            return
        }
        guard let lease = state.leases[reference.fence] else { return }
        count("changes \(kind.rawValue) \(change.state)")
        switch change.state {
        case .declined, .released:
            let how = change.state == .declined ? "declined" : "released"
            if lease.state != .ended(how) { fail("P12", "\(how), and it is \(lease.state): \(lease)") }
        case .parked:
            // Word of a park that a deadline made may come just before the answer, and what is parked can be given
            // back.
            let isGivenBack =
                kind == .decline && lease.state == .ended("declined")
                || kind == .release && lease.state == .ended("released")
            if case .parked = lease.state {
            } else if isAlone, !isGivenBack {
                fail("parking", "parked, and it is \(lease.state)")
            }
        case .held:
            if kind != .extend { fail("protocol", "\(kind) left it as it was") }
            guard earlier.state == .open, lease.state == .open else { return }
            if change.deadlineIn?.microseconds != lease.deadline - situation.now {
                fail("protocol", "told of \(String(describing: change.deadlineIn)): \(lease)")
            }
            if isAlone, lease.deadline <= earlier.deadline { fail("protocol", "longer, and it is not: \(lease)") }
            // The coordinator that told of the deadline knows the new one too.
            if let told = earlier.told, isRemembered(earlier),
                workers[told.hand].coordinator == workers[hand].coordinator
            {
                state.leases[reference.fence]?.told = (hand: told.hand, step: step, at: situation.now)
            }
        case .unchanged:
            guard isAlone, earlier.state == .open, lease.state == .open else { return }
            if kind == .park { checkNotParked(person, earlier, situation, before) }
            // Without the time that is left the database did not answer.
            if kind == .extend, change.deadlineIn != nil { checkNotExtended(earlier, situation) }
        case .unknown:
            if isAlone, earlier.state == .open, lease.state == .open {
                fail("P12", "unknown, and it is open: \(lease)")
            }
        }
    }

    private func checkNotParked(
        _ person: PersonModel, _ lease: LeaseModel, _ situation: Situation, _ before: CellState
    ) {
        let parked = before.parked(of: person.id).count
        let most =
            situation.current.compactMap { situation.policies[$0] }
            .map { person.limits(under: $0).parkedLeases ?? .max }.min() ?? .max
        let leased = lease.leasedBefore + max(0, min(situation.now, lease.deadline) - lease.granted)
        let life =
            situation.current.compactMap { situation.policies[$0] }
            .map { person.limits(under: $0, in: before.project(lease.project)).leaseLifetime ?? .never / 2 }
            .min() ?? .never / 2
        if parked < most, leased + Limits.leastParked <= life {
            fail("parking", "not parked, with \(parked) of \(most) after \(leased / .second) s")
        }
    }

    // MARK: Longer

    /// What an open lease may be made.
    struct Longer {
        let deadline: Micros
        /// Whether a limit parks it there.
        let parks: Bool
    }

    /// What this lease may be made now, in each way in which that may be decided; nil: no longer than it is.
    private func longer(_ lease: LeaseModel, _ situation: Situation) -> [Longer?] {
        guard let person = state.person(lease.person), var project = state.project(lease.project),
            let lane = state.lane(lease.lane), let task = state.tasks[lease.task]
        else { return [] }
        // A pause lets what is open go on.
        project.state = .open
        var found: [Longer?] = []
        for version in situation.current {
            var judged = state.judge(
                person, lane, in: project, effort: task.effort, under: situation.policies[version] ?? .shipped,
                at: situation.now, leasedBefore: lease.leasedBefore + situation.now - lease.granted)
            // It is counted already, and goes up to a limit before which its estimate would not fit.
            judged.rules.subtract([.openLeases, .dayTasks, .limitTooNear])
            let isLonger =
                judged.rules.isEmpty && lease.deadline > situation.now && judged.deadline > lease.deadline
            found.append(isLonger ? Longer(deadline: judged.deadline, parks: judged.parks(at: judged.deadline)) : nil)
        }
        return found
    }

    /// Takes in a deadline that moved: up to the first moment at which something stands against it.
    func absorbExtension(
        _ row: Rows.Lease, _ lease: inout LeaseModel, _ actions: [Action], _ situation: Situation
    ) {
        let isAsked = actions.contains {
            if case .change(_, .extend, let asked) = $0 { asked.fence == row.fence } else { false }
        }
        if !isAsked || row.deadline <= lease.deadline { fail("ends", "a deadline moved: \(row), \(lease)") }
        count("extensions")
        let possible = longer(lease, situation).compactMap(\.self)
        let isUncertain = uncertain.contains(row.person)
        // Leased time that turned out to be none has moved limits on, never nearer.
        let right = possible.filter { isUncertain ? row.deadline <= $0.deadline : row.deadline == $0.deadline }
        if right.isEmpty {
            fail("P2", "made longer, to \(row.deadline) and not to one of \(possible.map(\.deadline)): \(lease)")
        }
        let parks = Set(right.map(\.parks))
        lease.parks = isUncertain || parks.count != 1 ? nil : parks.first
        lease.told = nil
        lease.deadline = row.deadline
        if lease.parks != false { expectWarning(of: row.fence, row.person, at: row.deadline) }
    }

    private func checkNotExtended(_ lease: LeaseModel, _ situation: Situation) {
        // Whether read-only mode makes anything longer is not promised.
        guard !uncertain.contains(lease.person), !situation.readOnly.contains(true) else { return }
        let possible = longer(lease, situation)
        if !possible.isEmpty, possible.allSatisfy({ $0 != nil }) {
            fail("section 9", "not made longer, and may be: \(possible.compactMap(\.self)), \(lease)")
        }
    }
}
