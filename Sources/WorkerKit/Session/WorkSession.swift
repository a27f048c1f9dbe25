public import FoundationEssentials
import GRPCCore
import Identity
import PlimsollProtocol
import Synchronization

/// A worker's lasting conversation with the coordinators: it connects, wants, repeats what was not acknowledged,
/// presents what it holds after a reconnect, renews the certificate, and says goodbye.
///
/// Events come out in order, requests go in from any task; `run()` does the rest until it is told to leave. It is for
/// programs that hold several tasks at a time in their own way; `Worker` is simpler.
public final class WorkSession: Sendable {
    /// What happens, for one reader; ends with `run()`. It is bounded by the leases in flight and the replies to them,
    /// so nothing is dropped from it.
    public let events: AsyncStream<WorkEvent>

    private let configuration: WorkerConfiguration
    private let state: Mutex<WorkerState>
    private let told: AsyncStream<WorkEvent>.Continuation
    private let clock: WorkClock
    private let date: @Sendable () -> Date
    private let toWriter = Signal()
    private let toTimer = Signal()

    /// The shortest pause of the timer while the writer is held up by back-pressure.
    private static let timerPauseMin = Duration.milliseconds(20)

    /// `date` tells the time of day, for the certificate's validity only; `seed` fixes the jitter, for tests.
    public init<Source: Clock<Duration>>(
        _ configuration: WorkerConfiguration, clock: Source, date: @Sendable @escaping () -> Date = { Date() },
        seed: UInt64 = .random(in: 0 ... .max)
    ) where Source.Instant: Sendable {
        self.configuration = configuration
        self.clock = WorkClock(clock)
        self.date = date
        state = Mutex(WorkerState(configuration, seed: seed))
        (events, told) = AsyncStream.makeStream(of: WorkEvent.self)
    }

    public convenience init(_ configuration: WorkerConfiguration) {
        self.init(configuration, clock: ContinuousClock())
    }

    // MARK: - What the worker says

    /// The session's own clock: what deadlines in events are measured by.
    public var now: Duration { clock.now() }

    /// Answers a task (JSON, UTF-8). Returns at once; the reply comes as `settled`. Repeated until then (P5).
    public func answer(_ lease: LeaseKey, _ answer: [UInt8]) { update { state, _ in state.answer(lease, answer) } }

    /// Asks something about a lease that is held; the reply comes as `changed`.
    public func ask(_ request: LeaseRequest, for lease: LeaseKey) {
        update { state, _ in state.ask(request, for: lease) }
    }

    /// Wants nothing new for a while, because what does the work is in trouble.
    public func pause(for duration: Duration) { update { state, now in state.pause(until: now + duration) } }

    /// Takes no more work, finishes what is held within `limits.drainWait`, gives the rest back and ends. A second
    /// call gives back at once. May be called from anywhere, also before `run()`.
    public func leave() { update { state, now in state.leave(now: now) } }

    // MARK: - Running

    /// Runs the session until `leave()`; cancelling means the same, so that nothing held is left hanging.
    ///
    /// Throws `WorkerError` when no further attempt makes sense: `notAuthorized`, `badIdentity`, `protocolBroken`,
    /// `notFound`, `refused`; or `unreachable` when answers remain unacknowledged at the end.
    public func run() async throws {
        defer { told.finish() }
        try await finishingWhenCancelled {
            try await self.serve()
        } onCancel: {
            self.leave()
        }
    }

    private func serve() async throws {
        while true {
            switch update({ state, now in state.nextStep(now: now) }) {
            case .connect(let address, let hello):
                let ending = await converse(with: address, hello: hello)
                update { state, now in state.streamEnded(ending, now: now) }
            case .wait(let moment):
                await clock.wait(until: moment, or: toTimer)
            case .end(let error):
                if let error { throw error }
                return
            }
        }
    }

    /// One connection, from connecting to its end; says why it ended.
    private func converse(with address: CoordinatorAddress, hello: Plimsoll_V1_Hello) async -> WorkerError? {
        let connection: WorkConnection
        do {
            // Read anew for each connection: another process may have renewed the certificate.
            let identity = try configuration.identity.load()
            _ = try identity.trust.verify(pem: identity.certificatePEM, now: date())
            connection = try WorkConnection(to: address, as: identity, options: configuration.limits.connection)
        } catch let error as IdentityError {
            return WorkerError(.badIdentity, error.message, cause: error)
        } catch {
            return WorkerError(wrapping: error)
        }
        return await withTaskGroup(of: WorkerError??.self) { group in
            group.addTask {
                do {
                    try await connection.run()
                    return .some(nil)
                } catch {
                    return WorkerError(wrapping: error)
                }
            }
            group.addTask { await self.runStream(connection, hello: hello) }
            group.addTask {
                await self.runTimer()
                return .some(nil)
            }
            group.addTask {
                await self.runRenewal(over: connection)
                // Its end is not the connection's.
                return .none
            }
            defer { group.cancelAll() }
            for await ending in group {
                if let ending { return ending }
            }
            return nil
        }
    }

    private func runStream(_ connection: WorkConnection, hello: Plimsoll_V1_Hello) async -> WorkerError? {
        do {
            try await connection.withStream(hello: hello) { stream in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await self.runWriter(stream) }
                    for try await message in stream.messages {
                        self.update { state, now in state.received(message, now: now) }
                    }
                    group.cancelAll()
                }
            }
            return nil
        } catch {
            return WorkerError(wrapping: error)
        }
    }

    /// Sends what the state has to say. What collects while one message is being written goes out as the next one.
    private func runWriter(_ stream: WorkStream) async throws {
        while !Task.isCancelled {
            while let message = update({ state, now in state.nextMessage(now: now) }, waking: false) {
                try await stream.send(message)
            }
            if state.withLock({ $0.order }) == .halfClose { return stream.finish() }
            await toWriter.wait()
        }
    }

    /// Lets time pass for the state; returns when the connection must be cut, or when it is cancelled.
    private func runTimer() async {
        while !Task.isCancelled {
            let (order, wake) = update { state, now in
                state.tick(now: now)
                return (state.order, state.wakeAt.map { max($0, now + Self.timerPauseMin) })
            }
            if order == .drop { return }
            await clock.wait(until: wake, or: toTimer)
        }
    }

    private func runRenewal(over connection: WorkConnection) async {
        let renewal = CertificateRenewal(files: configuration.identity)
        if let renewedAt = state.withLock({ $0.renewedAt }) {
            // An authority near its own end issues short lives; that must not become a circle of reconnects.
            let rest = renewedAt + configuration.limits.renewalCheck - clock.now()
            // Throws only when it is cancelled, which the loop looks at.
            if rest > .zero { try? await clock.sleep(rest) }
        }
        while !Task.isCancelled {
            do {
                if try await renewal.renewIfDue(now: date(), over: connection) {
                    update { state, now in state.renewed(now: now) }
                }
            } catch {
                // Two thirds of the life are over, a third is left for trying again.
                let error = WorkerError(wrapping: error)
                if !Task.isCancelled { update { state, _ in state.emit(.renewalFailed(error)) } }
            }
            // Throws only when it is cancelled, which the loop looks at.
            try? await clock.sleep(configuration.limits.renewalCheck)
        }
    }

    /// Changes the state and passes on what follows from it. Events are given out under the lock, which keeps their
    /// order; giving one only puts it into a buffer.
    @discardableResult
    private func update<Value: Sendable>(
        _ body: (inout WorkerState, Duration) -> Value, waking: Bool = true
    ) -> Value {
        let now = clock.now()
        let (value, isEarlier) = state.withLock { state in
            let before = state.wakeAt ?? .farFuture
            let value = body(&state, now)
            for event in state.takeEvents() { told.yield(event) }
            return (value, (state.wakeAt ?? .zero) < before || state.order == .drop)
        }
        if waking { toWriter.give() }
        if isEarlier { toTimer.give() }
        return value
    }
}

/// Runs `body` so that cancelling the caller calls `onCancel` instead of cancelling what runs inside.
///
/// A cancelled task cannot send any more, and a worker that is told to stop still has answers to deliver and leases to
/// give back. The one task that this makes is awaited here, and `onCancel` must bring it to an end.
func finishingWhenCancelled<Value: Sendable>(
    _ body: @Sendable @escaping () async throws -> Value, onCancel: @Sendable () -> Void
) async throws -> Value {
    let work = Task { try await body() }
    return try await withTaskCancellationHandler {
        try await work.value
    } onCancel: {
        onCancel()
    }
}
