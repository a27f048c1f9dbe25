import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ListTasks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Tasks of a project, with where each stands.")

    @Option(help: "The project.")
    var project: String
    @Option(help: "waiting, leased, done, quarantined or cancelled. Default: all.")
    var state: TaskState?
    @Option(help: "At most so many.")
    var limit: UInt32 = 100
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let tasks = try await connection.withCoordinator { client in
            try await client.control.listTasks(
                .with {
                    $0.project = project
                    $0.state = state?.rawValue ?? ""
                    $0.limit = limit
                }, options: ControlClient.callOptions
            ).tasks
        }
        output.list(tasks, empty: state.map { "no task of \(project) is \($0.rawValue)" } ?? "\(project) has no tasks")
        if tasks.count == Int(limit) { Output.talk("there may be more; raise --limit") }
    }
}
