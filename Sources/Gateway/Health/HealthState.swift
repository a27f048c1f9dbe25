import Synchronization

/// Whether this coordinator serves, and who wants to hear when that changes.
final class HealthState: Sendable {
    private struct State {
        var serving = false
        /// Once the gateway is going it never serves again.
        var going = false
        var nextWatcher = 0
        var watchers: [Int: AsyncStream<Bool>.Continuation] = [:]
    }

    private let state = Mutex(State())

    var isServing: Bool { state.withLock { $0.serving } }

    func set(serving: Bool) {
        change { state in state.serving = serving && !state.going }
    }

    /// For good.
    func go() {
        change { state in
            state.going = true
            state.serving = false
        }
    }

    /// The state now and at every change; a slow reader sees the newest. Ends when the reader's task is cancelled.
    func watch() -> AsyncStream<Bool> {
        let (stream, continuation) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingNewest(1))
        let (id, serving) = state.withLock { state in
            let id = state.nextWatcher
            state.nextWatcher += 1
            state.watchers[id] = continuation
            return (id, state.serving)
        }
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            state.withLock { _ = $0.watchers.removeValue(forKey: id) }
        }
        continuation.yield(serving)
        return stream
    }

    var watchers: Int { state.withLock { $0.watchers.count } }

    private func change(_ body: (inout State) -> Void) {
        // Told under the lock, so that two changes are heard in their order. Yielding calls nobody back.
        state.withLock { state in
            let before = state.serving
            body(&state)
            guard state.serving != before else { return }
            for watcher in state.watchers.values { watcher.yield(state.serving) }
        }
    }
}
