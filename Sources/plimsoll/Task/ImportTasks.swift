public import ArgumentParser
public import Exchange
import PlimsollModel
import PlimsollProtocol

extension TaskFormat: ExpressibleByArgument {}

struct ImportTasks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Bring tasks from a file, all or nothing.",
        discussion: """
            JSON Lines   {"key": "t1", "payload": {"text": "..."}, "kind": "essay", "severity": 0, "priority": 0, \
            "effort": "5m"}
            CSV          columns key, kind, severity, priority, effort, gold; every other column goes into the payload
            Label Studio an array of tasks; annotations are left out, ground truth becomes the known answer

            A key that is there with the same payload is skipped, so an import can be repeated; with another payload \
            it is a conflict, nothing is imported, and the exit code is 6.
            """)

    @Argument(help: "The file; - is standard input.")
    var file: String
    @Option(help: "The project that the tasks are for.")
    var project: String
    @Option(help: "jsonl, csv or labelstudio. Default: by the file's name (.jsonl, .csv, .json).")
    var format: TaskFormat?
    @Flag(help: "Check everything and import nothing.")
    var dryRun = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let task = try TaskImport(path: file, format: format, project: project, dryRun: dryRun)
        let progress = Progress(
            "importing \(task.name)", total: task.source.bytesTotal ?? 0, unit: "bytes")
        defer { progress.finish() }
        let outcome = try await connection.withCoordinator { try await task.run($0, progress: progress) }
        progress.finish()
        for remark in outcome.remarks { Output.talk("left out: \(remark)") }
        try Self.check(outcome.response)
        outcome.response.warnings.forEach(Output.warn)
        output.report(Self.sentence(outcome.response, project: project, dryRun: dryRun), Self.json(outcome.response))
        if !dryRun, outcome.response.import != 0, outcome.response.imported > 0 {
            Output.talk("to take it back: plimsoll task cancel --import \(outcome.response.import)")
        }
    }

    /// Throws when keys clash, with the first of them.
    static func check(_ response: Plimsoll_V1_ImportTasksResponse) throws {
        guard response.conflicts > 0 else { return }
        let first = response.conflictingKeys.map { "  " + Harmless.line($0) }.joined(separator: "\n")
        let keys = response.conflicts == 1 ? "1 key is" : "\(response.conflicts) keys are"
        throw CommandFailure(
            .conflict, "\(keys) there already with another payload, so nothing was imported\n\(first)",
            next: "tasks never change: give the changed ones new keys")
    }

    private static func sentence(
        _ response: Plimsoll_V1_ImportTasksResponse, project: String, dryRun: Bool
    ) -> String {
        let tasks = Counted.of(response.imported, "task")
        let there = ProgressPicture.grouped(Int(response.skipped))
        let skipped = response.skipped == 0 ? "" : ", \(there) \(response.skipped == 1 ? "was" : "were") there already"
        if dryRun { return "\(tasks) would be imported into \(project)\(skipped)" }
        let number = response.import == 0 ? "" : " (import \(response.import))"
        return "\(tasks) imported into \(project)\(skipped)\(number)"
    }

    private static func json(_ response: Plimsoll_V1_ImportTasksResponse) -> JSONValue {
        [
            "import": response.import == 0 ? .null : .number(JSONNumber(response.import)),
            "imported": .number(JSONNumber(Int(response.imported))),
            "skipped": .number(JSONNumber(Int(response.skipped))),
        ]
    }
}
