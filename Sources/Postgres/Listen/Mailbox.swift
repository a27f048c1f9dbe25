import Synchronization

/// Events between the listener's thread and one reader: bounded, equal ones merged. Too many become one `.resync`.
final class Mailbox: Sendable {
    private struct State {
        var waiting: [ListenerEvent] = []
        var known: Set<ListenerEvent> = []
        var reader: CheckedContinuation<ListenerEvent?, Never>?
        var isClosed = false
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) { self.limit = max(1, limit) }

    func put(_ event: ListenerEvent) {
        let reader = state.withLock { state -> CheckedContinuation<ListenerEvent?, Never>? in
            guard !state.isClosed else { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            guard !state.known.contains(.resync), state.known.insert(event).inserted else { return nil }
            if event == .resync || state.waiting.count >= limit {
                // A resync says all that the others could say.
                state.waiting = [.resync]
                state.known = [.resync]
            } else {
                state.waiting.append(event)
            }
            return nil
        }
        reader?.resume(returning: event)
    }

    /// The oldest event; nil once closed.
    func next() async -> ListenerEvent? {
        await withCheckedContinuation { continuation in
            let (now, event) = state.withLock { state -> (Bool, ListenerEvent?) in
                if !state.waiting.isEmpty {
                    let event = state.waiting.removeFirst()
                    state.known.remove(event)
                    return (true, event)
                }
                // A second reader would wait for ever: there is one stream with one iterator.
                if state.isClosed || state.reader != nil { return (true, nil) }
                state.reader = continuation
                return (false, nil)
            }
            if now { continuation.resume(returning: event) }
        }
    }

    func close() {
        let reader = state.withLock { state -> CheckedContinuation<ListenerEvent?, Never>? in
            state.isClosed = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }
}
