import GRPCCore
import PlimsollProtocol

/// A withdrawal as a person says it once: tried until it is on the record, and where that is not at once, the mark
/// beside the identity stops its workers on this machine (P3).
struct StandingWithdrawal: Sendable {
    let purpose: String
    let mark: WithdrawalMark
    /// nil: never.
    var giveUpAfter: Duration?

    /// Without an answer by then, workers on this machine are stopped by the word alone.
    private static let answerAtOnce = Duration.seconds(1)
    /// How long one try may take.
    private static let tryWithin = Duration.seconds(15)

    static var callOptions: CallOptions {
        var options = CallOptions.defaults
        options.timeout = tryWithin
        return options
    }

    /// Gives the receipt; `say` is told while there is none. Throws what asking again does not mend, and leaves the
    /// mark where the word was not heard: cancelled, or given up.
    func run(
        say: (String) -> Void, _ attempt: () async throws -> Plimsoll_V1_ConsentReceipt
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        let receipt = try await withThrowingTaskGroup(of: Void.self) { group in
            let (mark, purpose) = (mark, purpose)
            group.addTask {
                try await Task.sleep(for: Self.answerAtOnce)
                try mark.set(purpose)
            }
            defer { group.cancelAll() }
            return try await repeated(say: say, attempt)
        }
        mark.clear(purpose)
        return receipt
    }

    private func repeated(
        say: (String) -> Void, _ attempt: () async throws -> Plimsoll_V1_ConsentReceipt
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        do {
            return try await RepeatedWithdrawal(purpose: purpose, giveUpAfter: giveUpAfter)
                .run(clock: ContinuousClock(), say: say, attempt)
        } catch {
            // A refusal says that there is nothing to wait for; a word that was not heard yet still stands.
            let wasHeard = (error as? RPCError).map { !RepeatedWithdrawal.isWorthRepeating($0) } ?? false
            if wasHeard { mark.clear(purpose) } else { try mark.set(purpose) }
            throw error
        }
    }
}
