public import PlimsollModel

/// Works out what policies would do and would have done, person by person, by asking the very gate.
///
/// Several documents at once: the one in force, the one proposed, and those that were planned earlier in the day, which
/// `Discretion` needs. Costs a decision for every lease of seven days, every stretch of four weeks and every step of
/// the coming week, for each document; people whose limits are the same under two of them are worked out once.
/// Measured, optimised: 2,000 people with 120 leases in the week and 180 stretches in the four weeks, two documents:
/// 9.5 s of one core, 2.4 ms for a person and document; 25 MB in the whole process, because of a person only figures
/// are kept.
///
/// Not counted, because what it would take is not kept: before the seven days kinds are known of one day or two, so up
/// to the first Monday replayed the limit on a kind a week refuses too little; before the twenty-seven there are hardly
/// more than totals of dates, so up to their first Monday the limit on a week does, and weekly rest up to the first gap
/// that is long enough. The law's mean over weeks has all it needs from the first day on.
public struct PolicyPlanner: Sendable {
    public static let leaseDays = 7
    /// Whole days. Leased time is kept for its days to the minute, so of the earliest of them some is gone when a plan
    /// is made, and more an hour later.
    public static let timeDays = WorkHistory.daysKept - 1

    /// A project, with what its lanes ask.
    public struct Project: Sendable {
        public var id: ProjectID
        public var lanes: [LaneAsk]

        public init(id: ProjectID, lanes: [LaneAsk]) {
            self.id = id
            self.lanes = lanes
        }
    }

    /// What is looked at. The same for all plans of an hour, so that nobody's minute can be told by asking twice.
    public struct Frame: Sendable {
        /// The instant of "now": the last full hour.
        public var now: Moment
        /// Where the days replayed end: the last midnight, UTC.
        public var midnight: Moment
        /// Those that are not closed.
        public var projects: [Project]
        /// Only this one; nil: all, and all together.
        public var only: ProjectID?

        public init(now: Moment, midnight: Moment, projects: [Project], only: ProjectID? = nil) {
            self.now = now
            self.midnight = midnight
            self.projects = projects
            self.only = only
        }

        var leaseDays: Range<Moment> { midnight - .hours(24 * PolicyPlanner.leaseDays)..<midnight }
        var timeDays: Range<Moment> { midnight - .hours(24 * PolicyPlanner.timeDays)..<midnight }
    }

    private let frame: Frame
    private var people: Int32 = 0
    /// What there is, whatever the policy.
    private(set) var given: [PlanCell: Contributions] = [:]
    /// By document.
    private(set) var plans: [[PlanCell: Contributions]]

    public init(_ frame: Frame, documents: Int) {
        self.frame = frame
        plans = Array(repeating: [:], count: documents)
    }

    /// Adds one person, each once, with their line under each document.
    public mutating func add(_ past: PersonPast, lines: [PlanLine]) {
        people += 1
        let known = Known(of: past, frame)
        for (cell, value) in known.given { given[cell, default: Contributions()].add(value, of: people) }
        var done: [PlanLine: [PlanCell: Int64]] = [:]
        for (index, line) in lines.enumerated() {
            let figures = done[line] ?? known.figures(under: line)
            done[line] = figures
            for (cell, value) in figures { plans[index][cell, default: Contributions()].add(value, of: people) }
        }
    }

    /// What may be shown of two of the documents, by their places; all are in the order in which they were planned.
    public func plan(_ discretion: Discretion, inForce: Int, proposed: Int) -> PolicyPlan {
        let view = PlanView(planner: self, discretion: discretion, inForce: inForce, proposed: proposed)
        let places = frame.only.map { [$0] as [ProjectID?] } ?? [nil] + frame.projects.map(\.id)
        let refused = view.rules(PlanCell.refused, .leases)
        let beyond = view.rules(PlanCell.beyond, .hours, unit: PlanView.hour)
        return PolicyPlan(
            capacity: places.map(view.capacity), leases: view.alone(.leases), refused: refused,
            refusedInAll: view.sum(of: refused), hours: view.alone(.hours, unit: PlanView.hour), beyond: beyond,
            beyondInAll: view.sum(of: beyond))
    }
}

/// One person's past, cut to what a frame looks at, once for all documents.
private struct Known {
    let past: PersonPast
    let frame: PolicyPlanner.Frame
    /// What there is, whatever the policy.
    private(set) var given: [PlanCell: Int64] = [:]
    private let now: PersonFacts
    private let projects: [PolicyPlanner.Project]
    private let beforeLeases: WorkHistory
    private let beforeTime: WorkHistory

    init(of past: PersonPast, _ frame: PolicyPlanner.Frame) {
        self.past = past
        self.frame = frame
        now = past.facts(at: frame.now)
        let enrolled = past.standing.denied ? [] : past.standing.enrolled
        projects = frame.projects.filter { enrolled.contains($0.id) && (frame.only ?? $0.id) == $0.id }
        beforeLeases = past.history(before: frame.leaseDays.lowerBound)
        beforeTime = past.history(before: frame.timeDays.lowerBound)
        for project in projects { given[.enrolled(project.id)] = 1 }
        if frame.only == nil, !projects.isEmpty { given[.enrolled(nil)] = 1 }
        let grants = past.grants.count {
            frame.leaseDays.contains($0.granted) && (frame.only ?? $0.lane.project) == $0.lane.project
        }
        if grants > 0 { given[.leases] = Int64(grants) }
        if isInScope {
            let seconds = TimeReplay.leased(by: past, in: frame.timeDays).microseconds / 1_000_000
            if seconds > 0 { given[.hours] = seconds }
        }
    }

    /// Whose time counts: with a project, of those enrolled there now, because time is kept without project.
    private var isInScope: Bool { frame.only == nil || !projects.isEmpty }

    func figures(under line: PlanLine) -> [PlanCell: Int64] {
        var figures: [PlanCell: Int64] = [:]
        func add(_ capacity: Capacity?, _ project: ProjectID?) {
            guard let capacity else { return }
            figures[.mayBeLeased(project)] = capacity.mayBeLeased ? 1 : 0
            figures[.today(project)] = capacity.today
            figures[.thisWeek(project)] = capacity.week
        }
        var last: Capacity?
        for project in projects {
            last = Capacity(of: now, in: project.lanes, under: line, now: frame.now)
            add(last, project.id)
        }
        if frame.only == nil, !projects.isEmpty {
            add(
                projects.count == 1
                    ? last : Capacity(of: now, in: projects.flatMap(\.lanes), under: line, now: frame.now), nil)
        }
        if given[.leases] != nil {
            let refused = LeaseReplay.refusals(
                of: past, under: line, in: frame.leaseDays, project: frame.only, before: beforeLeases)
            for (rule, count) in refused { figures[.refused(rule)] = count }
        }
        if given[.hours] != nil {
            let beyond = TimeReplay.beyond(of: past, under: line.base, in: frame.timeDays, before: beforeTime)
            for (rule, seconds) in beyond { figures[.beyond(rule)] = seconds }
        }
        return figures
    }
}

/// Picks cells out of a planner as they may be shown.
private struct PlanView {
    static let hour: Int64 = 3_600

    let planner: PolicyPlanner
    let discretion: Discretion
    let inForce: Int
    let proposed: Int

    func capacity(_ project: ProjectID?) -> PolicyPlan.Capacity {
        let everybody = given(.enrolled(project))
        return PolicyPlan.Capacity(
            project: project, people: alone(.enrolled(project)),
            mayBeLeased: pair(.mayBeLeased(project), whole: everybody, group: everybody),
            hoursToday: pair(.today(project), group: everybody, unit: Self.hour),
            hoursThisWeek: pair(.thisWeek(project), group: everybody, unit: Self.hour))
    }

    /// What there is whatever the policy.
    func alone(_ cell: PlanCell, unit: Int64 = 1) -> ShownFigure {
        let all = given(cell)
        return discretion.figures(of: [all], whole: nil, group: all, unit: unit)[0]
    }

    func rules(
        _ cell: (Rule) -> PlanCell, _ whole: PlanCell, unit: Int64 = 1
    ) -> [PolicyPlan.Refused] {
        Rule.allCases.compactMap { rule in
            let figure = pair(cell(rule), whole: given(whole), group: given(whole), unit: unit)
            if case (.hidden, .hidden) = (figure.inForce, figure.proposed) { return nil }
            return PolicyPlan.Refused(rule: rule, figure: figure)
        }
    }

    /// Of what is shown anyway, so that it tells no more.
    func sum(of rules: [PolicyPlan.Refused]) -> PolicyPlan.Pair {
        func sum(_ side: KeyPath<PolicyPlan.Pair, ShownFigure>) -> ShownFigure {
            rules.map { $0.figure[keyPath: side] }.reduce(.hidden(.fewPeople)) { sum, figure in
                switch (sum, figure) {
                case (.about(let value, let step), .about(let more, let other)):
                    .about(value + more, step: max(step, other))
                case (.hidden, .about): figure
                case (_, .hidden): sum
                }
            }
        }
        return PolicyPlan.Pair(inForce: sum(\.inForce), proposed: sum(\.proposed))
    }

    private func given(_ cell: PlanCell) -> Contributions { planner.given[cell] ?? Contributions() }

    private func pair(
        _ cell: PlanCell, whole: Contributions? = nil, group: Contributions, unit: Int64 = 1
    ) -> PolicyPlan.Pair {
        let figures = discretion.figures(
            of: planner.plans.map { $0[cell] ?? Contributions() }, whole: whole, group: group, unit: unit)
        return PolicyPlan.Pair(inForce: figures[inForce], proposed: figures[proposed])
    }
}
