import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ListProjects: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "All projects.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let projects = try await connection.withCoordinator {
            try await $0.control.listProjects(.init(), options: ControlClient.callOptions).projects
        }
        output.list(projects, empty: "there are no projects yet; make one with `plimsoll project create`")
    }
}
