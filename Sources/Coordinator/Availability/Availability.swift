import DequeModule
public import Ledger
public import PlimsollModel
import QualityReview

/// Who could be given something now: the very gate, asked about many people at once, for lists that others see.
///
/// P9: what comes out is one word a person, `available` or `not available`, and of a project only whether few or many
/// of its people have that word: a figure that follows from the words tells nothing beside them. Whoever is refused,
/// withdrawn, at a limit, in a break, in read-only mode or never asked goes through the same reading and the same gate.
///
/// Cost: what was read of a person is kept while the person's number and the epoch stay, as the dispatcher keeps it, so
/// that a second look reads one row a person. Looks come one after another, and a word holds for two seconds, or for
/// five times as long as the look took, so that however many ask and however often, about a sixth of one processor and
/// one connection is at it at most. `AvailabilityCostTests` measures it: with 6,500 people of 200 intervals each, in a
/// debug build on a machine at a load of 12, a list of everybody took 6.4 s and one that was asked for again 17 ms.
public actor Availability {
    let ledger: Ledger
    private let now: @Sendable () -> ContinuousClock.Instant

    /// A word is given again for this long at least,
    static let wordAge = Duration.seconds(2)
    /// and for so many times as long as the last look took.
    static let restPerLook = 5
    /// People read in one transaction.
    static let batch = 500
    /// People of a project who are looked at first, before it is looked further.
    static let firstBatch = 64
    /// What was read of somebody for whom nobody has asked for so long is forgotten.
    static let keptFor = Duration.seconds(60)

    private struct Known {
        var n: Int64
        var facts: PersonFacts
        var line: PersonLine
        var askedAt: ContinuousClock.Instant
    }

    private struct Word {
        var isAvailable: Bool
        var at: ContinuousClock.Instant
    }

    private var deployment: DeploymentState?
    private var document = PolicyDocument.defaults
    private var projectLayers: [ProjectID: String] = [:]
    private var lanes: [ProjectID: [LaneStanding]] = [:]
    private var asks: [ProjectID: [LaneAsk]] = [:]
    private var lanesReadAt: ContinuousClock.Instant?
    private var known: [PersonID: Known] = [:]
    private var words: [PersonID: Word] = [:]
    /// Who was found for each project the last time; they are asked about first.
    private var found: [ProjectID: [PersonID]] = [:]
    private var validity = Availability.wordAge

    private var isBusy = false
    private var waiting: Deque<CheckedContinuation<Void, Never>> = []

    /// `now` is a monotonic clock of this process; it says only how old a word is. What is decided goes by the
    /// database's (P8).
    public init(ledger: Ledger, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.ledger = ledger
        self.now = now
    }

    /// Everybody who is enrolled, by name.
    public func engineers() async throws -> [EngineerRow] {
        await takeTurn()
        defer { giveTurn() }
        try await refresh()
        let people = try await ledger.enrolledPeople()
        let words = try await words(of: people.map(\.id))
        return people.map { EngineerRow(name: $0.name, isAvailable: words[$0.id] ?? false) }
    }

    /// How many of those enrolled in a project have the word `available`, counted no further than `most`.
    ///
    /// It is the word of ``engineers()`` and not whether they could be given something of this very project: held
    /// against that list, the difference would tell what single people have not agreed to (P9).
    public func available(in project: ProjectID, upTo most: Int) async throws -> Int {
        await takeTurn()
        defer { giveTurn() }
        try await refresh()
        var counted: [PersonID] = []
        let before = try await words(of: found[project] ?? [])
        for (person, isAvailable) in before
        where isAvailable && known[person]?.facts.enrolled.contains(project) == true {
            counted.append(person)
        }
        var last = PersonID(0)
        var batch = Self.firstBatch
        while counted.count < most {
            let people = try await ledger.enrolledPeople(in: project, after: last, limit: batch)
            guard let end = people.last else { break }
            let words = try await words(of: people.filter { before[$0] == nil })
            counted += people.filter { words[$0] == true }
            last = end
            batch = Self.batch
        }
        found[project] = Array(counted.prefix(most))
        return min(most, counted.count)
    }

    /// Of a project's waiting lanes those whose tasks are leased to nobody under the policy, because they take longer
    /// than anybody is ever leased at once.
    public func tooLong(in project: ProjectID) async throws -> [TooLong] {
        await takeTurn()
        defer { giveTurn() }
        try await refresh()
        return deployment?.projects[project].map { tooLong(in: $0) } ?? []
    }

    /// The same of every open project, or of one of this name, as it is now: for whoever has just changed something. By
    /// project.
    public func tooLongNow(project name: String? = nil) async throws -> [(project: String, tasks: TooLong)] {
        await takeTurn()
        defer { giveTurn() }
        lanesReadAt = nil
        try await refresh()
        let projects = openProjects.filter { (name ?? $0.name) == $0.name }
        return projects.sorted { $0.name < $1.name }.flatMap { project in
            tooLong(in: project).map { (project.name, $0) }
        }
    }

    private func tooLong(in stored: StoredProject) -> [TooLong] {
        let project = stored.id
        let limits = limits(in: project)
        let waiting = Dictionary(grouping: (lanes[project] ?? []).filter(\.isWaiting)) {
            $0.leased
        }
        return waiting.compactMap { lane, standings in
            let fit = Gate.longestFit(kind: lane.kind, severity: lane.severity, limits: limits)
            let longest = standings.compactMap(\.longestSeconds).max()
            guard .seconds(longest ?? stored.effortSeconds) > fit.longest else { return nil }
            return TooLong(
                kind: lane.kind, severity: lane.severity, effort: longest.map { .seconds($0) }, longest: fit.longest,
                limit: fit.bound)
        }.sorted { ($0.kind, $0.severity) < ($1.kind, $1.severity) }
    }

    /// An estimate that fits nobody's day in a project, of tasks of any kind and severity 0; nil: it fits.
    public func tooLong(_ effort: Duration, in project: ProjectID) async throws -> TooLong? {
        await takeTurn()
        defer { giveTurn() }
        try await refresh()
        let fit = Gate.longestFit(kind: "", severity: 0, limits: limits(in: project))
        return effort > fit.longest
            ? TooLong(kind: "", severity: 0, effort: effort, longest: fit.longest, limit: fit.bound) : nil
    }

    /// Of the policy and the project alone.
    private func limits(in project: ProjectID) -> WorkloadLimits {
        var layers = PersonLimitLayers(person: PersonID(0))
        layers.projects = projectLayers
        return PersonLine(layers, under: document).limits(in: project)
    }

    // MARK: Looking

    /// Learns of another epoch, under which no word counts any more, and what waits.
    private func refresh() async throws {
        _ = try await look([])
        try await readLanes()
    }

    /// The word of each of these people, looked up where it is too old.
    private func words(of people: [PersonID]) async throws -> [PersonID: Bool] {
        let begin = now()
        var result: [PersonID: Bool] = [:]
        result.reserveCapacity(people.count)
        var stale: [PersonID] = []
        for person in people {
            if let word = words[person], begin - word.at < validity {
                result[person] = word.isAvailable
            } else {
                stale.append(person)
            }
        }
        guard !stale.isEmpty else { return result }
        for start in stride(from: 0, to: stale.count, by: Self.batch) {
            let batch = Array(stale[start..<min(start + Self.batch, stale.count)])
            result.merge(try await look(batch)) { $1 }
            // Others have their turn with this actor's thread between two batches.
            await Task.yield()
        }
        validity = max(Self.wordAge, (now() - begin) * Self.restPerLook)
        forget(before: begin - Self.keptFor)
        return result
    }

    /// Reads what is new of these people and asks the gate.
    private func look(_ people: [PersonID]) async throws -> [PersonID: Bool] {
        let at = now()
        var numbers: [PersonID: Int64] = [:]
        for person in people { numbers[person] = known[person]?.n }
        let standing = try await ledger.standings(of: people, known: numbers, epoch: deployment?.epoch)
        if let state = standing.deployment { try await adopt(state) }
        for stored in standing.people {
            known[stored.person] = Known(
                n: stored.head?.n ?? 0, facts: PersonFacts(person: stored) { standing.lanes[$0] },
                line: PersonLine(stored.layers, under: document), askedAt: at)
        }
        var result: [PersonID: Bool] = [:]
        for person in people {
            known[person]?.askedAt = at
            // P2: of whom nothing is known, nothing is leased to.
            let isAvailable = known[person].map { couldBeGiven($0, now: standing.now) } ?? false
            words[person] = Word(isAvailable: isAvailable, at: at)
            result[person] = isAvailable
        }
        return result
    }

    private func couldBeGiven(_ person: Known, now: Moment) -> Bool {
        guard let deployment, !deployment.readOnly else { return false }
        return person.facts.enrolled.contains { project in
            (asks[project] ?? []).contains {
                Gate.decide(
                    person: person.facts, lane: $0, limits: person.line.limits(in: project), now: now, want: 1
                ).isGranted
            }
        }
    }

    /// Another epoch: policy, projects or who is denied may have changed, so nothing that was known counts any more.
    private func adopt(_ state: DeploymentState) async throws {
        let layers = try await ledger.projectLayers()
        // P2: a policy that cannot be read stops everybody, as it stops the dispatcher.
        document = try state.policyInForce()
        projectLayers = layers
        deployment = state
        known = [:]
        words = [:]
        found = [:]
        makeAsks()
    }

    private func readLanes() async throws {
        if let at = lanesReadAt, now() - at < validity { return }
        lanes = Dictionary(grouping: try await ledger.laneStandings(), by: \.project)
        lanesReadAt = now()
        makeAsks()
    }

    /// What a project would ask of somebody: its lanes that wait; where nothing does, each kind and severity that it
    /// has; where it has none, its own estimate alone.
    private func makeAsks() {
        asks = [:]
        for project in openProjects {
            let all = lanes[project.id] ?? []
            let waiting = all.filter(\.isWaiting)
            asks[project.id] = LaneAsk.usual(project, in: Set((waiting.isEmpty ? all : waiting).map(\.leased)))
        }
    }

    private var openProjects: [StoredProject] { deployment?.projects.values.filter { $0.state == "open" } ?? [] }

    private func forget(before: ContinuousClock.Instant) {
        for (person, entry) in known where entry.askedAt < before {
            known[person] = nil
            words[person] = nil
        }
    }

    // MARK: Turns

    /// One look at a time: who comes meanwhile finds the words of the one before.
    private func takeTurn() async {
        guard isBusy else { return isBusy = true }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func giveTurn() {
        if let next = waiting.popFirst() { next.resume() } else { isBusy = false }
    }
}
