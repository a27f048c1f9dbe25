import Synchronization
import UnixSignals

/// Waits for signals that ask a command to end or to look again, so that it can do so in order. They can be waited for
/// again and again, by one task at a time.
final class EndSignals: Sendable {
    private let arrivals = Arrivals()
    /// The sequence gives one iterator in its life, so that one task has it for as long as this lives.
    private let pump: Task<Void, Never>

    /// From now on these signals do nothing by themselves.
    init(_ signals: [UnixSignal]) async {
        let sequence = await UnixSignalsSequence(trapping: signals)
        pump = Task { [arrivals] in
            for await signal in sequence { arrivals.give(signal) }
        }
    }

    deinit { pump.cancel() }

    /// The next signal, also one that came while nobody waited; nil when the task is cancelled.
    func next() async -> UnixSignal? { await arrivals.next() }

    /// True when `duration` passed without a signal.
    func none(within duration: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.next() == nil }
            // Cancelled when the signal came first.
            group.addTask { (try? await Task.sleep(for: duration)) != nil }
            let isQuiet = await group.next() ?? true
            group.cancelAll()
            // One that came between the two is not lost.
            let isStillQuiet = await group.next() ?? true
            return isQuiet && isStillQuiet
        }
    }
}

/// Signals that came, and who waits for one.
private final class Arrivals: Sendable {
    private struct State {
        var signals: [UnixSignal] = []
        var waiter: CheckedContinuation<UnixSignal?, Never>?
    }

    private let state = Mutex(State())

    func give(_ signal: UnixSignal) {
        let waiter = state.withLock { state in
            if state.waiter == nil { state.signals.append(signal) }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: signal)
    }

    func next() async -> UnixSignal? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (signal, waits) = state.withLock { state -> (UnixSignal?, Bool) in
                    if !state.signals.isEmpty { return (state.signals.removeFirst(), false) }
                    // Cancelled before it could be given up.
                    if Task.isCancelled { return (nil, false) }
                    state.waiter = continuation
                    return (nil, true)
                }
                if !waits { continuation.resume(returning: signal) }
            }
        } onCancel: {
            giveUp()
        }
    }

    private func giveUp() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }
}
