/// Any clock of durations, seen from one start: moments are durations since then.
struct WorkClock: Sendable {
    let now: @Sendable () -> Duration
    let sleep: @Sendable (Duration) async throws -> Void

    init<Source: Clock<Duration>>(_ clock: Source) where Source.Instant: Sendable {
        let start = clock.now
        now = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0) }
    }

    /// Returns at `moment`, when `signal` is given, or when the task is cancelled; whichever comes first. A nil moment
    /// never comes.
    func wait(until moment: Duration?, or signal: Signal) async {
        guard let moment else { return await signal.wait() }
        let delay = moment - now()
        guard delay > .zero else { return }
        await withTaskGroup(of: Void.self) { group in
            // A sleep throws only when it is cancelled: the signal came first, or the caller is cancelled.
            group.addTask { try? await sleep(delay) }
            group.addTask { await signal.wait() }
            await group.next()
            group.cancelAll()
        }
    }
}
