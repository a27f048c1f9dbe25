import Coordinator
import FoundationEssentials
import GRPCCore
import PlimsollProtocol
import Synchronization

/// One work stream from its first message to its status.
///
/// Three tasks: one reads messages and hands them on, one writes replies, one waits for the call to be cancelled.
/// Whoever finds first that the stream is over says why in `end`; that wakes the third task, whose return ends the
/// other two. A stream that was attached is detached exactly once, by the scope that attached it.
final class WorkSession: Sendable {
    /// Why a stream is over.
    enum Outcome: Sendable {
        /// The worker has closed its side and has all it was owed.
        case done
        case failed(GatewayError)
    }

    private enum Phase {
        /// Nothing has come yet.
        case silent
        /// The coordinator is asked.
        case attaching
        case open(timeToLive: Duration)
        /// The worker sends no more, and is owed settlements.
        case halfClosed
    }

    private struct State {
        var phase = Phase.silent
        /// When the phase began or, in an open stream, the last message came.
        var since: ContinuousClock.Instant
        /// Items sent by the worker and not yet answered.
        var owed = 0
        var outcome: Outcome?
        var writer: RPCWriter<Plimsoll_V1_CoordinatorMessage>?
    }

    private let caller: Caller
    private let dispatch: any WorkDispatch
    private let times: GatewayConfiguration.Times
    private let replyBytesTarget: Int
    private let cancellation: ServerContext.RPCCancellationHandle
    private let state: Mutex<State>

    init(
        caller: Caller, dispatch: any WorkDispatch, configuration: GatewayConfiguration,
        cancellation: ServerContext.RPCCancellationHandle
    ) {
        self.caller = caller
        self.dispatch = dispatch
        times = configuration.times
        replyBytesTarget = configuration.limits.replyBytesTarget
        self.cancellation = cancellation
        state = Mutex(State(since: .now))
    }

    /// Serves the stream until it is over. Throws the error that its peer is told.
    func run(
        _ messages: RPCAsyncSequence<Plimsoll_V1_WorkerMessage, any Error>,
        writer: RPCWriter<Plimsoll_V1_CoordinatorMessage>
    ) async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.serve(messages, writer) }
            group.addTask {
                // Throws only when this task is cancelled, and then the stream is over already.
                try? await self.cancellation.cancelled
                self.end(.failed(GatewayError(.callEnded, "the call was cancelled")))
            }
            await group.next()
            group.cancelAll()
        }
        if case .failed(let error)? = state.withLock({ $0.outcome }) { throw error }
    }

    /// Ends the stream; the first reason stands.
    func end(_ outcome: Outcome) {
        let isFirst = state.withLock { state in
            guard state.outcome == nil else { return false }
            state.outcome = outcome
            state.writer = nil
            return true
        }
        if isFirst { cancellation.cancel() }
    }

    /// Tells the worker that the coordinator is going. Ends when it was written or the task is cancelled.
    func drain(within time: Duration) async {
        guard let writer = state.withLock({ $0.writer }) else { return }
        // A worker that is gone already needs no telling.
        try? await writer.write(WorkReply.drain(within: time))
    }

    // MARK: - Reading

    private func serve(
        _ messages: RPCAsyncSequence<Plimsoll_V1_WorkerMessage, any Error>,
        _ writer: RPCWriter<Plimsoll_V1_CoordinatorMessage>
    ) async {
        do {
            var iterator = messages.makeAsyncIterator()
            guard let first = try await iterator.next(isolation: nil) else {
                throw GatewayError(.badMessage, "a work stream that ends before its hello")
            }
            let opening = try WorkRequest.opening(first, caller: caller)
            let taken = try WorkRequest.take(first, isFirst: true)
            enter(.attaching)
            let attached = try await attach(opening.opening)
            defer { attached.detach() }
            try await writer.write(WorkReply.welcome(attached.welcome, revision: opening.revision))
            guard begin(writer, timeToLive: attached.welcome.streamTimeToLive) else { return }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await self.write(attached.replies, to: writer) }
                do {
                    try await hand(taken, to: attached, writer)
                    while let message = try await iterator.next(isolation: nil) {
                        try await hand(WorkRequest.take(message), to: attached, writer)
                    }
                    closeHalf()
                } catch {
                    // Here, because the group cancels the writer before it lets the error out.
                    fail(error)
                    throw error
                }
                try await group.waitForAll()
            }
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: any Error) {
        end(.failed(error as? GatewayError ?? GatewayError(ofTransport: error)))
    }

    private func attach(_ opening: StreamOpening) async throws(GatewayError) -> AttachedStream {
        do {
            return try await dispatch.attach(opening)
        } catch {
            throw GatewayError(of: error)
        }
    }

    private func hand(
        _ taken: WorkRequest.Taken, to attached: AttachedStream, _ writer: RPCWriter<Plimsoll_V1_CoordinatorMessage>
    ) async throws {
        state.withLock { state in
            state.since = .now
            state.owed += taken.request.items
        }
        attached.receive(taken.request)
        if !taken.tooLong.isEmpty { try await writer.write(WorkReply.settlements(taken.tooLong)) }
    }

    // MARK: - Writing

    private func write(
        _ replies: AsyncThrowingStream<StreamReply, any Error>, to writer: RPCWriter<Plimsoll_V1_CoordinatorMessage>
    ) async {
        do {
            for try await reply in replies {
                do {
                    for message in WorkReply.messages(of: reply, bytesTarget: replyBytesTarget) {
                        try await writer.write(message)
                    }
                } catch {
                    return end(.failed(GatewayError(ofTransport: error)))
                }
                settle(reply.settlements.count + reply.changes.count)
            }
            // A cancelled loop ends like a finished one; then somebody else has said why.
            if !Task.isCancelled { end(.done) }
        } catch {
            end(.failed(GatewayError(of: error)))
        }
    }

    // MARK: - Phases

    private func enter(_ phase: Phase) {
        state.withLock { state in
            state.phase = phase
            state.since = .now
        }
    }

    /// False when the stream ended while it was attached.
    private func begin(_ writer: RPCWriter<Plimsoll_V1_CoordinatorMessage>, timeToLive: Duration) -> Bool {
        state.withLock { state in
            guard state.outcome == nil else { return false }
            state.phase = .open(timeToLive: timeToLive)
            state.since = .now
            state.writer = writer
            return true
        }
    }

    /// The worker has closed its side: what it has sent is still answered, for a while.
    private func closeHalf() {
        let done = state.withLock { state in
            state.phase = .halfClosed
            state.since = .now
            return state.owed <= 0
        }
        if done { end(.done) }
    }

    private func settle(_ items: Int) {
        guard items > 0 else { return }
        let done = state.withLock { state in
            state.owed -= items
            guard case .halfClosed = state.phase else { return false }
            return state.owed <= 0
        }
        if done { end(.done) }
    }

    // MARK: - Time limits

    /// Ends the stream when a time limit has passed. Called for every stream at short intervals.
    func check(now: ContinuousClock.Instant, date: Date) {
        if let outcome = overdue(now: now, date: date) { end(outcome) }
    }

    private func overdue(now: ContinuousClock.Instant, date: Date) -> Outcome? {
        let (phase, since) = state.withLock { ($0.phase, $0.since) }
        let passed = now - since
        switch phase {
        case .silent where passed > times.hello:
            return .failed(GatewayError(.tooLate, "no hello came within \(times.hello.inWords)"))
        case .attaching where passed > Self.attachMax:
            return .failed(
                GatewayError(.notReady, "the coordinator is not ready", retryAfter: RetryDelay.notReady))
        case .open(let timeToLive) where passed > timeToLive:
            // P12: a frozen worker holds its slot no longer than this, whatever its connection looks like.
            return .failed(
                GatewayError(.tooLate, "no sign of life for \(timeToLive.inWords)", retryAfter: .zero))
        case .halfClosed where passed > times.halfClosed:
            return .done
        case .open where date > caller.notAfter:
            return .failed(GatewayError(.unauthenticated, "the certificate's time is over; come back with a new one"))
        default:
            return nil
        }
    }

    /// For the coordinator's answer to a hello.
    private static let attachMax = Duration.seconds(15)
}

extension Duration {
    /// Seconds for people.
    var inWords: String {
        let seconds = self / .seconds(1)
        return seconds == seconds.rounded() ? "\(Int(seconds)) s" : "\(seconds) s"
    }
}
