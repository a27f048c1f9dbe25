import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ShowTask: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Where one task stands.")

    @Argument(help: "The task's key.")
    var key: String
    @Option(help: "The project.")
    var project: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let tasks = try await connection.withCoordinator { client in
            try await client.control.listTasks(
                .with {
                    $0.project = project
                    $0.key = key
                    $0.limit = 1
                }, options: ControlClient.callOptions
            ).tasks
        }
        guard let task = tasks.first(where: { $0.key == key }) else {
            throw CommandFailure(
                .notFound, "\(project) has no task with the key \(key)",
                next: "`plimsoll task list --project \(project)` names some")
        }
        output.details(task)
    }
}
