import Coordinator
import Ledger
import PlimsollModel
import TestSupport
import Testing

/// What a supervisor can read, at one instant, of everything that is read by many.
struct Look: Sendable, Equatable {
    /// How a list of tasks is asked for. A short one is cut off by what stands before it.
    struct TaskList: Sendable, Hashable, CaseIterable {
        var state: TaskState?
        var limit: Int

        static let whole = TaskList(state: nil, limit: 500)
        static let waiting = TaskList(state: .waiting, limit: 500)
        static let firstDone = TaskList(state: .done, limit: 1)
        static let allCases = [whole, waiting, TaskList(state: .waiting, limit: 2), firstDone]
    }

    let at: Moment
    /// How many deeds there were by then, and how many of them a coordinator had folded.
    let deeds: Int
    let folded: Int
    /// What was so of people, for holding the views against it: who is enrolled where, how many hold something, and for
    /// which projects the coordinator has workers at hand.
    let members: [String: [String]]
    let holders: [String: Int]
    let presence: [String: Bool]

    private(set) var statuses: [String: QueueStatus] = [:]
    private(set) var leases: [String: [LeaseRow]] = [:]
    private(set) var oldestLeases: [LeaseRow] = []
    private(set) var tasks: [String: [TaskList: [TaskRow]]] = [:]
    private(set) var words: [String: Bool] = [:]
    private(set) var teams: [TeamRow] = []
    private(set) var teamMembers: [String: [String]] = [:]
    private(set) var doctor: [DiagnosisRow] = []
    private(set) var digest: WeeklyDigest?
    private(set) var cords: [CordPause] = []
    private(set) var switches: [String] = []
    private(set) var throughput: [String: [LabelCount]] = [:]
    private(set) var refusals: Set<String> = []

    init(of week: MadeUpWeek) {
        at = week.now
        deeds = week.deeds.count
        folded = week.folded
        members = week.people
        holders = week.people.mapValues { _ in 0 }.merging(week.holders) { $1 }
        presence = week.presence
    }

    /// Everything of one project but the reasons of people, which follow from the words, and the age of what waits,
    /// which grows by the clock alone: it is the other figures' age that must not move beside it.
    func text(of project: String) -> [String] {
        guard let status = statuses[project] else { return [] }
        return [
            "\(status.waiting) \(status.leased) \(status.parked) \(status.done) \(status.late) \(status.quarantined)",
            "\(String(describing: status.rate)) \(String(describing: status.drain)) \(status.state) \(status.isCoarse)",
            "since \(String(describing: status.oldestWaiting.map { at - $0 }))",
            "\(leases[project] ?? [])",
        ] + TaskList.allCases.map { "\($0.limit) \(String(describing: $0.state)): \(tasks[project]?[$0] ?? [])" }
    }

    /// Everything that is of no one project.
    var common: [String] {
        [
            "\(teams)", "\(teamMembers.sorted { $0.key < $1.key })", "\(doctor)", digestText,
            "\(cords)", "\(switches)", "\(oldestLeases)",
        ]
    }

    /// Figure by figure, as a dictionary has no order.
    private var digestText: String {
        (digest?.rows ?? []).map { row in
            "\(row.project ?? "all"): "
                + WeeklyDigest.Figure.allCases.map { "\(row.cells[$0] ?? .hidden)" }.joined(separator: " ")
                + " \(row.declines)"
        }
        .joined(separator: "\n")
    }

    // MARK: Reading

    /// What `doctor` says of machines and connections, where every look differs.
    private static let notOfPeople: Set = [
        "database", "server", "durability", "replication", "clock", "coordinator's clock", "oldest transaction",
    ]

    mutating func read(_ view: SupervisorView, of week: MadeUpWeek, _ availability: Availability) async throws {
        let ledger = week.deployment.ledger
        switch view {
        case .queueStatus:
            for status in try await availability.queueStatus() { statuses[status.project] = status }
        case .leases:
            for project in members.keys {
                leases[project] = try await ledger.leases(project: project, limit: 500, hidingFew: true)
            }
            oldestLeases = try await ledger.leases(limit: 3, hidingFew: true)
        case .tasks:
            for project in members.keys {
                for list in TaskList.allCases {
                    tasks[project, default: [:]][list] = try await ledger.tasks(
                        project: project, state: list.state, limit: list.limit, hidingFew: true)
                }
            }
        case .engineers:
            for row in try await availability.engineers() { words[row.name] = row.isAvailable }
        case .doctor:
            doctor = try await ledger.diagnose(forOperator: false).filter { !Self.notOfPeople.contains($0.name) }
        case .teams:
            teams = try await ledger.teams()
        case .team:
            for team in try await ledger.teams() { teamMembers[team.name] = try await ledger.teamMembers(team.name) }
        case .throughput:
            try await readThroughput(of: week)
        case .digest:
            digest = try await ledger.weeklyDigest(nil)
        case .cords:
            // As one who is named for all of them.
            cords = try await ledger.cords(for: ConcernReader(name: "Ada Boss", isOperator: false))
        case .deployment:
            // Without its version, which `SupervisorViewTests` looks at.
            let now = try await ledger.deployment()
            switches = ["\(now.isReadOnly)", now.reason, "\(String(describing: now.since))", now.by]
        }
    }

    /// Of everybody, by whoever answers for them.
    private mutating func readThroughput(of week: MadeUpWeek) async throws {
        let ledger = week.deployment.ledger
        for team in try await ledger.teams() {
            for member in try await ledger.teamMembers(team.name) {
                do {
                    throughput[member] = try await ledger.showThroughput(
                        of: member, to: team.supervisor, reason: "planning")
                } catch let error as LedgerError {
                    refusals.insert("\(error.code) \(error)")
                }
            }
        }
    }
}
