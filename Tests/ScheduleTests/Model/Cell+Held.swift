import Coordinator
import PlimsollModel

/// What is open and parked, and that nothing is gone without a trace.
extension Cell {
    func absorb(_ row: Rows.Parked, _ actions: [Action], _ situation: Situation) {
        guard let lease = state.leases[row.fence] else { return fail("P4", "parked without a lease: \(row)") }
        if case .parked(let until) = lease.state {
            if until != row.until { fail("parking", "the end of a park moved: \(row), \(lease)") }
            return
        }
        guard lease.state == .ended("parked") else { return fail("P4", "parked from nowhere: \(row), \(lease)") }
        state.leases[row.fence]?.state = .parked(until: row.until)
        let person = state.person(row.person)
        let fits = situation.current.contains { version in
            let limits = situation.policies[version].flatMap { person?.limits(under: $0) }
            return row.until == row.parkedAt + (limits?.parkedTime ?? 72 * .hour)
        }
        if !fits || row.parkedAt != situation.now && !lease.isAsBefore(at: row.parkedAt) {
            fail("parking", "parked for another time: \(row)")
        }
        let isAsked = actions.contains { $0.lease?.fence == row.fence }
        if row.atLimit ? isAsked && !lease.isDue(at: situation.now) : !isAsked {
            fail("parking", "who parked it is not kept: \(row), \(lease)")
        }
    }

    func absorb(
        _ row: Rows.Lease, _ actions: [Action], _ situation: Situation, _ grants: inout [NewGrant]
    ) {
        guard var lease = state.leases[row.fence] else {
            state.leases[row.fence] = LeaseModel(
                fence: row.fence, task: row.task, slot: row.slot, person: row.person, lane: row.lane,
                project: row.project, granted: row.granted, deadline: row.deadline, coordinator: row.coordinator,
                session: row.session, policy: row.policy)
            grants.append(NewGrant(fence: row.fence, policy: row.policy, deadline: row.deadline))
            if row.granted != situation.now { fail("P8", "granted at another time: \(row)") }
            return
        }
        defer { state.leases[row.fence] = lease }
        if lease.coordinator != row.coordinator { lease.told = nil }
        lease.coordinator = row.coordinator
        lease.session = row.session
        switch lease.state {
        case .open:
            if lease.deadline != row.deadline { absorbExtension(row, &lease, actions, situation) }
        case .parked, .ended("parked"):
            let firstGranted = row.granted - lease.leasedBefore
            if row.firstGranted != firstGranted { fail("parking", "its lifetime changed: \(row), \(lease)") }
            lease.state = .open
            lease.granted = row.granted
            lease.deadline = row.deadline
            lease.parks = nil
            lease.told = nil
            grants.append(
                NewGrant(
                    fence: row.fence, policy: nil, deadline: row.deadline, leasedBefore: lease.leasedBefore,
                    isReturn: true))
        default: fail("P4", "a fence that was used up is open again: \(row), \(lease)")
        }
    }

    /// Nothing is held, or gone, without a trace.
    func compareHeld(_ rows: Rows) {
        let open = Set(rows.leases.map(\.fence))
        let parked = Set(rows.parked.map(\.fence))
        for lease in state.leases.values {
            switch lease.state {
            case .open:
                if !open.contains(lease.fence) { fail("P12", "an open lease is gone without a trace: \(lease)") }
            case .parked:
                if !parked.contains(lease.fence) { fail("P12", "a parked lease is gone without a trace: \(lease)") }
            case .ended("parked"): fail("P12", "a lease was parked and is not: \(lease)")
            case .answered:
                if state.labels[lease.fence] == nil, state.aside[lease.fence] == nil {
                    fail("P5", "an answer was counted and is no label: \(lease)")
                }
            case .ended: break
            }
        }
    }

    /// P1, of what the model knows; the world asks the database the same.
    func checkOverlap() {
        struct Place: Hashable {
            var task: TaskID
            var slot: Int16
            var person: PersonID?
        }
        var seen: Set<Place> = []
        for lease in state.leases.values {
            switch lease.state {
            case .open, .parked: break
            case .answered where state.labels[lease.fence] != nil: break
            case .answered, .ended: continue
            }
            let overlap = state.project(lease.project)?.overlap ?? 0
            if lease.slot < 1 || lease.slot > overlap { fail("P1", "no such slot: \(lease)") }
            if !seen.insert(Place(task: lease.task, slot: lease.slot)).inserted {
                fail("P1", "a slot twice: \(lease)")
            }
            if !seen.insert(Place(task: lease.task, slot: 0, person: lease.person)).inserted {
                fail("P1", "twice one person's: \(lease)")
            }
        }
    }
}
