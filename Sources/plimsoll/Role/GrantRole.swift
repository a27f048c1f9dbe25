import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct GrantRole: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "grant", abstract: "Let a person act in a role.")

    @Argument(help: "The person's name.")
    var name: String
    @Argument(help: "engineer, supervisor, reviewer or operator.")
    var role: GrantableRole
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let grant = try await connection.withCoordinator { client in
            try await client.control.grantRole(
                .with {
                    $0.name = name
                    $0.role = role.rawValue
                }, options: ControlClient.callOptions)
        }
        output.report("\(grant.name) may act as \(grant.role)", Table.json(grant))
    }
}
