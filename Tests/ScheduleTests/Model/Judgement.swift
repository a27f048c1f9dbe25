import PlimsollModel

/// The deployment's shared state during one step. Where a command and other operations ran at once, both states count.
struct Situation {
    var now: Micros
    /// Every policy there ever was, by version.
    var policies: [Int64: Limits]
    /// Those in force during the step; the last one is in force after it.
    var current: [Int64]
    var readOnly: Set<Bool> = [false]
    /// Coordinators that are gone.
    var gone: Set<Int64> = []

    var present: Limits { policies[current.last ?? 0] ?? .shipped }
}

/// What the model says of one person and one lane at one instant.
struct Judgement {
    var rules: Set<Rule> = []
    /// The latest deadline of a new lease.
    var deadline: Micros = .never
    /// The first moment a limit could be reached or an agreement ends.
    var bound: Micros = .never
    /// The first moment a limit could be reached.
    var limit: Micros = .never
    /// When a lease has had its lifetime.
    var lifetimeEnd: Micros = .never
    /// How many more leases the counting limits allow.
    var room = Int.max

    var isOpen: Bool { rules.isEmpty && room > 0 }

    /// Whether a lease that ends at `deadline` is parked there: a limit is reached, and enough of its lifetime is left.
    func parks(at deadline: Micros) -> Bool { deadline == limit && lifetimeEnd - deadline >= Limits.leastParked }
}

extension CellState {
    /// `effort`: of the task. `leasedBefore`: what a lease that comes back was open for already.
    func judge(
        _ person: PersonModel, _ lane: Layout.Lane, in project: ProjectModel, effort: Micros, under policy: Limits,
        at now: Micros, leasedBefore: Micros = 0
    ) -> Judgement {
        var result = Judgement()
        if person.isDenied { result.rules.insert(.denied) }
        if !person.enrolled.contains(project.id) { result.rules.insert(.notEnrolled) }
        if project.state != .open { result.rules.insert(.paused) }
        for purpose in project.purposes(of: lane) {
            if let consent = person.consents[purpose], consent.holds(at: now) {
                result.bound = min(result.bound, consent.until)
            } else {
                result.rules.insert(purpose.hasPrefix("severity-") ? .severityAgreement : .agreement)
            }
        }
        let limits = person.limits(under: policy, in: project)
        let open = open(of: person.id).count
        if let most = limits.openLeases {
            result.room = min(result.room, max(0, most - open))
            if open >= most { result.rules.insert(.openLeases) }
        }
        if let most = limits.dayTasks {
            let today = (person.labels[person.local.day(now)] ?? 0) + open
            result.room = min(result.room, max(0, most - today))
            if today >= most { result.rules.insert(.dayTasks) }
        }
        let time = TimeRules(
            stretches(of: person, at: now), kind: lane.kind, severity: lane.severity, limits: limits,
            local: person.local, declaredWeek: person.declaredWeek, at: now)
        result.rules.formUnion(time.rules)
        result.limit = time.bound
        result.bound = min(result.bound, time.bound)
        // Three times the effort estimate, at least 2 minutes, at most 50.
        result.deadline = min(result.bound, now + min(50 * .minute, max(2 * .minute, 3 * effort)))
        if let lifetime = limits.leaseLifetime {
            result.lifetimeEnd = now + lifetime - leasedBefore
            result.deadline = min(result.deadline, result.lifetimeEnd)
        }
        if result.rules.isEmpty, result.deadline < now + effort { result.rules.insert(.limitTooNear) }
        return result
    }

    /// The lanes that a person's work may come from.
    func visible(to person: PersonModel) -> [(ProjectModel, Layout.Lane)] {
        projects.filter { person.enrolled.contains($0.id) && $0.state != .closed }
            .flatMap { project in project.lanes.map { (project, $0) } }
    }

    /// Whether a lease must come: in some lane something is left, and nothing stands against the shortest of it, whatever
    /// lies before that.
    func mustGrant(_ person: PersonModel, under policy: Limits, at now: Micros) -> Bool {
        for (project, lane) in visible(to: person) {
            guard let effort = available(in: lane.id, for: person).map(\.effort).min() else { continue }
            if judge(person, lane, in: project, effort: effort, under: policy, at: now).isOpen { return true }
        }
        for lease in parked(of: person.id) {
            guard let project = project(lease.project), let lane = lane(lease.lane), let task = tasks[lease.task] else {
                continue
            }
            let judged = judge(
                person, lane, in: project, effort: task.effort, under: policy, at: now,
                leasedBefore: lease.leasedBefore)
            if judged.isOpen { return true }
        }
        return false
    }

    /// Every rule that holds in some lane that this person may see.
    func rules(against person: PersonModel, under policy: Limits, at now: Micros) -> Set<Rule> {
        visible(to: person).reduce(into: []) { rules, place in
            let effort = longestEffort(in: place.1.id, of: place.0)
            rules.formUnion(judge(person, place.1, in: place.0, effort: effort, under: policy, at: now).rules)
        }
    }
}
