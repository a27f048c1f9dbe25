import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ListConcerns: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "What is addressed to you, overdue first; with --own, what you raised by name.")

    @Flag(help: "What you have raised under your name, with the answers.")
    var own = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let concerns = try await connection.withCoordinator { client in
            try await client.concerns.listConcerns(.init(), options: ControlClient.callOptions)
        }
        output.list(
            own ? concerns.own : concerns.addressed,
            empty: own ? "you have raised none under your name" : "no concern is addressed to you")
    }
}
