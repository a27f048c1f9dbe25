import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct RevokeRole: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a role away; running streams of that role end.")

    @Argument(help: "The person's name.")
    var name: String
    @Argument(help: "engineer, supervisor, reviewer or operator.")
    var role: GrantableRole
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try confirm.confirm("Take the role \(role.rawValue) from \(name)?", output: output)
        let grant = try await connection.withCoordinator { client in
            try await client.control.revokeRole(
                .with {
                    $0.name = name
                    $0.role = role.rawValue
                }, options: ControlClient.callOptions)
        }
        output.report("\(grant.name) may no longer act as \(grant.role)", Table.json(grant))
    }
}
