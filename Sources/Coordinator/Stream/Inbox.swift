import Synchronization

/// What streams send, in order, until the dispatcher takes it. Many messages cost the dispatcher one turn, and a
/// stream's handler never waits for it.
final class Inbox: Sendable {
    enum Event: Sendable {
        case message(StreamID, StreamRequest)
        case detached(StreamID)
    }

    private struct State {
        var events: [Event] = []
        /// A turn of the dispatcher is on its way.
        var isWaking = false
        var wake: (@Sendable () async -> Void)?
    }

    private let state = Mutex(State())

    /// Sets what has the dispatcher call ``take()``.
    func onWake(_ wake: @escaping @Sendable () async -> Void) { state.withLock { $0.wake = wake } }

    func add(_ event: Event) {
        let wake = state.withLock { state -> (@Sendable () async -> Void)? in
            state.events.append(event)
            guard !state.isWaking else { return nil }
            state.isWaking = true
            return state.wake
        }
        // Unstructured on purpose: the handler of a stream must not wait, and the turn outlives it.
        if let wake { Task { await wake() } }
    }

    func take() -> [Event] {
        state.withLock { state in
            defer { state.events = [] }
            state.isWaking = false
            return state.events
        }
    }
}
