import Coordinator
import Ledger
import PlimsollModel
import Postgres
import TestSupport

/// One database with two coordinators, and in it many schedules that go on step by step together: each has people and
/// projects of its own, and all share the clock, the policy and the coordinators.
final class World {
    struct Member {
        let name: String
        let coordinator: Coordinator
        let life: Task<Void, any Error>
    }

    static let stepsMax = 50

    let number: Int
    let seed: UInt64
    let layout: Layout
    let conninfo: String
    let owner: Connection
    let ledger: Ledger
    let hearts = Hearts()
    let complaints = Complaints()
    var cells: [Cell] = []
    var hands: [[Hand?]] = []
    var members: [Member] = []
    var generation = 0
    var situation: Situation
    /// Whether most steps take minutes, so that limits of hours come within reach.
    let isSlow: Bool
    /// What was last looked at, as PostgreSQL writes a snapshot.
    var seen = ""
    var live: [Int64] = []
    var counts: [String: Int] = [:]
    /// What went wrong outside of any cell.
    var faults: [String] = []
    var log: [String] = []

    init(number: Int, seed: UInt64, layout: Layout, conninfo: String, owner: Connection, ledger: Ledger) {
        self.number = number
        self.seed = seed
        self.layout = layout
        self.conninfo = conninfo
        self.owner = owner
        self.ledger = ledger
        var random = SplitMix64(seed: seed, UInt64(number), 1 << 32)
        isSlow = random.chance(25)
        let offset = Micros(random.below(13 * 24 * 60)) * .minute + Micros(random.below(60)) * .second
        situation = Situation(now: layout.start + offset, policies: [:], current: [])
        for cell in layout.cells.indices {
            let made = Cell(cell, layout, seed: (seed, UInt64(number)))
            cells.append(made)
            hands.append(made.workers.map { _ in nil })
        }
    }

    /// Runs a whole world.
    static func run(_ number: Int, seed: UInt64, _ template: Template) async throws -> WorldResult {
        try await SharedCluster.shared.withDatabase(template: Template.name) { conninfo in
            var configuration = ConnectionConfiguration(conninfo: conninfo)
            configuration.settings = [("search_path", "plimsoll")]
            let owner = try await Connection.connect(configuration, logger: quiet)
            let pool = Pool(
                configuration: Template.coordinatorRole(conninfo), limits: Pool.Limits(max: 8), logger: quiet)
            let world = World(
                number: number, seed: seed, layout: template.layout, conninfo: conninfo, owner: owner,
                ledger: Ledger(pool: pool))
            let result: Result<WorldResult, any Error>
            do { result = .success(try await world.live()) } catch { result = .failure(error) }
            await world.end()
            await pool.close()
            await owner.close()
            return try result.get()
        }
    }

    private func live() async throws -> WorldResult {
        try await begin()
        var step = 0
        while step < Self.stepsMax, !hasFailed {
            try await prepare(step)
            if !hasFailed { try await turn(step) }
            step += 1
        }
        if !hasFailed { try await closeTheBooks() }
        return WorldResult(self)
    }

    var hasFailed: Bool { !faults.isEmpty || cells.contains { !$0.violations.isEmpty } }

    func note(_ what: String) { log.append(what) }

    // MARK: Begin and end

    private func begin() async throws {
        try await setClock(situation.now)
        var random = SplitMix64(seed: seed, UInt64(number), 1 << 33)
        try await apply(PolicyDraw.policy(&random, generous: isSlow && random.chance(60)))
        for _ in 0..<2 { try await startMember() }
        try await readLive()
        _ = try await look()
        hearts.start()
    }

    private func end() async {
        hearts.stop()
        hands = []
        for member in members { member.life.cancel() }
        for member in members { _ = await member.life.result }
    }

    func startMember() async throws {
        generation += 1
        let name = "member-\(generation)"
        var configuration = CoordinatorConfiguration(name: name, address: "127.0.0.1:1")
        configuration.times.lifeRenewal = .milliseconds(500)
        // The database's clock stands still, so a life runs out when a test says so.
        configuration.times.selfStop = .seconds(30)
        configuration.times.streamTimeToLive = .seconds(4)
        configuration.times.sweep = .milliseconds(25)
        configuration.times.poll = .milliseconds(250)
        configuration.times.holding = .milliseconds(60)
        configuration.times.surplus = .milliseconds(100)
        configuration.times.askAgainSoon = .milliseconds(20)
        configuration.times.withdrawals = .milliseconds(200)
        configuration.times.presence = .seconds(5)
        configuration.times.seal = .seconds(2)
        let coordinator = Coordinator(
            configuration: configuration, ledger: ledger,
            connections: LedgerConnections(
                base: ConnectionConfiguration(conninfo: conninfo + " user=plimsoll_coordinator"), name: name,
                logger: quiet), logger: complaints.logger)
        let life = Task { try await coordinator.run() }
        members.append(Member(name: name, coordinator: coordinator, life: life))
        guard try await eventually(within: .seconds(30), { coordinator.isReady }) else {
            faults.append("a coordinator did not get ready")
            return
        }
    }

    // MARK: One step

    /// Every schedule does its next operation, all at once; then each model looks at what became of it.
    private func turn(_ step: Int) async throws {
        var random = SplitMix64(seed: seed, UInt64(number), UInt64(step), 2 << 32)
        let newPolicy = random.chance(4) ? PolicyDraw.policy(&random) : nil
        var chosen: [(kind: Cell.Kind?, actions: [Action])] = []
        for cell in cells {
            cell.step = step
            let choice = cell.choose(step: step, situation)
            // What the model says must come holds under the present policy.
            chosen.append((choice.kind, newPolicy == nil ? choice.actions : choice.actions.map(\.withoutMust)))
        }
        for (cell, choice) in zip(cells, chosen) { cell.expectAnswers(choice.actions) }
        let before = cells.map(\.state)
        let overdue = Task { [hearts] in
            try await Task.sleep(for: .seconds(60))
            hearts.giveUp()
        }
        let performers = cells.indices.map { performer($0) }
        let outcomes = await withTaskGroup(of: (Int, [Outcome]).self) { group in
            for (index, choice) in chosen.enumerated() where !choice.actions.isEmpty {
                let performer = performers[index]
                group.addTask { (index, await performer.perform(together: choice.actions)) }
            }
            var outcomes: [[Outcome]] = cells.map { _ in [] }
            let applied: Result<Void, any Error>
            do { applied = .success(try await self.applyBeside(newPolicy)) } catch { applied = .failure(error) }
            for await (index, outcome) in group { outcomes[index] = outcome }
            if case .failure(let error) = applied { faults.append("the policy could not be applied: \(error)") }
            return outcomes
        }
        for index in cells.indices { take(chosen[index].actions, outcomes[index], in: index) }
        let lastSeen = seen
        let rows = try await look()
        for (index, cell) in cells.enumerated() {
            let (kind, actions) = chosen[index]
            if !actions.isEmpty {
                cell.note(step, situation, actions, outcomes[index])
                counts["operations", default: 0] += 1
            }
            cell.absorb(rows[index], actions, situation, before: before[index])
            for (action, outcome) in zip(actions, outcomes[index]) {
                cell.check(action, outcome, situation, before: before[index], isAlone: actions.count == 1)
            }
            if kind != nil, !cell.violations.isEmpty { cell.noteState(situation) }
        }
        if hasFailed { try await noteDatabase(since: lastSeen) }
        try await hearOfEnds(before)
        await hearOfLimits()
        overdue.cancel()
        situation.current = [situation.current.last ?? 0]
    }

    private func applyBeside(_ policy: Limits?) async throws {
        guard let policy else { return }
        counts["policies beside operations", default: 0] += 1
        try await apply(policy, beside: true)
    }

    private func performer(_ cell: Int) -> Performer {
        Performer(
            ledger: ledger, coordinators: members.suffix(2).map(\.coordinator), hands: hands[cell],
            workers: cells[cell].workers.map { (layout.cells[cell].people[$0.person].name, $0.session) },
            people: layout.cells[cell].people.map(\.name), projects: layout.cells[cell].projects.map(\.name),
            notices: layout.notices, decider: Template.decider(ofCell: cell))
    }

    /// Who is connected now.
    private func take(_ actions: [Action], _ outcomes: [Outcome], in index: Int) {
        let cell = cells[index]
        for (action, outcome) in zip(actions, outcomes) {
            switch (action, outcome) {
            case (.connect(let hand, let coordinator, _), .connected(let new, let kept, _)):
                hands[index][hand] = new
                hearts.add(new)
                cell.workers[hand].coordinator = coordinator
                cell.workers[hand].movedAt = cell.step
                cell.workers[hand].holds = Set(kept.map(\.lease.fence))
                cell.workers[hand].vouched = Set(kept.filter { $0.state == .held }.map(\.lease.fence))
                cell.workers[hand].warnings = 0
                cell.workers[hand].warnedAt = nil
            case (.disconnect(let hand), _), (.connect(let hand, _, _), .refused):
                lose(hand, of: index)
            default: break
            }
        }
        for hand in cell.workers.indices where hands[index][hand]?.isOpen == false { lose(hand, of: index) }
    }

    func lose(_ hand: Int, of index: Int) {
        hands[index][hand] = nil
        cells[index].workers[hand].coordinator = nil
        cells[index].workers[hand].vouched = []
        cells[index].workers[hand].movedAt = cells[index].step
    }

    /// P3: the worker is told at once.
    private func hearOfEnds(_ before: [CellState]) async throws {
        for (index, cell) in cells.enumerated() {
            for hand in cell.workers.indices {
                guard let worker = hands[index][hand] else { continue }
                for fence in cell.workers[hand].vouched {
                    guard let lease = cell.state.leases[fence], before[index].leases[fence]?.state == .open else {
                        continue
                    }
                    guard case .ended(let how) = lease.state,
                        how == "withdrawn" || how == "project_closed" || how == "left"
                    else { continue }
                    let reference = lease.reference
                    // An answer that was refused for it at the same time says the same.
                    let heard = await worker.answer { heard in
                        heard.revoked.contains(reference)
                            || heard.replies.contains { $0.settlements.contains { $0.lease == reference } } ? true : nil
                    }
                    if heard != true, worker.isOpen {
                        cell.fail("P3", "nobody told the worker that it ended: \(lease)")
                    }
                }
                cell.workers[hand].vouched = cell.workers[hand].vouched.filter { cell.state.leases[$0]?.state == .open }
            }
        }
    }

    /// Who comes to a limit hears of it ahead.
    private func hearOfLimits() async {
        for (index, cell) in cells.enumerated() {
            for hand in cell.workers.indices {
                guard let worker = hands[index][hand], !worker.isOverdue else { continue }
                if let lease = cell.unwarned(hand, situation) {
                    let known = cell.workers[hand].warnings
                    let heard = await worker.answer { heard in heard.warnings > known ? true : nil }
                    if heard != true, worker.isOpen {
                        cell.fail("section 9", "nobody told the worker that a limit is near: \(lease)")
                    }
                    cell.count("warnings owed")
                }
                cell.hear(worker.warnings, by: hand, situation)
            }
            cell.passLimits(situation)
        }
    }
}
