public import FoundationEssentials
public import PlimsollProtocol

/// What a handler makes of a task.
public enum WorkResult: Sendable {
    /// The answer as JSON, UTF-8.
    case answer([UInt8])
    /// "Not this one." Costs nothing (P9).
    case decline(Plimsoll_V1_DeclineReason = .unspecified)
    /// Gives the task back for others.
    case release
    /// Keeps it for later.
    case park
}

/// Runs a function over tasks: `inFlight` of them at a time, each under a lease.
public struct Worker: Sendable {
    private let configuration: WorkerConfiguration
    private let session: WorkSession

    public init(_ configuration: WorkerConfiguration) {
        self.init(configuration, clock: ContinuousClock())
    }

    /// See `WorkSession` for the parameters.
    public init<Source: Clock<Duration>>(
        _ configuration: WorkerConfiguration, clock: Source, date: @Sendable @escaping () -> Date = { Date() },
        seed: UInt64 = .random(in: 0 ... .max)
    ) where Source.Instant: Sendable {
        self.configuration = configuration
        session = WorkSession(configuration, clock: clock, date: date, seed: seed)
    }

    /// The session's own clock, by which `WorkTask.deadline` is measured.
    public var now: Duration { session.now }

    /// Takes no more work and lets `run` end when what is held is finished; see `WorkSession.leave`.
    public func leave() { session.leave() }

    /// Wants nothing new for a while; see `WorkSession.pause`.
    public func pause(for duration: Duration) { session.pause(for: duration) }

    /// Takes tasks and calls `handler` with each, until `leave()`, a cancellation, or `answersMax` answers.
    ///
    /// A handler whose lease is lost is cancelled; one that throws gives its task back. When the answer schema refuses
    /// an answer, the handler is called again with `task.problems`, at most `limits.correctionsMax` times, then the
    /// task is given back. `onEvent` sees everything that happens, in order, and must not block. Call it once. Throws
    /// as `WorkSession.run`.
    public func run(
        onEvent: @Sendable @escaping (WorkEvent) -> Void = { _ in },
        handler: @Sendable @escaping (WorkTask) async throws -> WorkResult
    ) async throws {
        let session = session
        let correctionsMax = configuration.limits.correctionsMax
        try await finishingWhenCancelled {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { try await session.run() }
                var desk = Desk(correctionsMax: correctionsMax)
                for await event in session.events {
                    if let job = desk.take(event) {
                        group.addTask { await Self.perform(job, handler: handler, session: session) }
                    }
                    if let key = desk.takeGivenUp() { session.ask(.release, for: key) }
                    onEvent(event)
                }
                desk.cancelAll()
            }
        } onCancel: {
            session.leave()
        }
    }

    private static func perform(
        _ job: Desk.Job, handler: @Sendable @escaping (WorkTask) async throws -> WorkResult, session: WorkSession
    ) async {
        let result = await withTaskGroup(of: WorkResult?.self, returning: WorkResult?.self) { group in
            group.addTask {
                do {
                    return try await handler(job.task)
                } catch {
                    return .release
                }
            }
            group.addTask {
                for await _ in job.lost {}
                return nil
            }
            if let first = await group.next(), let result = first {
                group.cancelAll()
                return result
            }
            // The lease is lost. An answer that the handler gives all the same is kept for a human (P6).
            group.cancelAll()
            guard let last = await group.next(), case .answer? = last else { return nil }
            return last
        }
        switch result {
        case .answer(let bytes): session.answer(job.task.lease, bytes)
        case .decline(let reason): session.ask(.decline(reason), for: job.task.lease)
        case .release: session.ask(.release, for: job.task.lease)
        case .park: session.ask(.park, for: job.task.lease)
        case nil: break
        }
    }
}

/// What is in the hands of handlers.
struct Desk {
    struct Job: Sendable {
        let task: WorkTask
        /// Ends when the lease is lost.
        let lost: AsyncStream<Never>
    }

    private struct Entry {
        let task: WorkTask
        let continuation: AsyncStream<Never>.Continuation
        var corrections = 0
    }

    let correctionsMax: Int
    private var entries: [LeaseKey: Entry] = [:]
    private var givenUp: LeaseKey?

    init(correctionsMax: Int) { self.correctionsMax = correctionsMax }

    /// The job that follows from an event, if any.
    mutating func take(_ event: WorkEvent) -> Job? {
        switch event {
        case .leased(let task):
            return start(task, corrections: 0)
        case .settled(let key, let settlement) where settlement.outcome == .refusedSchema:
            guard let entry = entries[key] else { return nil }
            entry.continuation.finish()
            guard entry.corrections < correctionsMax else {
                givenUp = key
                return nil
            }
            var task = entry.task
            task.problems = settlement.problems
            return start(task, corrections: entry.corrections + 1)
        case .settled(let key, _), .lost(let key, _, _):
            entries.removeValue(forKey: key)?.continuation.finish()
        case .changed(let key, let state, _) where state != .held && state != .unchanged:
            entries.removeValue(forKey: key)?.continuation.finish()
        default: break
        }
        return nil
    }

    /// The lease whose answers were refused too often, once.
    mutating func takeGivenUp() -> LeaseKey? {
        defer { givenUp = nil }
        return givenUp
    }

    mutating func cancelAll() {
        for entry in entries.values { entry.continuation.finish() }
        entries.removeAll()
    }

    private mutating func start(_ task: WorkTask, corrections: Int) -> Job {
        let (lost, continuation) = AsyncStream.makeStream(of: Never.self)
        entries[task.lease] = Entry(task: task, continuation: continuation, corrections: corrections)
        return Job(task: task, lost: lost)
    }
}
