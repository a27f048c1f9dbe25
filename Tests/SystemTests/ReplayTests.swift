import Foundation
import PlimsollProtocol
import SwiftProtobuf
import Testing

extension SystemTests {
    /// The crowd of a real labeling project works again: every person with an own certificate and stream, over two
    /// coordinators that are killed and frozen on the way (P12).
    @Suite struct ReplayTests {
        private static let project = "rte"
        private static let purposes = ["taking-part", "evaluation"]
        private static let processes = 4
        private static let runBudget = Duration.seconds(480)
        private static let frozenFor = Duration.seconds(20)

        @Test(.needsRecordedLabels)
        func `a recorded crowd's labels all arrive, through a kill and a freeze`() async throws {
            let file = try #require(Products.recordedLabels)
            let recorded = try Recorded(file)
            try await LiveSystem.with(.init(coordinators: 2, policy: "replay")) { system in
                try await Self.prepare(system, recorded)
                try await Self.replay(system, recorded, file)
                let labels = try await system.exportLabels(Self.project, purpose: "evaluation")
                recorded.judge(labels)
            }
        }

        private static func prepare(_ system: LiveSystem, _ recorded: Recorded) async throws {
            try await system.publishNotices(purposes)
            try await system.createProject(
                project, schema: #"{"type": "integer", "minimum": 0, "maximum": 1}"#, overlap: 10,
                purposes: purposes)
            try await system.importTasks(recorded.keys, project: project)
            progress("replay: \(recorded.keys.count) tasks are imported")
            try await system.enrol(recorded.engineers, projects: [project], purposes: purposes)
            progress("replay: \(recorded.engineers.count) engineers are enrolled")
        }

        private static func replay(_ system: LiveSystem, _ recorded: Recorded, _ file: URL) async throws {
            // Somebody with a middling load works through the real command; the others in a few processes.
            let alone = recorded.engineers.first { (20...40).contains(recorded.answers[$0]?.count ?? 0) }
            let worker = try #require(alone)
            let crowd = recorded.engineers.filter { $0 != worker }
            let start = ContinuousClock.now
            let names = (0..<processes).map { "crowd-\($0 + 1)" }
            let programs = try names.indices.map { index in
                try system.startCrowd(
                    names[index],
                    engineers: crowd.indices.filter { $0 % processes == index }.map { crowd[$0] },
                    project: project, inFlight: 10, recorded: file)
            }
            let program = try system.launch(
                Products.plimsoll,
                [
                    "work", "--project", project, "--server", system.servers, "--identity",
                    system.identity(worker).plain, "--in-flight", "10", "--exec-mode", "lines", "--exec",
                    "exec '\(Products.replay.plain)' answer --recorded '\(file.plain)' --engineer \(worker)",
                ], log: "work-\(worker)")
            var book = ReplayBook(names.map { DiaryReader(system.diary($0)) })
            let goal = recorded.count - (recorded.answers[worker]?.count ?? 0)
            try await book.wait(for: goal / 5, until: start + runBudget, programs)
            try await system.killCoordinator(0)
            progress("replay: coordinator 1 is killed at \(book.accepted.count) labels")
            try system.startCoordinator(0)
            try await system.waitUntilServing(0)
            try await book.wait(for: goal / 2, until: start + runBudget, programs)
            try system.coordinator(1).signal(SIGSTOP)
            progress("replay: coordinator 2 is frozen at \(book.accepted.count) labels")
            try await Task.sleep(for: frozenFor)
            try system.coordinator(1).signal(SIGCONT)
            progress("replay: coordinator 2 goes on at \(try book.read()) labels")
            try await book.wait(for: goal, until: start + runBudget, programs)
            for program in programs {
                let code = await program.end(within: .seconds(90))
                #expect(code == 0, "a crowd ended with \(code ?? -1): \(program.errorText.suffix(2_000))")
            }
            try book.read()
            progress("replay: \(book.accepted.count) labels of \(goal) in \(ContinuousClock.now - start)")
            try await endWorker(program, worker, system, recorded)
            book.judge(recorded, without: worker)
        }

        /// The command's own worker stays until it is told to go; by then its labels are in the project's count.
        private static func endWorker(
            _ program: Program, _ worker: String, _ system: LiveSystem, _ recorded: Recorded
        ) async throws {
            let isDone = try await eventuallyDone(system, recorded.count)
            #expect(isDone, "not all labels of \(worker): \(program.errorText.suffix(2_000))")
            #expect(program.exitCode == nil, "plimsoll work ended by itself: \(program.errorText.suffix(2_000))")
            program.signal(SIGTERM)
            let code = await program.end(within: .seconds(45))
            #expect(code == 0, "plimsoll work ended with \(code ?? -1): \(program.errorText.suffix(2_000))")
        }

        private static func eventuallyDone(_ system: LiveSystem, _ goal: Int) async throws -> Bool {
            let deadline = ContinuousClock.now + .seconds(60)
            while ContinuousClock.now < deadline {
                let done = try await system.done(project)
                if done >= goal { return true }
                try await Task.sleep(for: .milliseconds(500))
            }
            return false
        }
    }
}

/// What the diaries of a replay say.
private struct ReplayBook {
    private var readers: [DiaryReader]
    private(set) var lines: [DiaryLine] = []
    /// Engineer and key of each label, once.
    private(set) var accepted: Set<String> = []
    private var acceptedLines = 0
    private var told: ContinuousClock.Instant = .now

    init(_ readers: [DiaryReader]) { self.readers = readers }

    @discardableResult
    mutating func read() throws -> Int {
        for index in readers.indices {
            let new = try readers[index].read()
            for line in new where line.kind == "accepted" {
                acceptedLines += 1
                accepted.insert("\(line.engineer) \(line.text)")
            }
            lines += new
        }
        return accepted.count
    }

    mutating func wait(for goal: Int, until deadline: ContinuousClock.Instant, _ programs: [Program]) async throws {
        while try read() < goal {
            let now = ContinuousClock.now
            if now - told > .seconds(10) {
                told = now
                progress("replay: \(accepted.count) labels, \(lines.count { $0.kind == "declined" }) declines")
            }
            guard now < deadline else {
                let settled = lines.filter { $0.kind == "settled" }.suffix(5).map { "\($0.engineer) \($0.text)" }
                throw SystemFailure(
                    "\(accepted.count) labels in time instead of \(goal); otherwise settled: \(settled)")
            }
            guard programs.contains(where: { $0.exitCode == nil }) else {
                let failed = lines.filter { $0.kind == "failed" }.prefix(5).map { "\($0.engineer) \($0.text)" }
                throw SystemFailure("the crowd ended with \(accepted.count) labels instead of \(goal): \(failed)")
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    func judge(_ recorded: Recorded, without worker: String) {
        let expected = recorded.count - (recorded.answers[worker]?.count ?? 0)
        #expect(accepted.count == expected)
        #expect(acceptedLines == accepted.count, "a label was acknowledged twice under different leases")
        var fences: Set<Int64> = []
        var answered: Set<String> = []
        var grantedTwice = 0
        var grantedAfter = 0
        var toldTooEarly: [String] = []
        // Each engineer's lines are in one diary, in order.
        for line in lines {
            switch line.kind {
            case "granted":
                if !fences.insert(line.fence).inserted { grantedTwice += 1 }
                if answered.contains("\(line.engineer) \(line.task)") { grantedAfter += 1 }
            case "accepted": answered.insert("\(line.engineer) \(line.task)")
            case "idle":
                let words = line.text.split(separator: " ")
                if words.first == "nothingLeft", words.dropFirst().first != "0" {
                    toldTooEarly.append("\(line.engineer) \(line.text)")
                    if toldTooEarly.count <= 3 { tell(line) }
                }
            default: break
            }
        }
        #expect(grantedTwice == 0, "grants with a number that was given before")
        #expect(grantedAfter == 0, "tasks granted to people who had answered them")
        #expect(toldTooEarly.isEmpty, "\(toldTooEarly.count) times told nothing left: \(toldTooEarly.prefix(5))")
        let finished = lines.count { $0.kind == "finished" }
        #expect(finished == recorded.engineers.count - 1, "engineers who were told that nothing is left at the end")
        let others = lines.filter { $0.kind == "settled" }.map(\.text)
        progress("replay: \(fences.count) grants; \(others.count) answers settled otherwise \(others.prefix(3))")
    }
}

extension ReplayBook {
    /// What happened to an engineer and to the first task that the idle's line names, for whoever looks for the reason.
    fileprivate func tell(_ idle: DiaryLine) {
        guard let key = idle.text.split(separator: " ").dropFirst(2).first else { return }
        let task = lines.first { $0.kind == "granted" && $0.text == key }?.task
        let story = lines.filter { line in
            line.engineer == idle.engineer
                && (line.task == task
                    || line.task == 0 && abs(line.milliseconds - idle.milliseconds) < 30_000)
                || line.task == task && line.kind == "accepted"
        }
        let told = story.sorted { $0.milliseconds < $1.milliseconds }.suffix(60).map {
            "\($0.milliseconds) \($0.kind) \($0.engineer) \($0.task) \($0.fence) \($0.text)"
        }
        progress("told too early at \(idle.milliseconds), task \(key):\n" + told.joined(separator: "\n"))
    }
}

/// The recorded answers, and what is known of them.
private struct Recorded {
    private(set) var keys: [String] = []
    private(set) var engineers: [String] = []
    private(set) var answers: [String: [String: Int]] = [:]
    private var gold: [String: Int] = [:]
    private(set) var count = 0

    init(_ file: URL) throws {
        let text = try String(contentsOf: file, encoding: .utf8)
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: "\t").map(String.init)
            let answer = try #require(Int(fields[2]))
            if gold.updateValue(try #require(Int(fields[3])), forKey: fields[0]) == nil { keys.append(fields[0]) }
            if answers[fields[1]] == nil { engineers.append(fields[1]) }
            answers[fields[1], default: [:]][fields[0]] = answer
            count += 1
        }
    }

    func judge(_ labels: [ExportedLabel]) {
        #expect(labels.count == count)
        var byKey: [String: [ExportedLabel]] = [:]
        var byPerson: [String: [String: Int]] = [:]
        for label in labels {
            byKey[label.key, default: []].append(label)
            byPerson[label.annotator, default: [:]][label.key] = Int(label.answer)
        }
        #expect(byKey.count == keys.count)
        #expect(byPerson.count == engineers.count)
        let overlap = count / max(1, keys.count)
        for (key, labels) in byKey {
            #expect(Set(labels.map(\.annotator)).count == overlap, "task \(key) was not answered by \(overlap) people")
        }
        // Nobody's answer became somebody else's: the pseudonyms stand for the recorded people, one for one.
        let expected = Set(answers.values.map(Self.fingerprint))
        let found = Set(byPerson.values.map(Self.fingerprint))
        #expect(found == expected)
        #expect(majorityRight(byKey, tie: 1) == 700)
        #expect(majorityRight(byKey, tie: 0) == 735)
        progress(
            "replay: majority \(majorityRight(byKey, tie: 1)) with ties to 1, \(majorityRight(byKey, tie: 0)) to 0")
    }

    private static func fingerprint(_ answers: [String: Int]) -> String {
        answers.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    /// How many tasks' majority is the experts' answer.
    private func majorityRight(_ byKey: [String: [ExportedLabel]], tie: Int) -> Int {
        byKey.count { key, labels in
            let ones = labels.count { $0.answer == "1" }
            let zeros = labels.count - ones
            return gold[key] == (ones == zeros ? tie : (ones > zeros ? 1 : 0))
        }
    }
}

extension LiveSystem {
    /// Labels of a project, as the queue's status says.
    func done(_ project: String) async throws -> Int {
        try await asOperator { control in
            let status = try await control.queueStatus(.with { $0.project = project })
            return Int(status.projects.first?.done ?? 0)
        }
    }
}
