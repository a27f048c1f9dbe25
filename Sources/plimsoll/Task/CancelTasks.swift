import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct CancelTasks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Take an import back: its tasks that nobody has begun are never leased.")

    @Option(name: .customLong("import"), help: "The import's number, as `task import` printed it.")
    var number: Int64
    @Flag(help: "Say what would be cancelled and change nothing.")
    var dryRun = false
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        if !dryRun { try confirm.confirm("Cancel import \(number)? This cannot be undone.", output: output) }
        let answer = try await connection.withCoordinator { client in
            try await client.control.cancelImport(
                .with {
                    $0.import = number
                    $0.dryRun = dryRun
                }, options: ControlClient.callOptions)
        }
        output.report(
            "\(answer.cancelled) tasks \(dryRun ? "would be" : "are") cancelled, \(answer.kept) stay because somebody "
                + "has begun or finished them",
            [
                "cancelled": .number(JSONNumber(Int(answer.cancelled))),
                "kept": .number(JSONNumber(Int(answer.kept))), "dry_run": .bool(dryRun),
            ])
    }
}
