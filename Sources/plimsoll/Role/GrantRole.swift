import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct GrantRole: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Let a person act in a role.",
        discussion: """
            The token that it prints is for the person, once: `plimsoll cert request olu --role supervisor --token \
            TOKEN`. Asked again, it makes another one.
            """)

    @Argument(help: "The person's name.")
    var name: String
    @Argument(help: "engineer, supervisor, reviewer or operator.")
    var role: GrantableRole
    @Flag(inversion: .prefixedNo, help: "Make a one-time token for the person's `cert request`.")
    var token = true
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let grant = try await connection.withCoordinator { client in
            try await client.control.grantRole(
                .with {
                    $0.name = name
                    $0.role = role.rawValue
                    $0.token = token
                }, options: ControlClient.callOptions)
        }
        var sentence = "\(grant.name) may act as \(grant.role)"
        if !grant.token.isEmpty {
            sentence += "\ntoken, shown once: \(grant.token)"
            Output.talk(
                "next, on the person's machine: plimsoll cert request \(grant.name) --role \(grant.role) "
                    + "--token \(grant.token)")
        }
        output.report(
            sentence,
            [
                "name": .string(grant.name), "role": .string(grant.role), "token": .textOrNull(grant.token),
            ])
    }
}
