import ArgumentParser
import PlimsollProtocol

struct SetProject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change a project; what is not named stays.",
        discussion: "New instructions get a new version. Overlap and answer schema stay as they were created.")

    @Argument(help: "The project's name.")
    var name: String
    @OptionGroup var project: ProjectOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var file = try project.resolved()
        file.name = name
        let changes = file
        let changed = try await connection.withCoordinator { client in
            var document = try await client.project(name)
            changes.apply(to: &document)
            return try await client.control.setProject(document, options: ControlClient.callOptions)
        }
        Output.warn(changed.warning)
        output.report(
            "project \(changed.name) is changed (instructions version \(changed.instructionsVersion))",
            Table.json(ProjectDetails(document: changed)))
    }
}
