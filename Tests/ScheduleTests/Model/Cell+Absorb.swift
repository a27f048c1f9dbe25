import PlimsollModel

/// Holding what the database says after a step against what may have happened in it.
extension Cell {
    /// A grant that the step made.
    struct NewGrant {
        var fence: Fence
        var policy: Int64?
        /// nil: it came and went within the step.
        var deadline: Micros?
        var leasedBefore: Micros = 0
        var isReturn = false
        /// A late answer: nothing is left to do.
        var isDone = false
    }

    func absorb(_ rows: Rows, _ actions: [Action], _ situation: Situation, before: CellState) {
        var grants: [NewGrant] = []
        let losses: Set = ["stream_lost", "unheard", "coordinator_lost"]
        uncertain = Set(rows.ends.filter { losses.contains($0.how) }.map(\.person))
        absorbConsents(rows.consents, actions, situation)
        absorbCommands(actions)
        for task in rows.tasks where state.tasks[task.id] == nil {
            guard let project = state.projects.first(where: { $0.lanes.contains { $0.id == task.lane } }) else {
                continue
            }
            state.tasks[task.id] = TaskModel(task, of: project.id)
        }
        for task in rows.closed { absorbClosed(task, situation) }
        for end in rows.ends.sorted(by: { ($0.how == "parked" ? 0 : 1) < ($1.how == "parked" ? 0 : 1) }) {
            absorb(end, rows, actions, situation, before, &grants)
        }
        for label in rows.labels { absorb(label, situation, before) }
        for label in rows.aside { absorbAside(label, situation, before) }
        for late in rows.late { absorb(late, situation) }
        for parked in rows.parked { absorb(parked, actions, situation) }
        for lease in rows.leases { absorb(lease, actions, situation, &grants) }
        compareHeld(rows)
        checkOverlap()
        for grant in grants { check(grant, situation, before) }
        checkCounts(grants.map(\.fence), situation, before)
        checkWithdrawn(situation)
    }

    func absorbConsents(_ rows: [Rows.Consent], _ actions: [Action], _ situation: Situation) {
        for row in rows.sorted(by: { $0.n < $1.n }) {
            guard let index = state.index(of: row.person) else { continue }
            let opens = row.state == "given" || row.state == "renewed"
            state.people[index].consents[row.purpose] = PersonModel.Consent(
                opens: opens, from: row.at, until: row.until ?? row.at)
            state.consentLog[row.person, default: []].append(row)
            if row.state == "withdrawn" {
                state.exclusions[row.person, default: []].append((row.purpose, row.n))
            }
            let isAsked = actions.contains { action in
                switch action {
                case .give(index, row.purpose): opens
                case .withdraw(index, row.purpose, _): !opens
                default: false
                }
            }
            if !isAsked { fail("P11", "a consent event that nobody asked for: \(row)") }
            if row.at != situation.now { fail("P8", "a consent event of another time: \(row)") }
        }
    }

    /// What commands of this cell made true, once they have returned.
    func absorbCommands(_ actions: [Action]) {
        for action in actions {
            switch action {
            case .leave(let person, let project): state.people[person].enrolled.remove(state.projects[project].id)
            case .enrol(let person, let project): state.people[person].enrolled.insert(state.projects[project].id)
            case .deny(let person): state.people[person].isDenied = true
            case .project(let project, let to): state.projects[project].state = to
            case .personal(let person, let limits, let opens):
                state.people[person].own = limits
                state.people[person].ownQuiet = opens ? .opened : .asTheyAre
            case .limits(let project, let limits): state.projects[project].own = limits
            default: break
            }
        }
    }

    func absorbClosed(_ id: TaskID, _ situation: Situation) {
        guard let task = state.tasks[id] else { return }
        state.tasks[id]?.isClosed = true
        count("quarantined")
        // The failure that closed it is in this step's history.
        let limits = situation.current.compactMap { situation.policies[$0]?.redelivery }
        guard let least = limits.min() else {
            return fail("section 9", "task \(id) was quarantined under a policy without quarantine")
        }
        if task.failures.count + 3 < least {
            fail("section 9", "task \(id) was quarantined after \(task.failures.count) failures of \(least)")
        }
    }
}
