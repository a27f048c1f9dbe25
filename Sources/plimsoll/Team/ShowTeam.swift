import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct ShowTeam: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One team: its supervisor and the names of who is in it.")

    @Argument(help: "The team's name.")
    var name: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let team = try await connection.withCoordinator { client in
            try await client.organisation.showTeam(.with { $0.name = name }, options: ControlClient.callOptions)
        }
        switch output.format {
        case .table:
            output.details(team)
            for member in team.members { Output.line("  \(member)") }
        case .name: output.details(team)
        case .json, .yaml:
            guard case .object(var object) = Table.json(team) else { return }
            object["members"] = .array(team.members.map(JSONValue.string))
            output.write(.object(object))
        }
    }
}
