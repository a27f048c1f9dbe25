import Ledger
import Logging
import PlimsollModel

/// Takes every signed head, whichever coordinator signed it, to one place outside the database. So each coordinator's
/// file has them all, and what could not be written is written later: the place itself says how far it is.
struct HeadPublisher: Sendable {
    let place: any HeadPlace
    let interval: Duration
    let ledger: Ledger
    let logger: Logger

    /// Heads that are read at once.
    private static let headsMax = 500
    /// How often the database is looked at.
    private var pause: Duration { min(.seconds(1), interval) }

    /// Until cancelled. Whatever fails is logged and tried again; no other work waits for it.
    func run() async {
        var last: Int64?
        while !Task.isCancelled {
            do {
                if last == nil { last = try await begin() }
                while let from = last {
                    let heads = try await ledger.chainHeads(after: from, limit: Self.headsMax)
                    for head in heads {
                        try await place.keep(head)
                        last = head.head.seq
                    }
                    if heads.count < Self.headsMax { break }
                }
            } catch is CancellationError {
                return
            } catch {
                logger.error(
                    "a signed head did not reach its place; it is tried again",
                    metadata: ["place": "\(place.name)", "error": "\(error.forLog)"])
            }
            // Throws only when cancelled, which the loop sees by itself.
            try? await Task.sleep(for: pause)
        }
    }

    /// What keeps no count is told of the last head there is and of those that come.
    private func begin() async throws -> Int64 {
        if let last = try await place.last() { return last }
        let newest = try await ledger.lastChainHead() ?? 0
        return max(0, newest - 1)
    }
}
