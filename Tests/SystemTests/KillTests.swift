import Foundation
import Testing

extension SystemTests {
    /// Processes die at random moments while labels flow; afterwards only the workers' diaries and the export speak:
    /// no fence is given twice (P4), nothing acknowledged is lost (P5), work flows again within seconds (P12).
    @Suite struct KillTests {
        private enum Victim: String, CaseIterable { case worker, coordinator, postgres }

        private static let project = "flow"
        private static let purposes = ["taking-part"]
        private static let crowds = 2
        private static let engineersEach = 8
        private static let overlap = 2
        /// Answers a second of all workers together, and what must flow before something is killed.
        private static let rate = 900
        /// A quarter of the policy's open leases: what dies together with its worker and its coordinator counts until
        /// the time for presenting it is over, and must not use up a person's limit.
        private static let inFlight = 8
        private static let flowMin = 500
        private static let grantWithin = 5_000
        private static var killsEach: Int { Products.isLong ? 20 : 5 }
        /// What all kills can use up at most, with room to spare.
        private static var tasks: Int { 40_000 + killsEach * Victim.allCases.count * 4_000 }

        @Test func `no acknowledged label is lost or doubled, whoever is killed`() async throws {
            let plan = LiveSystem.Plan(
                coordinators: 1, policy: "bench", times: [("heartbeat", "1s"), ("stream_ttl", "4s")])
            try await LiveSystem.with(plan) { system in
                let engineers = (1...Self.crowds * Self.engineersEach).map { "worker-\($0)" }
                try await system.publishNotices(Self.purposes)
                try await system.createProject(
                    Self.project, schema: #"{"type": "string", "maxLength": 100}"#, overlap: Self.overlap,
                    effortSeconds: 600, purposes: Self.purposes)
                try await system.importTasks(
                    (1...Self.tasks).map { "t\($0)" }, project: Self.project, within: .seconds(400))
                try await system.enrol(engineers, projects: [Self.project], purposes: Self.purposes)
                progress("kills: \(Self.tasks) tasks, \(engineers.count) engineers")
                var flow = try Flow(system, engineers)
                var victims = Victim.allCases.flatMap { Array(repeating: $0, count: Self.killsEach) }
                victims.shuffle()
                for (number, victim) in victims.enumerated() {
                    let before = try await flow.waitForRate(Self.flowMin)
                    // A random moment of a flush, not always the one after looking.
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0..<1_000)))
                    let waited = try await Self.kill(victim, system, &flow)
                    progress(
                        "kill \(number + 1) of \(victims.count): \(victim.rawValue) at \(before) labels/s, "
                            + "first grant after \(waited) ms")
                    #expect(waited <= Self.grantWithin, "first grant after the restart of \(victim.rawValue)")
                }
                _ = try await flow.waitForRate(Self.flowMin)
                try await flow.end()
                try await Self.judge(system, flow)
            }
        }

        /// Kills, starts again, and says after how many milliseconds the first grant came.
        private static func kill(_ victim: Victim, _ system: LiveSystem, _ flow: inout Flow) async throws -> Int {
            let restarted: Int
            switch victim {
            case .worker:
                let index = Int.random(in: 0..<crowds)
                await flow.programs[index].destroy()
                restarted = monotonicMilliseconds()
                try flow.start(index)
                return try await flow.firstGrant(after: restarted, from: index)
            case .coordinator:
                try await system.killCoordinator(0)
                restarted = monotonicMilliseconds()
                try system.startCoordinator(0)
            case .postgres:
                try await system.killPostgres()
                try await system.restartPostgres()
                restarted = monotonicMilliseconds()
            }
            return try await flow.firstGrant(after: restarted)
        }

        /// The workers and what their diaries have said so far.
        private struct Flow {
            let system: LiveSystem
            let engineers: [String]
            private(set) var programs: [Program] = []
            private var readers: [DiaryReader]
            private(set) var lines: [[DiaryLine]]

            init(_ system: LiveSystem, _ engineers: [String]) throws {
                self.system = system
                self.engineers = engineers
                readers = (0..<crowds).map { DiaryReader(system.diary(Self.name($0))) }
                lines = Array(repeating: [], count: crowds)
                for index in 0..<crowds { programs.append(try launch(index)) }
            }

            private static func name(_ index: Int) -> String { "flow-\(index + 1)" }

            private func launch(_ index: Int) throws -> Program {
                try system.startCrowd(
                    Self.name(index),
                    engineers: engineers.indices.filter { $0 % crowds == index }.map { engineers[$0] },
                    project: project, inFlight: inFlight, rate: rate / crowds)
            }

            mutating func start(_ index: Int) throws { programs[index] = try launch(index) }

            mutating func read() throws {
                for index in readers.indices { lines[index] += try readers[index].read() }
            }

            /// Labels in the last second, as soon as they are `least`.
            mutating func waitForRate(_ least: Int) async throws -> Int {
                let deadline = ContinuousClock.now + .seconds(60)
                while true {
                    try read()
                    let from = monotonicMilliseconds() - 1_000
                    let rate = lines.reduce(0) { count, lines in
                        count + lines.reversed().prefix { $0.milliseconds >= from }.count { $0.kind == "accepted" }
                    }
                    if rate >= least { return rate }
                    guard ContinuousClock.now < deadline else {
                        throw SystemFailure("only \(rate) labels/s\n\(story())")
                    }
                    try await Task.sleep(for: .milliseconds(100))
                }
            }

            /// Milliseconds from `moment` to the first grant that came later, to one process or to any.
            mutating func firstGrant(after moment: Int, from index: Int? = nil) async throws -> Int {
                let deadline = ContinuousClock.now + .seconds(60)
                while true {
                    try read()
                    let found = lines.indices.filter { index == nil || $0 == index }.flatMap { index in
                        lines[index].reversed().prefix { $0.milliseconds >= moment }
                            .filter { $0.kind == "granted" }.map(\.milliseconds)
                    }
                    if let first = found.min() { return first - moment }
                    guard ContinuousClock.now < deadline else {
                        throw SystemFailure("no grant within 60 s of the restart\n\(story())")
                    }
                    try await Task.sleep(for: .milliseconds(20))
                }
            }

            /// The last things that happened beside grants and labels, for a message.
            private func story() -> String {
                lines.flatMap { lines in
                    lines.reversed().prefix(20_000).filter { $0.kind != "granted" && $0.kind != "accepted" }.prefix(8)
                        .map { "  \($0.milliseconds) \($0.kind) \($0.engineer) \($0.text)" }
                }.joined(separator: "\n")
            }

            mutating func end() async throws {
                for program in programs { program.signal(SIGTERM) }
                for program in programs {
                    let code = await program.end(within: .seconds(60))
                    #expect(code == 0, "a crowd ended with \(code ?? -1): \(program.errorText.suffix(2_000))")
                }
                try read()
                let failed = lines.joined().filter { $0.kind == "failed" }.map { "\($0.engineer): \($0.text)" }
                #expect(failed.isEmpty, "workers that gave up: \(Set(failed).prefix(5))")
            }
        }

        private static func judge(_ system: LiveSystem, _ flow: Flow) async throws {
            let labels = try await system.exportLabels(project, purpose: purposes[0])
            var exported: [String: Int] = [:]
            var people: [Int64: [String]] = [:]
            for label in labels {
                exported[label.answer, default: 0] += 1
                people[label.task, default: []].append(label.annotator)
            }
            let doubled = exported.filter { $0.value > 1 }
            #expect(doubled.isEmpty, "answers that became two labels: \(doubled.keys.prefix(5))")
            let crowded = people.filter { $0.value.count > overlap || Set($0.value).count < $0.value.count }
            #expect(crowded.isEmpty, "tasks with too many labels or two of one person: \(crowded.keys.prefix(5))")
            var acknowledged: Set<String> = []
            for line in flow.lines.joined() where line.kind == "accepted" {
                acknowledged.insert("\(line.engineer)-\(line.task)-\(line.fence)")
            }
            let lost = acknowledged.filter { exported[$0] == nil }
            #expect(lost.isEmpty, "\(lost.count) acknowledged labels are not in the export: \(lost.prefix(5))")
            let fences = flow.lines.joined().filter { $0.kind == "granted" }.map(\.fence)
            #expect(Set(fences).count == fences.count, "a grant's number was given twice")
            progress(
                "kills: \(acknowledged.count) acknowledged labels, \(labels.count) exported, \(lost.count) lost, "
                    + "\(doubled.count) doubled")
        }
    }
}
