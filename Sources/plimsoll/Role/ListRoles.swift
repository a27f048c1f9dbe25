import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ListRoles: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Who may act as what.")

    @Argument(help: "Only of this person.")
    var name: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let grants = try await connection.withCoordinator { client in
            try await client.control.listRoles(.with { $0.name = name ?? "" }, options: ControlClient.callOptions)
                .grants
        }
        output.list(grants, empty: "no roles are granted; grant one with `plimsoll role grant NAME ROLE`")
    }
}
