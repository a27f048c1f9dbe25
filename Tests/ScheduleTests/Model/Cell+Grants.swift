import PlimsollModel

/// What stood against each grant of the step: nothing.
extension Cell {
    /// P2: at this instant nothing stood against it, and its deadline is the first moment at which something would.
    func check(_ grant: NewGrant, _ situation: Situation, _ before: CellState) {
        guard let lease = state.leases[grant.fence], let lane = state.lane(lease.lane),
            let task = state.tasks[lease.task], let after = state.person(lease.person),
            let earlier = before.person(lease.person)
        else { return fail("harness", "a grant to nobody: \(grant)") }
        count(grant.isReturn ? "returns" : "grants")
        if !situation.readOnly.contains(false) { fail("P2", "granted in read-only mode: \(lease)") }
        if let policy = grant.policy, policy != 0, !situation.current.contains(policy) {
            fail("P2", "granted under policy \(policy) and not \(situation.current): \(lease)")
        }
        if earlier.never.contains(lease.task) { fail("P9", "asked again after a no: \(lease)") }
        // What somebody has parked stays theirs, whatever becomes of the other slots.
        if !grant.isReturn, state.tasks[lease.task]?.isClosed == true, before.tasks[lease.task]?.isClosed == true {
            fail("section 9", "a closed task was granted: \(lease)")
        }
        var people = [after]
        // Where this step changed something about person or project, either side of the change may have decided.
        if !after.stands(like: earlier) {
            var other = after
            (other.consents, other.enrolled, other.isDenied) = (earlier.consents, earlier.enrolled, earlier.isDenied)
            (other.own, other.ownQuiet) = (earlier.own, earlier.ownQuiet)
            people.append(other)
        }
        var projects = [state.project(lease.project), before.project(lease.project)].compactMap(\.self)
        if projects.count == 2, projects[0].state == projects[1].state, projects[0].own == projects[1].own {
            projects.removeLast()
        }
        let versions = grant.policy.flatMap { $0 == 0 ? nil : [$0] } ?? situation.current
        var found: [String] = []
        // By each way in which this deadline may have come about.
        var parks: Set<Bool> = []
        for person in people {
            for project in projects {
                for version in versions {
                    let policy = situation.policies[version] ?? .shipped
                    var judged = state.judge(
                        person, lane, in: project, effort: task.effort, under: policy, at: situation.now,
                        leasedBefore: grant.leasedBefore)
                    // Counted apart, because this lease is among them now.
                    judged.rules.subtract([.openLeases, .dayTasks])
                    if judged.rules.isEmpty, judged.deadline < situation.now + task.effort, !grant.isReturn {
                        judged.rules.insert(.limitTooNear)
                    }
                    if grant.isReturn || grant.isDone { judged.rules.remove(.limitTooNear) }
                    guard judged.rules.isEmpty else {
                        found.append("\(judged.rules.map(\.rawValue).sorted())")
                        continue
                    }
                    guard let deadline = grant.deadline else { return }
                    if deadline == judged.deadline {
                        parks.insert(judged.parks(at: deadline))
                    } else if grant.isReturn, deadline <= judged.bound {
                        parks.formUnion([false, true])
                    } else {
                        found.append("deadline \(deadline) and not \(judged.deadline)")
                    }
                }
            }
        }
        if let deadline = grant.deadline, !parks.isEmpty {
            if uncertain.contains(lease.person) { parks = [false, true] }
            state.leases[grant.fence]?.parks = parks.count == 1 ? parks.first : nil
            if parks.contains(true) { expectWarning(of: grant.fence, lease.person, at: deadline) }
            return
        }
        fail("P2", "granted against \(Set(found).sorted()): \(lease)")
    }

    /// P7: after the last grant of a step only ends come, so what is counted at its end was never more at that grant.
    func checkCounts(_ fences: [Fence], _ situation: Situation, _ before: CellState) {
        for id in Set(fences.compactMap { state.leases[$0]?.person }) {
            guard let person = state.person(id), let earlier = before.person(id) else { continue }
            let open = state.open(of: id).count
            let today = open + (person.labels[person.local.day(situation.now)] ?? 0)
            let limits = situation.current.compactMap { situation.policies[$0] }
                .flatMap { [person.limits(under: $0), earlier.limits(under: $0)] }
            if !limits.contains(where: { open <= $0.openLeases ?? .max }) {
                fail("P7", "\(person.name) holds \(open) leases after a grant")
            }
            if !limits.contains(where: { today <= $0.dayTasks ?? .max }) {
                fail("P7", "\(person.name) has \(today) tasks that day after a grant")
            }
        }
    }

    /// P3: whatever ran beside it, nothing is held under a purpose that was taken back.
    func checkWithdrawn(_ situation: Situation) {
        for lease in state.leases.values {
            switch lease.state {
            case .open, .parked: break
            default: continue
            }
            guard let person = state.person(lease.person) else { continue }
            for purpose in state.purposes(of: lease.lane, lease.project)
            where person.consents[purpose]?.isNo == true {
                fail("P3", "held under \(purpose), which was taken back: \(lease)")
            }
            if person.isDenied { fail("P2", "held by somebody who is denied: \(lease)") }
            if !person.enrolled.contains(lease.project) { fail("P2", "held by somebody who left: \(lease)") }
            if state.project(lease.project)?.state == .closed { fail("P2", "held of a closed project: \(lease)") }
        }
    }
}
