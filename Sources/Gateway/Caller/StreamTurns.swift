import Synchronization

/// Lets few read a stream at once, one stream of each person, in the order in which they asked. Such a stream holds a
/// database connection for as long as its reader takes, and every other call needs one too.
final class StreamTurns: Sendable {
    /// Calls that may wait for a turn, one of each person.
    static let waitingMax = 64

    private struct Waiter {
        let person: String
        /// Ends when the turn has come or was waited for too long.
        let patience: Task<Void, Never>
    }

    private struct State {
        /// Who has a stream open.
        var readers: Set<String> = []
        var waiting: [Waiter] = []

        mutating func enter(_ person: String, max: Int) -> Bool {
            guard readers.count < max else { return false }
            return readers.insert(person).inserted
        }

        /// Gives the turn to whoever waits longest and has none.
        mutating func leave(_ person: String) -> Waiter? {
            readers.remove(person)
            guard let index = waiting.firstIndex(where: { !readers.contains($0.person) }) else { return nil }
            let next = waiting.remove(at: index)
            readers.insert(next.person)
            return next
        }

        /// False when the turn has come already.
        mutating func giveUp(_ patience: Task<Void, Never>) -> Bool {
            guard let index = waiting.firstIndex(where: { $0.patience == patience }) else { return false }
            waiting.remove(at: index)
            return true
        }
    }

    private enum Entry {
        case open
        case waiting(Task<Void, Never>)
        case refused(String)
    }

    private let openMax: Int
    private let waitMax: Duration
    private let state = Mutex(State())

    init(
        _ limits: GatewayConfiguration.Limits = GatewayConfiguration.Limits(),
        _ times: GatewayConfiguration.Times = GatewayConfiguration.Times()
    ) {
        openMax = limits.streamsMax
        waitMax = times.turn
    }

    /// Streams that are open.
    var openCount: Int { state.withLock { $0.readers.count } }
    /// Calls that wait for their turn.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Runs `body` when it is this person's turn. Throws `limitExceeded` when no turn came in time or too many wait.
    func withTurn<Result>(of person: String, _ body: () async throws -> Result) async throws -> Result {
        try await enter(person)
        defer { leave(person) }
        return try await body()
    }

    private func enter(_ person: String) async throws {
        let entry = state.withLock { state -> Entry in
            if state.enter(person, max: openMax) { return .open }
            if state.waiting.contains(where: { $0.person == person }) {
                return .refused("another call of yours waits for its turn already")
            }
            if state.waiting.count >= Self.waitingMax { return .refused("too many calls wait for their turn already") }
            let patience = Task { await expire() }
            state.waiting.append(Waiter(person: person, patience: patience))
            return .waiting(patience)
        }
        switch entry {
        case .open: return
        case .refused(let why): throw refusal(why)
        case .waiting(let patience): try await wait(patience)
        }
    }

    private func wait(_ patience: Task<Void, Never>) async throws {
        await withTaskCancellationHandler {
            await patience.value
        } onCancel: {
            patience.cancel()
        }
        guard state.withLock({ $0.giveUp(patience) }) else { return }
        try Task.checkCancellation()
        throw refusal("no turn came within \(waitMax.inWords)")
    }

    private func leave(_ person: String) {
        state.withLock { $0.leave(person) }?.patience.cancel()
    }

    private func expire() async {
        // Cancelled because the turn came, or with the call.
        do { try await Task.sleep(for: waitMax) } catch { return }
    }

    private func refusal(_ why: String) -> GatewayError {
        GatewayError(
            .limitExceeded,
            "this coordinator sends at most \(openMax) such streams at once, one to each person; \(why), "
                + "so try again in a moment", retryAfter: RetryDelay.crowded)
    }
}
