import UnixSignals

/// Waits for signals that ask a command to end or to look again, so that it can do so in order.
struct EndSignals: Sendable {
    private let signals: UnixSignalsSequence

    /// From now on these signals do nothing by themselves.
    init(_ signals: [UnixSignal]) async { self.signals = await UnixSignalsSequence(trapping: signals) }

    /// The next signal; nil when the task is cancelled.
    func next() async -> UnixSignal? {
        for await signal in signals { return signal }
        return nil
    }

    /// True when `duration` passed without a signal.
    func none(within duration: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await next() == nil }
            // Cancelled when the signal came first.
            group.addTask { (try? await Task.sleep(for: duration)) != nil }
            let isQuiet = await group.next() ?? true
            group.cancelAll()
            return isQuiet
        }
    }
}
