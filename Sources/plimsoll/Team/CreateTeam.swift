import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct CreateTeam: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a team, with nobody in it yet.")

    @Argument(help: "The team's name.")
    var name: String
    @Option(help: "Who answers for it: a person with the role supervisor or operator.")
    var supervisor: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let team = try await connection.withCoordinator { client in
            try await client.organisation.createTeam(
                .with {
                    $0.name = name
                    $0.supervisor = supervisor
                }, options: ControlClient.callOptions)
        }
        output.report("team \(team.name) is made; \(team.supervisor) answers for it", Table.json(team))
    }
}
