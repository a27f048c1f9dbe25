import Coordinator
import PlimsollModel

/// What becomes of a lease at its deadline.
extension Cell {
    /// A limit parks what is open when it is reached, and what was to be parked though the limit has let go since; else
    /// the lease has lasted as long as it may, or its agreement has.
    func checkDeadline(
        _ end: Rows.End, _ lease: LeaseModel, _ lane: Layout.Lane, _ rows: Rows, _ actions: [Action],
        _ situation: Situation, _ before: CellState
    ) {
        // What somebody asked for in this step may have come first.
        guard ["parked", "limit", "expired"].contains(end.how), lease.isDue(at: situation.now),
            !actions.contains(where: { $0.lease?.fence == end.fence }), let person = state.person(end.person)
        else { return }
        // Long after, less is known of what was leased before; and of a lost stream, when it was noticed.
        let isUncertain = uncertain.contains(person.id) || situation.now > lease.deadline + 12 * .hour
        let lapses = lapses(of: lease, situation, before)
        var allowed: Set<String> = []
        for limits in limits(of: lease, situation, before) {
            let time = TimeRules(
                state.stretches(of: person, at: lease.deadline), kind: lane.kind, severity: lane.severity,
                limits: limits, local: person.local, declaredWeek: person.declaredWeek, at: lease.deadline)
            let parking = endsAtLimit(lease, limits, rows, before)
            if isUncertain || !time.rules.isEmpty { allowed.formUnion(parking) }
            guard isUncertain || time.rules.isEmpty else { continue }
            if lapses.contains(true) { allowed.insert("limit") }
            guard lapses.contains(false) else { continue }
            if lease.parks != false { allowed.formUnion(parking) }
            if lease.parks != true || !isRemembered(lease) { allowed.insert("expired") }
        }
        if !allowed.contains(end.how) {
            fail("section 9", "\(end.how) at its deadline, and not \(allowed.sorted()): \(lease)")
        }
    }

    /// Whether the coordinator that told of a lease's deadline surely knows still what it told: it may forget when
    /// streams of that person come and go, and when something fails in it.
    func isRemembered(_ lease: LeaseModel) -> Bool {
        guard let told = lease.told else { return false }
        return told.step > forgotAt
            && workers.allSatisfy { $0.person != workers[told.hand].person || $0.movedAt < told.step }
    }

    /// The ends of a lease that a limit parks: parked, or over where no more may be parked or its lifetime is.
    private func endsAtLimit(
        _ lease: LeaseModel, _ limits: Limits, _ rows: Rows, _ before: CellState
    ) -> Set<String> {
        let leased = lease.leasedBefore + lease.deadline - lease.granted
        if let life = limits.leaseLifetime, life - leased < Limits.leastParked { return ["limit"] }
        guard let most = limits.parkedLeases else { return ["parked"] }
        // What else was parked, or was no more, in the same step came before or after.
        let earlier = Set(before.parked(of: lease.person).map(\.fence))
        let ends = rows.ends.filter { $0.person == lease.person && $0.fence != lease.fence }
        let stayed = earlier.intersection(rows.parked.map(\.fence)).subtracting(ends.map(\.fence))
        var allowed: Set<String> = []
        if stayed.count < most { allowed.insert("parked") }
        if earlier.count + ends.count(where: { $0.how == "parked" }) >= most { allowed.insert("limit") }
        return allowed
    }

    /// Whether an agreement that it needs had run out, at its deadline and when it ended: between the two both count.
    private func lapses(of lease: LeaseModel, _ situation: Situation, _ before: CellState) -> Set<Bool> {
        let purposes = state.purposes(of: lease.lane, lease.project)
        var lapses: Set<Bool> = []
        for person in [state.person(lease.person), before.person(lease.person)].compactMap(\.self) {
            for moment in [lease.deadline, situation.now] {
                lapses.insert(!state.agrees(person, to: purposes, at: moment))
            }
        }
        return lapses
    }

    /// The limits that may have held for a lease in this step.
    private func limits(of lease: LeaseModel, _ situation: Situation, _ before: CellState) -> [Limits] {
        var found: [Limits] = []
        for state in [state, before] {
            guard let person = state.person(lease.person) else { continue }
            for version in situation.current {
                let limits = person.limits(
                    under: situation.policies[version] ?? .shipped, in: state.project(lease.project))
                if !found.contains(limits) { found.append(limits) }
            }
        }
        return found
    }
}
