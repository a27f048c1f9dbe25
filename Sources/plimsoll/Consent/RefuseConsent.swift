import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct RefuseConsent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refuse", abstract: "Say no to a purpose. Costs nothing, needs no reason, nobody is told why.")

    @Argument(help: "The purpose, as `plimsoll consent list` names it.")
    var purpose: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let receipt = try await connection.withCoordinator { client in
            try await client.workQueue.refuseAgreement(
                .with { $0.purpose = purpose }, options: ControlClient.callOptions)
        }
        output.report("\(receipt.purpose): \(receipt.state); receipt \(receipt.receiptID)", receipt.json)
    }
}
