import ArgumentParser
import Foundation
import PlimsollModel

/// Answers one task as a made-up engineer would: what `plimsoll work --exec` runs in the demo. Reads the task from
/// standard input and writes an answer that the schema accepts. A few engineers show what can happen on the way.
struct DemoAnswer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "demo-answer", shouldDisplay: false)

    @Option var engineer: String
    @Option var folder: String

    /// Who does what, once each.
    static let declines = "fay"
    static let holds = "ben"
    static let thinks = "gus"

    /// The exit code by which a program declines a task.
    private static let decline = ExitStatus.refused

    /// How long an answer takes, milliseconds: long enough to see, short enough to wait for.
    private static let pause = 150...600
    /// How long somebody holds a task or thinks at most, in case nobody comes.
    private static let holdMax = Duration.seconds(90)
    private static let holdPoll = Duration.milliseconds(100)

    func run() async throws {
        let files = DemoFolder(directory: DataDirectory(path: folder))
        let input = try FileHandle.standardInput.readToEnd() ?? Data()
        let task = try JSONValue.parse(Array(input))
        let key = task["key"]?.stringValue ?? ""
        func note(_ deed: DemoNote.Deed) throws {
            try DemoNote(engineer: engineer, deed: deed, process: getpid(), key: key).append(to: files.notes)
        }
        let mine = DemoNote.read(files.notes).filter { $0.engineer == engineer }
        if task["payload"]?["demo"]?.stringValue == "crash" {
            try note(.crashed)
            try Self.crash(files.workerProcess(engineer))
            return
        }
        if engineer == Self.declines, !mine.contains(where: { $0.deed == .declined }), mine.count >= 1 {
            try note(.declined)
            throw Self.decline
        }
        if engineer == Self.holds, !mine.contains(where: { $0.deed == .holds }), mine.count >= 2 {
            try note(.holds)
            try await Self.wait { false }
        }
        if engineer == DemoPeople.rests, !mine.contains(where: { $0.deed == .rests }), mine.count >= 1 {
            try note(.rests)
            try await Self.wait { false }
        }
        if engineer == Self.thinks, !mine.contains(where: { $0.deed == .thinks }), mine.count >= 2 {
            try note(.thinks)
            let release = files.release.path(percentEncoded: false)
            try await Self.wait { FileManager.default.fileExists(atPath: release) }
        }
        var maker = AnswerMaker(seed: "\(engineer) \(key)")
        let answer = maker.make(try Self.schema(of: task))
        try await Task.sleep(for: .milliseconds(Int.random(in: Self.pause)))
        try note(.answered)
        Output.bytes(answer.encode() + [10])
    }

    private static func schema(of task: JSONValue) throws -> JSONValue {
        guard let schema = task["answer_schema"] ?? task["project"]?["answer_schema"] else {
            throw CommandFailure(.wrongUse, "the task on standard input has no answer schema")
        }
        return try schema.stringValue.map { try JSONValue.parse($0) } ?? schema
    }

    private static func wait(until done: () -> Bool) async throws {
        let deadline = ContinuousClock.now + holdMax
        while !done(), ContinuousClock.now < deadline { try await Task.sleep(for: holdPoll) }
    }

    /// Ends the worker as a fault in a program would.
    private static func crash(_ file: URL) throws {
        let text = try String(contentsOf: file, encoding: .utf8)
        guard let process = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), process > 1 else { return }
        kill(process, SIGKILL)
    }
}
