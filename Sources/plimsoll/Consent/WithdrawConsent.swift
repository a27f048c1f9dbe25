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

    /// Without an answer by then, workers on this machine are stopped by the word alone.
    private static let answerAtOnce = Duration.seconds(1)
    /// How long one try may take.
    private static let tryWithin = Duration.seconds(15)

    func run() async throws {
        let limit = try giveUpAfter.map { text in
            guard let duration = DurationText.parse(text) else {
                throw CommandFailure(.wrongUse, "--give-up-after \(text) is no duration", next: "write 30s or 5m")
            }
            return duration
        }
        let mark = WithdrawalMark(directory: try connection.identityFiles().directory)
        let receipt = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await Task.sleep(for: Self.answerAtOnce)
                try mark.set(purpose)
            }
            defer { group.cancelAll() }
            return try await withdraw(giveUpAfter: limit, mark)
        }
        mark.clear(purpose)
        output.report(
            "\(receipt.purpose): \(receipt.state), \(receipt.leasesEnded) leases ended; receipt \(receipt.receiptID)",
            receipt.json)
    }

    private func withdraw(
        giveUpAfter limit: Duration?, _ mark: WithdrawalMark
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        var options = ControlClient.callOptions
        options.timeout = Self.tryWithin
        let callOptions = options
        do {
            return try await RepeatedWithdrawal(purpose: purpose, giveUpAfter: limit).run(
                clock: ContinuousClock(), say: Output.talk
            ) {
                try await connection.withCoordinator { client in
                    try await client.workQueue.withdrawAgreement(.with { $0.purpose = purpose }, options: callOptions)
                }
            }
        } catch {
            // A refusal says that there is nothing to wait for; a word that was not heard yet still stands.
            let wasHeard = (error as? RPCError).map { !RepeatedWithdrawal.isWorthRepeating($0) } ?? false
            if wasHeard { mark.clear(purpose) } else { try mark.set(purpose) }
            throw error
        }
    }
}
