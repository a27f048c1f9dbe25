import ArgumentParser
import PlimsollProtocol

struct CreateProject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a project.",
        discussion: """
            plimsoll project create essays --instructions guide.md --schema answer.json --purpose taking-part \
            --purpose training --named-person ana

            An answer schema is a JSON Schema in which every object says "additionalProperties": false.
            """)

    @Argument(help: "The project's name; may be in the file instead.")
    var name: String?
    @OptionGroup var project: ProjectOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var file = try project.resolved()
        if let name { file.name = name }
        let document = try file.document()
        let made = try await connection.withCoordinator {
            try await $0.control.createProject(document, options: ControlClient.callOptions)
        }
        Output.warn(made.warning)
        output.report(
            "project \(made.name) is there; enrol engineers with `plimsoll engineer enrol`, "
                + "bring tasks with `plimsoll task import FILE --project \(made.name)`",
            Table.json(ProjectDetails(document: made)))
    }
}
