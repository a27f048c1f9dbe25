import FoundationEssentials
import Synchronization

/// The work streams that are open here, and the one loop that keeps their time limits.
final class WorkSessions: Sendable {
    private struct State {
        var sessions: [ObjectIdentifier: WorkSession] = [:]
        var closing = false
    }

    private let state = Mutex(State())
    private let interval: Duration

    /// `interval` is how late a time limit may be noticed.
    init(_ times: GatewayConfiguration.Times) {
        interval = min(.seconds(1), max(.milliseconds(20), min(times.hello, times.halfClosed) / 4))
    }

    var count: Int { state.withLock { $0.sessions.count } }

    /// Runs `body` while the session counts as open. Throws `notReady` once the gateway is going.
    func with<Result>(_ session: WorkSession, _ body: () async throws -> Result) async throws -> Result {
        let added = state.withLock { state in
            guard !state.closing else { return false }
            state.sessions[ObjectIdentifier(session)] = session
            return true
        }
        guard added else {
            throw GatewayError(
                .notReady, "this coordinator is going; use another one", retryAfter: RetryDelay.going)
        }
        defer { state.withLock { _ = $0.sessions.removeValue(forKey: ObjectIdentifier(session)) } }
        return try await body()
    }

    /// Keeps the time limits until cancelled. One pass over 10,000 streams costs about a millisecond.
    func run() async {
        while !Task.isCancelled {
            let now = ContinuousClock.now
            let date = Date()
            for session in all() { session.check(now: now, date: date) }
            // Throws only when cancelled, which the loop sees by itself.
            try? await Task.sleep(for: interval)
        }
    }

    /// Tells every worker that the coordinator is going, takes no more streams, and waits until all have gone or
    /// `time` has passed; those that are left are ended.
    func drain(within time: Duration) async {
        state.withLock { $0.closing = true }
        let end = ContinuousClock.now + time
        await withDiscardingTaskGroup { group in
            group.addTask {
                await withDiscardingTaskGroup { tellers in
                    for session in self.all() { tellers.addTask { await session.drain(within: time) } }
                }
            }
            while count > 0, ContinuousClock.now < end, !Task.isCancelled {
                // As above.
                try? await Task.sleep(for: Self.drainPoll)
            }
            group.cancelAll()
        }
        for session in all() {
            session.end(
                .failed(GatewayError(.notReady, "this coordinator has gone; use another one", retryAfter: .zero)))
        }
    }

    private static let drainPoll = Duration.milliseconds(20)

    private func all() -> [WorkSession] { state.withLock { Array($0.sessions.values) } }
}
