import ArgumentParser
import GRPCCore
import Identity
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct WithdrawConsent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw", abstract: "Take an agreement back, at once and for good (no reason, no question).",
        discussion: """
            Your leases under it end, and your labels are left out of every later export for that purpose; earlier \
            exports are told to drop them.

            While no coordinator or its database answers, the withdrawal is repeated until there is a receipt; workers \
            of this identity on this machine stop at once, and start none before. Exit code 1 when it was given up \
            before it was recorded.
            """)

    @Argument(help: "The purpose, as `plimsoll consent list` names it.")
    var purpose: String
    @Option(help: "Stop repeating after so long, for example 30s or 5m. Default: never.")
    var giveUpAfter: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let limit = try giveUpAfter.map { text in
            guard let duration = DurationText.parse(text) else {
                throw CommandFailure(.wrongUse, "--give-up-after \(text) is no duration", next: "write 30s or 5m")
            }
            return duration
        }
        let mark = WithdrawalMark(directory: try connection.identityFiles().directory)
        let receipt = try await StandingWithdrawal(purpose: purpose, mark: mark, giveUpAfter: limit).run(
            say: Output.talk
        ) {
            try await connection.withCoordinator { client in
                try await client.workQueue.withdrawAgreement(
                    .with { $0.purpose = purpose }, options: StandingWithdrawal.callOptions)
            }
        }
        output.report(
            "\(receipt.purpose): \(receipt.state), \(receipt.leasesEnded) leases ended; receipt \(receipt.receiptID)",
            receipt.json)
    }
}
