import Foundation
import Glibc
import Identity
import Synchronization
import Testing
import WorkerKit

@testable import plimsoll

@Suite("plimsoll work on a real terminal", .timeLimit(.minutes(5)))
struct ScreenTerminalTests {
    /// The command as it was built beside these tests.
    private static let binary = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("plimsoll").path

    private func start(
        _ deployment: LiveDeployment, _ addresses: [String], environment: [String: String] = [:]
    ) throws -> PseudoTerminal {
        var environment = environment
        environment["PLIMSOLL_SERVER"] = addresses.joined(separator: ",")
        environment["PLIMSOLL_IDENTITY"] = deployment.identity.directory.path
        environment["TERM"] = "xterm"
        environment["PATH"] = "/usr/bin:/bin"
        return try PseudoTerminal([Self.binary, "work"], environment: environment)
    }

    @Test func aPersonAnswersQuitsAndHasTheTerminalBack() async throws {
        try await LiveDeployment.with([.init(tasks: 2)]) { deployment, coordinators, addresses in
            let terminal = try start(deployment, addresses)
            try await terminal.see("rating k1")
            #expect(!terminal.isCooked)
            try await terminal.see("Say which.")
            terminal.type("2")
            try await terminal.see("2 (*) b")
            let draft = deployment.identity.directory.appendingPathComponent("drafts/1-1.json").path
            try await terminal.wait("a draft") { FileManager.default.fileExists(atPath: draft) }
            terminal.type("s")
            try await terminal.see("rating k2")
            #expect(coordinators[0].seen.withLock { $0.labels[1] } == Array(#"{"label":"b"}"#.utf8))
            try await terminal.wait("no draft") { !FileManager.default.fileExists(atPath: draft) }
            terminal.type("1s")
            try await terminal.see("nothing left for you")
            terminal.type("q")
            #expect(try await terminal.ending() == 0)
            #expect(terminal.isCooked)
            try await terminal.see("\u{1B}[?1049l")
            try await terminal.see("2 accepted")
        }
    }

    @Test func aSignalGivesBackTheTaskAndTheTerminalAndKeepsTheDraft() async throws {
        try await LiveDeployment.with([.init(tasks: 1)]) { deployment, coordinators, addresses in
            let terminal = try start(deployment, addresses)
            try await terminal.see("rating k1")
            terminal.type("1")
            try await terminal.see("1 (*) a")
            terminal.signal(SIGTERM)
            // Twice: at once.
            terminal.signal(SIGHUP)
            #expect(try await terminal.ending() == 0)
            #expect(terminal.isCooked)
            #expect(coordinators[0].seen.withLock { $0.releases } == [1])
            let drafts = deployment.identity.directory.appendingPathComponent("drafts").path
            #expect(try FileManager.default.contentsOfDirectory(atPath: drafts) == ["1-1.json"])
        }
    }

    @Test func theEditorGetsTheTerminalAndItsTextIsTaken() async throws {
        let schema = #"{"type":"object","properties":{"note":{"type":"string"}},"additionalProperties":false}"#
        try await LiveDeployment.with([.init(tasks: 1, schema: schema)]) { deployment, coordinators, addresses in
            let editor =
                #"f() { stty -a | grep -q ' icanon' && printf 'two\nlines\n' > "$1"; }; f"#
            let terminal = try start(deployment, addresses, environment: ["EDITOR": editor])
            try await terminal.see("enter: write in the editor")
            terminal.type("\r")
            try await terminal.see("two")
            terminal.type("s")
            try await terminal.see("nothing left for you")
            #expect(coordinators[0].seen.withLock { $0.labels[1] } == Array(#"{"note":"two\nlines"}"#.utf8))
            terminal.type("\u{3}")
            #expect(try await terminal.ending() == 0)
            let drafts = deployment.identity.directory.appendingPathComponent("drafts").path
            #expect(try FileManager.default.contentsOfDirectory(atPath: drafts).isEmpty)
        }
    }

    @Test func loadAndWhyAreAKeyAwayAndTheDraftWaits() async throws {
        try await LiveDeployment.with([.init(tasks: 1)]) { deployment, coordinators, addresses in
            let terminal = try start(deployment, addresses, environment: ["LANG": "C"])
            try await terminal.see("rating k1")
            terminal.type("2")
            try await terminal.see("2 (*) b")
            try await terminal.see("w why  l load  a agree  m mine  q quit  ? help")
            terminal.type("l")
            try await terminal.see("day-time           ####............|   60m of 4h")
            terminal.forget()
            terminal.type("x")
            try await terminal.see("2 (*) b")
            terminal.type("w")
            try await terminal.see("Why this task is yours now")
            try await terminal.see("Everything that is left for you is in other hands.")
            terminal.type("x")
            terminal.type("s")
            try await terminal.see("nothing left for you")
            #expect(coordinators[0].seen.withLock { $0.labels[1] } == Array(#"{"label":"b"}"#.utf8))
            terminal.type("w")
            try await terminal.see("Everything that is left for you is in other hands.")
            terminal.type("xq")
            #expect(try await terminal.ending() == 0)
        }
    }

    @Test func aWithdrawalIsTwoKeysAndStandsUntilItIsRecorded() async throws {
        try await LiveDeployment.with([.init(tasks: 2, withdrawalsLost: 2)]) { deployment, coordinators, addresses in
            let terminal = try start(deployment, addresses)
            try await terminal.see("rating k1")
            terminal.type("2")
            let draft = deployment.identity.directory.appendingPathComponent("drafts/1-1.json").path
            try await terminal.wait("a draft") { FileManager.default.fileExists(atPath: draft) }
            terminal.type("a")
            try await terminal.see("1  training, needed by rating")
            terminal.type("1")
            try await terminal.see("Withdraw training?")
            terminal.type("y")
            try await terminal.see("You have withdrawn training. Your word stands.")
            try await terminal.see("not yet recorded")
            // Other workers of this identity stop at the mark; this screen stays.
            let mark = deployment.identity.directory.appendingPathComponent("withdrawing-training").path
            try await terminal.wait("a mark") { FileManager.default.fileExists(atPath: mark) }
            terminal.type("1s")
            try await terminal.see("training: withdrawn, 0 leases ended; receipt receipt-1")
            try await terminal.wait("no draft") { !FileManager.default.fileExists(atPath: draft) }
            try await terminal.wait("no mark") { !FileManager.default.fileExists(atPath: mark) }
            #expect(coordinators[0].seen.withLock { $0.withdrawals } == ["training", "training", "training"])
            #expect(coordinators[0].seen.withLock { $0.submits } == 0, "nothing is answered after the word")
            terminal.type("q")
            #expect(try await terminal.ending() == 0)
        }
    }

    @Test func whoLeavesBeforeTheReceiptIsToldThatTheWordStillWaits() async throws {
        try await LiveDeployment.with([.init(tasks: 1, withdrawalsLost: 1_000)]) { deployment, _, addresses in
            let terminal = try start(deployment, addresses)
            try await terminal.see("rating k1")
            terminal.type("a")
            try await terminal.see("2  evaluation")
            terminal.type("2y")
            try await terminal.see("not yet recorded")
            terminal.type("q")
            #expect(try await terminal.ending() == 3)
            #expect(terminal.isCooked)
            let mark = deployment.identity.directory.appendingPathComponent("withdrawing-evaluation").path
            #expect(FileManager.default.fileExists(atPath: mark))
            try await terminal.see("run `plimsoll consent withdraw evaluation` until it prints a receipt")
        }
    }

    @Test func withoutATerminalItSaysSoAndEndsWithTwo() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.binary)
        process.arguments = ["work", "--server", "localhost:1", "--identity", "/nowhere"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 2)
        #expect(said.contains("the screen needs a terminal"))
    }

    @Test func anIdentityThatIsNotThereIsExitCodeFour() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.binary)
        process.arguments = ["work", "--server", "localhost:1", "--identity", "/nowhere", "--exec", "true"]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 4)
    }
}
