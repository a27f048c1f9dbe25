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
    /// How many more leases the counting limits allow.
    var room = Int.max

    var isOpen: Bool { rules.isEmpty && room > 0 }
}

extension CellState {
    /// `leasedBefore`: what a lease that comes back was open for already.
    func judge(
        _ person: PersonModel, _ lane: Layout.Lane, in project: ProjectModel, under policy: Limits, at now: Micros,
        leasedBefore: Micros = 0
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
        let limits = person.limits(under: policy)
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
        result.bound = min(result.bound, time.bound)
        result.deadline = min(result.bound, now + project.leaseLength)
        if let lifetime = limits.leaseLifetime { result.deadline = min(result.deadline, now + lifetime - leasedBefore) }
        if result.rules.isEmpty, result.deadline < now + project.effort { result.rules.insert(.limitTooNear) }
        return result
    }

    /// The lanes that a person's work may come from.
    func visible(to person: PersonModel) -> [(ProjectModel, Layout.Lane)] {
        projects.filter { person.enrolled.contains($0.id) && $0.state != .closed }
            .flatMap { project in project.lanes.map { (project, $0) } }
    }

    /// Whether a lease must come: in some lane nothing stands against it and there is something to lease.
    func mustGrant(_ person: PersonModel, under policy: Limits, at now: Micros) -> Bool {
        for (project, lane) in visible(to: person) where judge(person, lane, in: project, under: policy, at: now).isOpen
        {
            if !available(in: lane.id, for: person).isEmpty { return true }
        }
        for lease in parked(of: person.id) {
            guard let project = project(lease.project), let lane = lane(lease.lane) else { continue }
            if judge(person, lane, in: project, under: policy, at: now, leasedBefore: lease.leasedBefore).isOpen {
                return true
            }
        }
        return false
    }

    /// Every rule that holds in some lane that this person may see.
    func rules(against person: PersonModel, under policy: Limits, at now: Micros) -> Set<Rule> {
        visible(to: person).reduce(into: []) { rules, place in
            rules.formUnion(judge(person, place.1, in: place.0, under: policy, at: now).rules)
        }
    }
}
