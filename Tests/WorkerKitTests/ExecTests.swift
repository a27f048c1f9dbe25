import Foundation
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import Synchronization
import Testing
import WorkerKit

@testable import plimsoll

@Suite("Programs that answer tasks", .timeLimit(.minutes(5)))
struct ExecTests {
    // MARK: - Task mode, with real programs

    private func run(_ command: String, limit: Duration = .seconds(20)) async throws -> TaskProgram.Outcome {
        try await TaskProgram(command: command).run(Array(#"{"task":1}"#.utf8), limit: limit)
    }

    @Test func whatAProgramWritesIsTheAnswer() async throws {
        #expect(try await run("cat") == .answered(Array(#"{"task":1}"#.utf8)))
        #expect(try await run(#"echo ' {"a" : 1.50 } '"#) == .answered(Array(#"{"a":1.50}"#.utf8)))
    }

    @Test func aProgramNeedNotReadItsInput() async throws {
        let long = Array(repeating: UInt8(ascii: "1"), count: 300_000)
        #expect(try await TaskProgram(command: "echo 1").run(long, limit: .seconds(20)) == .answered([49]))
        #expect(
            try await TaskProgram(command: "wc -c").run(long, limit: .seconds(20)) == .answered(Array("300001".utf8)))
    }

    @Test func exitCodeThreeDeclines() async throws {
        #expect(try await run("exit 3") == .declined)
        #expect(try await run("echo 1; exit 3") == .declined)
    }

    @Test(arguments: [
        "exit 1", "echo 1; exit 2", "kill -9 $$", "echo 1; kill -TERM $$", "true", "echo '{'", "echo 1 2",
    ])
    func everythingElseAnswersNothing(command: String) async throws {
        guard case .failed = try await run(command) else {
            Issue.record("\(command) must not answer")
            return
        }
    }

    @Test func aProgramIsEndedWithItsChildrenWhenItsTimeIsOver() async throws {
        let mark = FileManager.default.temporaryDirectory.appendingPathComponent("exec-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: mark) }
        let start = ContinuousClock.now
        let outcome = try await run("(sleep 30; touch \(mark.path)) & sleep 30", limit: .milliseconds(200))
        #expect(outcome == .failed("the program was ended: its time, 0 s, was over"))
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test func aProgramThatIgnoresTheWordIsKilled() async throws {
        let start = ContinuousClock.now
        let outcome = try await run("trap '' TERM; while :; do sleep 1; done", limit: .milliseconds(100))
        guard case .failed = outcome else {
            Issue.record("it answered")
            return
        }
        #expect(ContinuousClock.now - start < .seconds(15))
    }

    @Test func aProgramThatWritesWithoutEndIsEnded() async throws {
        guard case .failed(let reason) = try await run("yes") else {
            Issue.record("it answered")
            return
        }
        #expect(reason.contains("bytes"))
    }

    @Test func cancellingEndsTheProgram() async throws {
        let task = Task { try await run("sleep 60; echo 1") }
        task.cancel()
        #expect(try await task.value == .failed("the program was ended: the lease is gone"))
    }

    @Test func manyProgramsAtOnceDoNotHoldEachOthersPipes() async throws {
        try await withThrowingTaskGroup(of: TaskProgram.Outcome.self) { group in
            for number in 0..<40 { group.addTask { try await run("cat >/dev/null; echo \(number)") } }
            for try await outcome in group {
                guard case .answered = outcome else {
                    Issue.record("\(outcome)")
                    continue
                }
            }
        }
    }

    @Test func pausesDoubleToTheMaximum() {
        let pauses = [1, 2, 3, 6, 100].map { TaskModeRunner.pause(afterFailures: $0) }
        #expect(pauses == [.seconds(1), .seconds(2), .seconds(4), .seconds(30), .seconds(30)])
    }

    // MARK: - Against a coordinator

    @Test func taskModeWorksThroughAProject() async throws {
        try await LiveDeployment.with([.init(tasks: 4)]) { deployment, coordinators, addresses in
            let runner = TaskModeRunner(
                configuration: try deployment.configuration(addresses, inFlight: 2, answersMax: 3),
                program: TaskProgram(
                    command: #"read line; case "$line" in *'"n":2'*) exit 3;; *) echo '{"label":"a"}';; esac"#),
                say: { _ in })
            let tally = try await runner.run { _ in }
            #expect(tally == WorkTally(accepted: 3, kept: 0, declined: 1, released: 0))
            let seen = coordinators[0].seen.withLock { $0 }
            #expect(seen.declines == [2])
            #expect(seen.labels.keys.sorted() == [1, 3, 4])
        }
    }

    @Test func aProgramThatFailsGivesBackAndThePauseHoldsTheNextWant() async throws {
        try await LiveDeployment.with([.init(tasks: 3)]) { deployment, coordinators, addresses in
            let said = Mutex<[String]>([])
            let leave = Mutex<(@Sendable () -> Void)?>(nil)
            let runner = TaskModeRunner(
                configuration: try deployment.configuration(addresses), program: TaskProgram(command: "exit 1"),
                say: { text in
                    said.withLock { $0.append(text) }
                    if text.contains("given back") { leave.withLock { $0?() } }
                })
            let tally = try await runner.run { stop in leave.withLock { $0 = stop } }
            #expect(tally.accepted == 0)
            #expect(tally.released == 1)
            #expect(coordinators[0].seen.withLock { $0.granted } == 1)
            #expect(said.withLock { $0.contains { $0.contains("exit code 1") } })
        }
    }

    @Test func linesModeKeepsSeveralInFlightAndSurvivesACrash() async throws {
        try await LiveDeployment.with([.init(tasks: 9)]) { deployment, coordinators, addresses in
            let flag = deployment.directory.appendingPathComponent("crashed").path
            // Dies once at the third task, with what it holds; else answers in pairs, the second first.
            let command = """
                n=0; while read -r a; do n=$((n+1)); if [ $n = 3 ] && [ ! -e \(flag) ]; then touch \(flag); exit 9; fi
                t=$(echo "$a" | sed 's/.*"task":\\([0-9]*\\).*/\\1/')
                f=$(echo "$a" | sed 's/.*"fence":\\([0-9]*\\).*/\\1/')
                echo "{\\"task\\":$t,\\"fence\\":$f,\\"answer\\":{\\"label\\":\\"a\\"}}"; done
                """
            let runner = LinesModeRunner(
                configuration: try deployment.configuration(addresses, inFlight: 3, answersMax: 6), command: command,
                say: { _ in })
            let tally = try await runner.run { _ in }
            #expect(tally.accepted == 6)
            #expect(tally.released >= 1)
            #expect(coordinators[0].seen.withLock { $0.labels.count } == 6)
        }
    }

    // MARK: - Documents

    @Test func aTaskIsOneLineWhateverItsPayload() throws {
        let line = try #require(
            TaskDocument.line(.sample(payload: "{\n \"text\": \"a\\nb\",\n \"n\": 1.0}", schema: #"{"type":"null"}"#)))
        #expect(!line.contains(UInt8(ascii: "\n")))
        let value = try JSONValue.parse(line)
        #expect(value["payload"]?["text"] == "a\nb")
        #expect(value["answer_schema"]?["type"] == "null")
        #expect(value["task"] == 7)
        #expect(value["fence"] == 70)
        #expect(value["problems"] == nil)
    }

    @Test func repliesAreRead() throws {
        let key = LeaseKey(task: 1, fence: 2)
        func reply(_ text: String) throws -> TaskDocument.Reply { try TaskDocument.reply(Array(text.utf8)) }
        #expect(try reply(#"{"task":1,"fence":2,"answer":null}"#) == .answer(key, Array("null".utf8)))
        #expect(try reply(#"{"task":1,"fence":2,"decline":true}"#) == .decline(key))
        for bad in [
            "", "1", "{}", #"{"task":1}"#, #"{"task":1,"fence":2}"#, #"{"task":"1","fence":2,"answer":1}"#,
            #"{"task":1,"fence":2,"answer":1,"decline":true}"#,
        ] {
            #expect(throws: CommandFailure.self) { try reply(bad) }
        }
    }

    // MARK: - Lines mode without a program

    @Test func aCrashAnswersNothingAndGivesBackWhatWasHeld() {
        var desk = LinesDesk()
        _ = desk.started()
        _ = desk.happened(.leased(.sample(task: 1)))
        _ = desk.happened(.leased(.sample(task: 2)))
        let one = LeaseKey(task: 1, fence: 10)
        #expect(desk.wrote(Array(#"{"task":1,"fence":10,"answer":1}"#.utf8)) == [.answer(one, [49])])
        let actions = desk.ended(.exited(1))
        #expect(actions.first == .ask(.release, LeaseKey(task: 2, fence: 20)))
        #expect(actions.last == .restart(after: .milliseconds(500)))
        #expect(!actions.contains(.ask(.release, one)), "its answer is on the way")
    }

    @Test func linesThatFitNothingAreSaidAndIgnored() {
        var desk = LinesDesk()
        _ = desk.started()
        _ = desk.happened(.leased(.sample(task: 1)))
        let line = Array(#"{"task":1,"fence":10,"answer":1}"#.utf8)
        for text in ["nonsense", #"{"task":1,"fence":99,"answer":1}"#, #"{"task":5,"fence":1,"decline":true}"#] {
            let actions = desk.wrote(Array(text.utf8))
            #expect(actions.count == 1)
            guard case .say? = actions.first else {
                Issue.record("\(actions)")
                continue
            }
        }
        _ = desk.wrote(line)
        #expect(desk.wrote(line) == [.say("task 1 is answered twice")])
        #expect(desk.wrote([]) == [])
    }

    @Test func anAnswerAfterTheLeaseIsLostIsStillSent() {
        var desk = LinesDesk()
        _ = desk.started()
        _ = desk.happened(.leased(.sample(task: 1)))
        let key = LeaseKey(task: 1, fence: 10)
        _ = desk.happened(.lost(key, .deadline, message: ""))
        #expect(desk.wrote(Array(#"{"task":1,"fence":10,"answer":1}"#.utf8)) == [.answer(key, [49])])
    }

    @Test func aRefusedAnswerGoesBackToTheProgramTwiceThenToOthers() {
        var desk = LinesDesk()
        _ = desk.started()
        _ = desk.happened(.leased(.sample(task: 1)))
        let key = LeaseKey(task: 1, fence: 10)
        let refused = WorkEvent.settled(
            key,
            .with {
                $0.outcome = .refusedSchema
                $0.problems = [.with { $0.pointer = "/x" }]
            })
        for _ in 0..<2 {
            _ = desk.wrote(Array(#"{"task":1,"fence":10,"answer":1}"#.utf8))
            guard case .write(let line)? = desk.happened(refused).first else {
                Issue.record("not handed back")
                return
            }
            #expect(String(decoding: line, as: UTF8.self).contains(#""problems":[{"pointer":"/x""#))
        }
        _ = desk.wrote(Array(#"{"task":1,"fence":10,"answer":1}"#.utf8))
        #expect(desk.happened(refused).last == .ask(.release, key))
    }

    @Test func restartsBackOffAndAnAnswerResetsThem() {
        var desk = LinesDesk()
        var pauses: [LinesDesk.Action] = []
        for _ in 0..<10 {
            _ = desk.started()
            pauses += desk.ended(.killed(signal: 11)).suffix(1)
        }
        #expect(pauses.last == .restart(after: .seconds(30)))
        _ = desk.started()
        _ = desk.happened(.leased(.sample(task: 1)))
        _ = desk.wrote(Array(#"{"task":1,"fence":10,"answer":1}"#.utf8))
        #expect(desk.ended(.exited(0)).last == .restart(after: .milliseconds(500)))
    }
}

extension WorkTask {
    /// A task at a desk; its fence is ten times its number.
    static func sample(
        task: Int64 = 7, payload: String = "{}", schema: String = "{}", instructions: String = "Say which.",
        timeLeft: Duration = .seconds(600)
    ) -> WorkTask {
        WorkTask(
            lease: LeaseKey(task: task, fence: task * 10),
            project: WorkProject(
                id: 1, name: "rating", instructions: instructions, instructionsVersion: 2, answerSchema: schema),
            key: "k\(task)", kind: "puzzle", severity: 0, effort: .seconds(90), timeLeft: timeLeft,
            deadline: timeLeft, payload: Array(payload.utf8),
            why: .with {
                $0.policyVersion = 4
                $0.openLeases = 1
                $0.openLeasesLimit = 3
            })
    }
}
