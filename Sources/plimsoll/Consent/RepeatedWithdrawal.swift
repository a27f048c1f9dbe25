import GRPCCore
import PlimsollModel
import PlimsollProtocol

/// A withdrawal that is tried until it is on the record (P3): the person's word stands, whatever is away.
struct RepeatedWithdrawal {
    let purpose: String
    /// nil: never.
    var giveUpAfter: Duration?
    /// The wait after the first try; it doubles up to the other.
    var waitFirst = Duration.seconds(1)
    var waitMax = Duration.seconds(8)

    /// Gives the receipt. `say` is told while it is not recorded: at the first failure, and each time twice as many
    /// tries have failed. Throws what asking again does not mend, and `failed` when the time is over.
    func run<Time: Clock<Duration>>(
        clock: Time, say: (String) -> Void, _ attempt: () async throws -> Plimsoll_V1_ConsentReceipt
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        let begin = clock.now
        var wait = waitFirst
        var tries = 0
        while true {
            do {
                let receipt = try await attempt()
                if tries > 0 { say("recorded after \(tries + 1) tries") }
                return receipt
            } catch  where Self.isWorthRepeating(error) {
                tries += 1
                let cause = CommandFailure(error).message
                if let giveUpAfter, begin.duration(to: clock.now) + wait > giveUpAfter {
                    throw CommandFailure(
                        .failed, "the withdrawal of \(purpose) is not yet recorded after \(tries) tries: \(cause)",
                        next: "run the same command again until it prints a receipt; "
                            + "`plimsoll work` with this identity takes no task before", cause: error)
                }
                // Powers of two: a long wait is no reason for a long scroll.
                if tries & (tries - 1) == 0 {
                    say(
                        "not yet recorded: \(cause); your word stands, and is repeated until it is recorded "
                            + "(tried \(tries) times, next in \(DurationText.readable(wait)))")
                }
                try await clock.sleep(for: wait)
                wait = min(wait * 2, waitMax)
            }
        }
    }

    /// Whatever is away or overloaded may answer later; a refusal would be the same again.
    static func isWorthRepeating(_ error: any Error) -> Bool {
        let remote = error as? RPCError ?? (error as? CommandFailure)?.cause as? RPCError
        switch remote?.code {
        case .unavailable?, .deadlineExceeded?, .resourceExhausted?, .cancelled?, .unknown?, .internalError?:
            return true
        default: return false
        }
    }
}
