import PlimsollModel

/// What the model believes of one cell: everything in dictionaries, nothing clever.
struct CellState {
    var people: [PersonModel]
    var projects: [ProjectModel]
    var tasks: [TaskID: TaskModel] = [:]
    /// Every grant there ever was.
    var leases: [Fence: LeaseModel] = [:]
    /// Accepted answers that count.
    var labels: [Fence: Rows.Label] = [:]
    /// Accepted answers whose author withdrew and whose slot went to somebody else.
    var aside: [Fence: Rows.Label] = [:]
    var late: [Fence: Set<String>] = [:]
    /// Every answer that was sent under a fence and might count.
    var sent: [Fence: Set<String>] = [:]
    /// Withdrawals: up to which number of the person's, of which purpose.
    var exclusions: [PersonID: [(purpose: String, upTo: Int64)]] = [:]
    var consentLog: [PersonID: [Rows.Consent]] = [:]

    init(_ cell: Layout.Cell, _ layout: Layout) {
        people = cell.people.map { person in
            var model = PersonModel(
                id: person.id, name: person.name, local: LocalTime(person.zone), declaredWeek: person.declaredWeek,
                enrolled: Set(person.enrolled))
            for purpose in person.agreements {
                guard let notice = layout.notices[purpose] else { continue }
                model.consents[purpose] = PersonModel.Consent(
                    opens: true, from: layout.start, until: layout.start + notice.validity)
            }
            return model
        }
        projects = cell.projects.map {
            ProjectModel(
                id: $0.id, name: $0.name, overlap: $0.overlap, effort: Micros($0.effortSeconds) * .second,
                purposes: $0.purposes, lanes: $0.lanes)
        }
        for project in cell.projects {
            for task in project.tasks {
                tasks[task.id] = TaskModel(task, of: project.id)
            }
        }
    }

    func person(_ id: PersonID) -> PersonModel? { people.first { $0.id == id } }
    func index(of id: PersonID) -> Int? { people.firstIndex { $0.id == id } }
    func project(_ id: ProjectID) -> ProjectModel? { projects.first { $0.id == id } }

    func lane(_ id: LaneID) -> Layout.Lane? {
        for project in projects { if let lane = project.lanes.first(where: { $0.id == id }) { return lane } }
        return nil
    }

    func open(of person: PersonID) -> [LeaseModel] {
        leases.values.filter { $0.person == person && $0.state == .open }
    }

    func parked(of person: PersonID) -> [LeaseModel] {
        leases.values.filter { lease in
            if lease.person == person, case .parked = lease.state { true } else { false }
        }
    }

    /// All leased time of a person up to an instant; of several leases at once the union counts.
    func stretches(of person: PersonModel, at now: Micros) -> [Stretch] {
        person.worked
            + open(of: person.id).compactMap { lease in lane(lease.lane).map { lease.stretch($0, to: now) } }
    }

    /// Slots of a task that somebody holds or has answered.
    func taken(_ task: TaskID) -> Int {
        leases.values.count { lease in
            guard lease.task == task else { return false }
            switch lease.state {
            case .open, .parked: return true
            case .answered: return labels[lease.fence] != nil
            case .ended: return false
            }
        }
    }

    /// Whether a person has to do with a task already, or never again.
    func isTheirs(_ task: TaskID, _ person: PersonModel) -> Bool {
        person.never.contains(task)
            || leases.values.contains { lease in
                guard lease.task == task, lease.person == person.id else { return false }
                switch lease.state {
                case .open, .parked, .answered: return true
                case .ended: return false
                }
            }
    }

    /// Tasks of a lane with a slot for this person.
    func available(in lane: LaneID, for person: PersonModel) -> [TaskModel] {
        tasks.values.filter { task in
            guard task.lane == lane, !task.isClosed, let project = project(task.project) else { return false }
            return taken(task.id) < project.overlap && !isTheirs(task.id, person)
        }
    }

    /// The longest estimate in a lane: what fits with it fits whatever is found first.
    func longestEffort(in lane: LaneID, of project: ProjectModel) -> Micros {
        tasks.values.lazy.filter { $0.lane == lane }.map(\.effort).max() ?? project.effort
    }

    /// The purposes under which a lease of this lane stands.
    func purposes(of lane: LaneID, _ project: ProjectID) -> [String] {
        guard let lane = self.lane(lane), let project = self.project(project) else { return [] }
        return project.purposes(of: lane)
    }

    func agrees(_ person: PersonModel, to purposes: [String], at now: Micros) -> Bool {
        purposes.allSatisfy { person.consents[$0]?.holds(at: now) == true }
    }
}
