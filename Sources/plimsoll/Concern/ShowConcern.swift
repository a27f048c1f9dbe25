import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ShowConcern: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "A concern that was raised without a name, with the answers, by its token.")

    @Option(help: "The token that was shown when it was raised.")
    var token: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let concern = try await connection.withCoordinator { client in
            try await client.concerns.showConcern(.with { $0.token = token }, options: ControlClient.callOptions)
        }
        output.details(concern)
    }
}
