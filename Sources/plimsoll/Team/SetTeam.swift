import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct SetTeam: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Give a team another supervisor, within the span of control.")

    @Argument(help: "The team's name.")
    var name: String
    @Option(help: "Who answers for it from now on.")
    var supervisor: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let span = try await connection.withCoordinator { client in
            try await client.organisation.setTeam(
                .with {
                    $0.name = name
                    $0.supervisor = supervisor
                }, options: ControlClient.callOptions)
        }
        Output.warn(span.warning)
        output.report("\(span.supervisor) answers for the team \(span.team)", Table.json(span))
    }
}
