import ArgumentParser
import PlimsollProtocol

struct ShowProject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "One project with its instructions.")

    @Argument(help: "The project's name.")
    var name: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let project = try await connection.withCoordinator { try await $0.project(name) }
        output.details(ProjectDetails(document: project))
    }
}
