import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct CancelTasks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Take an import or one task back: what nobody has begun is never leased.")

    @Argument(help: "The task's key; with --project.")
    var key: String?
    @Option(help: "The task's project.")
    var project: String?
    @Option(name: .customLong("import"), help: "Instead of a key: the import's number, as `task import` printed it.")
    var number: Int64?
    @Flag(help: "Say what would be cancelled and change nothing.")
    var dryRun = false
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if number == nil, key == nil || project == nil {
            throw ValidationError("Name a task by KEY and --project, or an import by --import N.")
        }
        if number != nil, key != nil || project != nil {
            throw ValidationError("Name either a task or an import.")
        }
    }

    func run() async throws {
        let what = number.map { "import \($0)" } ?? "task \(key ?? "")"
        if !dryRun { try confirm.confirm("Cancel \(what)? This cannot be undone.", output: output) }
        let answer = try await connection.withCoordinator { client in
            try await client.control.cancelImport(
                .with {
                    $0.import = number ?? 0
                    $0.project = project ?? ""
                    $0.key = key ?? ""
                    $0.dryRun = dryRun
                }, options: ControlClient.callOptions)
        }
        let verb = dryRun ? "would be" : answer.cancelled == 1 ? "is" : "are"
        output.report(
            "\(Counted.of(answer.cancelled, "task")) \(verb) cancelled, \(Counted.of(answer.kept, "task")) kept: begun or "
                + "finished by somebody",
            [
                "cancelled": .number(JSONNumber(Int(answer.cancelled))),
                "kept": .number(JSONNumber(Int(answer.kept))), "dry_run": .bool(dryRun),
            ])
    }
}
