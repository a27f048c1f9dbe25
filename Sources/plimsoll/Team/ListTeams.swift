import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ListTeams: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "All teams, their supervisors, and for how many each answers.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let teams = try await connection.withCoordinator { client in
            try await client.organisation.listTeams(.init(), options: ControlClient.callOptions).teams
        }
        output.list(teams, empty: "there are no teams; make one with `plimsoll team create`")
    }
}
