import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct RevokeRole: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a role away; running streams of that role end.",
        discussion: """
            Needs an operator's certificate and a reason, which goes on the record and is told to the person: in `plimsoll \
            me access`, and when their worker is turned away. Whoever was an engineer can still say no to agreements, \
            read what is held of them and erase it.
            """)

    @Argument(help: "The person's name.")
    var name: String
    @Argument(help: "engineer, supervisor, reviewer or operator.")
    var role: GrantableRole
    @Option(help: "Why; the person is told, and it is on the record.")
    var reason: String
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
                    $0.reason = reason
                }, options: ControlClient.callOptions)
        }
        output.report("\(grant.name) may no longer act as \(grant.role)", Table.json(grant))
    }
}
