import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct SetReadOnly: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read-only", abstract: "Stop leases and imports, or let them go on.",
        discussion: """
            While it is on, engineers finish what they hold: their answers count, and saying no, withdrawing and \
            raising a concern work as ever. No lease is granted once the command has returned.
            """)

    enum Switch: String, ExpressibleByArgument, CaseIterable {
        case on, off
    }

    @Argument(help: "on or off.")
    var mode: Switch
    @Option(help: "Why; it is on the record and shown to whoever asks.")
    var reason: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let status = try await connection.withCoordinator { client in
            try await client.deployment.setReadOnly(
                .with {
                    $0.readOnly = mode == .on
                    $0.reason = reason
                }, options: ControlClient.callOptions)
        }
        output.report(
            status.readOnly
                ? "read-only mode is on: nothing is leased or imported"
                : "read-only mode is off: leases and imports go on", Table.json(status))
    }
}
