import ArgumentParser
import Identity
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct QueueStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Every project in one line, and why its tasks wait.",
        discussion: """
            Where fewer people are at work in a project than the policy's group-operations, its figures are as of the \
            last full hour, so that they do not show what one of them does.
            """)

    @Option(help: "Only this project.")
    var project: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (projects, role) = try await connection.withCoordinator { client in
            let answer = try await client.control.queueStatus(
                .with { $0.project = project ?? "" }, options: ControlClient.callOptions)
            return (answer.projects, client.me.identity.role)
        }
        guard output.format == .table else { return output.write(projects, \.json) }
        output.list(projects, empty: "there are no projects yet; make one with `plimsoll project create`")
        let reasons = projects.reasonLines
        reasons.forEach(Output.line)
        if role == .supervisor, !reasons.isEmpty { Output.talk("what changes something is for an operator to run") }
    }
}
