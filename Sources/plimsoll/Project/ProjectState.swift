import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct PauseProject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Give no new leases; open ones may be finished.")

    @Argument(help: "The project's name.")
    var name: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await ProjectState.set("paused", of: name, connection, output)
    }
}

struct ResumeProject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Give leases again.")

    @Argument(help: "The project's name.")
    var name: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await ProjectState.set("open", of: name, connection, output)
    }
}

struct CloseProject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "End a project: open leases end, labels stay and can be exported.")

    @Argument(help: "The project's name.")
    var name: String
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try confirm.confirm("Close \(name)? Its open leases end at once.", output: output)
        try await ProjectState.set("closed", of: name, connection, output)
    }
}

/// The three states a project can be put into.
enum ProjectState {
    static func set(
        _ state: String, of name: String, _ connection: ConnectionOptions, _ output: OutputOptions
    ) async throws {
        let project = try await connection.withCoordinator { client in
            try await client.control.setProjectState(
                .with {
                    $0.name = name
                    $0.state = state
                }, options: ControlClient.callOptions)
        }
        output.report("project \(project.name) is \(project.state)", Table.json(project))
    }
}
