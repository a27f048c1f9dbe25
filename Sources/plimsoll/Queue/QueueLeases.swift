import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct QueueLeases: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leases", abstract: "What is being worked on now; tasks, never people.",
        discussion: """
            A supervisor sees what fewer people hold than the policy's group-operations as of the last full hour; an \
            operator sees it as it is.
            """)

    @Option(help: "Only this project.")
    var project: String?
    @Option(help: "At most so many, the oldest first.")
    var limit: UInt32 = 100
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let leases = try await connection.withCoordinator { client in
            try await client.control.listLeases(
                .with {
                    $0.project = project ?? ""
                    $0.limit = limit
                }, options: ControlClient.callOptions
            ).leases
        }
        output.list(leases, empty: "nothing is leased now")
    }
}
