import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct WithdrawConsent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw", abstract: "Take an agreement back, at once and for good (no reason, no question).",
        discussion: "Your leases under it end, and your labels are left out of every later export for that purpose.")

    @Argument(help: "The purpose, as `plimsoll consent list` names it.")
    var purpose: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let receipt = try await connection.withCoordinator { client in
            try await client.workQueue.withdrawAgreement(
                .with { $0.purpose = purpose }, options: ControlClient.callOptions)
        }
        output.report(
            "\(receipt.purpose): \(receipt.state), \(receipt.leasesEnded) leases ended; receipt \(receipt.receiptID)",
            receipt.json)
    }
}
