import GRPCCore
import WorkerKit

/// A coordinator lets few read long streams at once and refuses the others after a while, with a word after how long to
/// come again; they ask again.
enum StreamTurn {
    /// How long one command goes on asking.
    static let patience = Duration.seconds(60)
    /// The shortest pause, whatever the coordinator says.
    static let pause = Duration.seconds(2)

    /// Runs `ask` until it is not refused for want of a turn any more; after `patience` the refusal stands.
    static func wait<Result, C: Clock>(
        patience: Duration = patience, pause: Duration = pause, clock: C = ContinuousClock(),
        _ ask: () async throws -> Result
    ) async throws -> Result where C.Duration == Duration {
        let end = clock.now.advanced(by: patience)
        while true {
            do {
                return try await ask()
            } catch let error as RPCError where error.code == .resourceExhausted && clock.now < end {
                // Without that word it is no matter of turns: a message that is too large, say, stays too large.
                guard let asked = WorkerError(rpc: error).retryAfter else { throw error }
                let rest = max(pause, asked)
                Output.talk("others are reading just now; asking again in \(EventSentence.seconds(rest))")
                try await clock.sleep(for: rest)
            }
        }
    }
}
