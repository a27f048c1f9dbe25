import PlimsollModel

/// What the model knows of one person.
struct PersonModel {
    struct Consent: Equatable {
        var opens: Bool
        var from: Micros
        var until: Micros
        /// Taken back or refused, and not merely past its end.
        var isNo: Bool { !opens }

        func holds(at now: Micros) -> Bool { opens && from <= now && now < until }
    }

    let id: PersonID
    let name: String
    let local: LocalTime
    let declaredWeek: Micros
    var enrolled: Set<ProjectID>
    var consents: [String: Consent] = [:]
    var isDenied = false
    /// What they set for themselves, nil: nothing.
    var own: Limits?
    var ownQuiet: OwnQuiet = .asTheyAre
    /// Leased time that is over.
    var worked: [Stretch] = []
    /// Labels accepted, by local date.
    var labels: [Int: Int] = [:]
    /// Tasks that this person is never asked again: declined, or answered and withdrawn.
    var never: Set<TaskID> = []

    enum OwnQuiet { case asTheyAre, opened }

    /// Whether a decision finds the same about them, their work and their labels left out.
    func stands(like other: PersonModel) -> Bool {
        consents == other.consents && enrolled == other.enrolled && isDenied == other.isDenied && own == other.own
            && ownQuiet == other.ownQuiet
    }

    /// The policy as it holds for this person; in a project with what was set for it, where one is named.
    func limits(under policy: Limits, in project: ProjectModel? = nil) -> Limits {
        var limits = [project?.own, own].compactMap(\.self).reduce(policy) { $0.tightened(by: $1) }
        if ownQuiet == .opened { limits.quietHours = nil }
        return limits
    }
}

struct ProjectModel {
    enum State: String { case open, paused, closed }

    let id: ProjectID
    let name: String
    let overlap: Int
    let effort: Micros
    let purposes: [String]
    var lanes: [Layout.Lane]
    var state = State.open
    /// What an operator set for it, nil: nothing.
    var own: Limits?

    /// What a lane of this project needs.
    func purposes(of lane: Layout.Lane) -> [String] {
        purposes + (lane.severity > 1 ? ["severity-\(lane.severity)"] : [])
    }
}

struct TaskModel {
    let id: TaskID
    let lane: LaneID
    let project: ProjectID
    let key: String
    let effort: Micros
    var isClosed = false
    /// Expiries and lost streams since the last label, by whom.
    var failures: [PersonID] = []

    init(_ task: Layout.Task, of project: ProjectID) {
        (id, lane, self.project, key, effort) = (task.id, task.lane, project, task.key, task.effort)
    }
}

/// One grant, from its first moment to whatever became of it.
struct LeaseModel {
    enum State: Equatable {
        case open
        case parked(until: Micros)
        case answered
        case ended(String)
    }

    let fence: Fence
    let task: TaskID
    let slot: Int16
    let person: PersonID
    let lane: LaneID
    let project: ProjectID
    var granted: Micros
    var deadline: Micros
    /// Leased before the present stretch, when it was parked in between.
    var leasedBefore: Micros = 0
    var coordinator: Int64
    var session: Int64
    var state = State.open
    /// The policy under which it was granted.
    var policy: Int64
    /// Whether a limit parks it at its deadline; nil: not certain.
    var parks: Bool?
    /// Which hand was told of its deadline, in which step and when; nil: none for certain.
    var told: (hand: Int, step: Int, at: Micros)?

    /// Whether its deadline and the grace after it are over.
    func isDue(at now: Micros) -> Bool { deadline < .never && now >= deadline + 5 * .second }

    /// Whether what ends or is parked at this moment is as if it had never come back from its park.
    func isAsBefore(at moment: Micros) -> Bool { leasedBefore > 0 && moment == granted }

    func stretch(_ lane: Layout.Lane, to now: Micros) -> Stretch {
        Stretch(from: granted, to: max(granted, min(deadline, now)), kind: lane.kind, severity: lane.severity)
    }
}
