import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct MoveEngineer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move", abstract: "Put an engineer into another team, so under another supervisor.",
        discussion: "What was before is kept with who ended it and why, for the engineer's eyes.")

    @Argument(help: "The engineer's name.")
    var name: String
    @Option(help: "The team to come into.")
    var team: String
    @Option(help: "Why; it is on the record.")
    var reason: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let span = try await connection.withCoordinator { client in
            try await client.organisation.moveEngineer(
                .with {
                    $0.name = name
                    $0.team = team
                    $0.reason = reason
                }, options: ControlClient.callOptions)
        }
        Output.warn(span.warning)
        output.report("\(name) is in the team \(span.team), and \(span.supervisor) answers for them", Table.json(span))
    }
}
