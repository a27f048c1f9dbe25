import PlimsollProtocol
import SwiftProtobuf

/// Everything a worker's session knows and decides, without any input or output: messages, replies and moments go in,
/// events, the next message and the fate of the stream come out.
///
/// Moments are durations since the session began, on its own clock; the wire carries durations only (P8). All methods
/// are cheap: collections hold at most some 64 leases.
struct WorkerState: Sendable {
    enum Phase: Sendable, Equatable {
        case waiting(until: Duration)
        case connecting(until: Duration)
        case open
        case ended
    }

    /// What the shell must do with the stream it runs.
    enum Order: Sendable, Equatable {
        case keep
        /// Nothing more will be sent; let the coordinator end it.
        case halfClose
        /// Cut it now.
        case drop
    }

    struct Held: Sendable {
        let task: WorkTask
        var deadline: Duration
    }

    struct PendingAnswer: Sendable {
        let bytes: [UInt8]
        /// Nil: not sent on this stream, or to be sent anew.
        var sentAt: Duration?
        var notBefore: Duration = .zero
    }

    struct PendingRequest: Sendable {
        let request: LeaseRequest
        var sentAt: Duration?
        var notBefore: Duration = .zero
    }

    /// What was agreed on in the welcome.
    struct Terms: Sendable {
        var inFlight: Int
        var itemsMax: Int
        var heartbeat: Duration
    }

    let configuration: WorkerConfiguration
    /// Names this process in every hello, so that what an earlier stream was granted and never delivered ends at once.
    let session: UInt64
    var limits: WorkerLimits { configuration.limits }
    var generator: SplitMix
    var backoff: Backoff

    var phase: Phase = .waiting(until: .zero)
    var order: Order = .keep
    var terms: Terms
    /// Where the stream goes or last went.
    var address: CoordinatorAddress
    /// The addresses of this round that were not tried yet.
    private var untried: [CoordinatorAddress] = []

    var projects: [Int64: WorkProject] = [:]
    var leases: [LeaseKey: Held] = [:]
    var answers: [LeaseKey: PendingAnswer] = [:]
    var requests: [LeaseKey: PendingRequest] = [:]
    /// Wants that are open on this stream.
    var wanted = 0
    /// Answers that were settled for good, for `answersMax`.
    var settledAnswers = 0
    var askAgainAt: Duration?
    /// The worker itself wants nothing until then.
    var pausedUntil: Duration?
    /// The idle that was last told stands on the person's own open leases, so the end of one changes it.
    var idleForOpenLeases = false
    var heartbeatAt: Duration = .zero
    var heardAt: Duration = .zero
    /// When to move away from a draining coordinator or an old certificate.
    var moveAt: Duration?

    /// When the certificate was last renewed in this session.
    var renewedAt: Duration?

    var leaving = false
    /// When the coordinator was told on this stream.
    var leavingSentAt: Duration?
    /// When what is still held is given back.
    var releaseAt: Duration = .zero
    /// When the session ends, whatever is still open.
    var farewellAt: Duration = .zero

    private var events: [WorkEvent] = []
    private var failure: WorkerError?

    init(_ configuration: WorkerConfiguration, seed: UInt64) {
        self.configuration = configuration
        let limits = configuration.limits
        backoff = Backoff(first: limits.backoffFirst, max: limits.backoffMax)
        generator = SplitMix(seed: seed)
        session = .random(in: 1 ... .max, using: &generator)
        terms = Terms(inFlight: configuration.inFlight, itemsMax: 1, heartbeat: .seconds(5))
        // The configuration's initializer made sure that there is one.
        address = configuration.addresses[0]
    }

    mutating func emit(_ event: WorkEvent) { events.append(event) }

    /// What happened since the last call, in order.
    mutating func takeEvents() -> [WorkEvent] {
        defer { events.removeAll() }
        return events
    }

    // MARK: - Connecting

    enum Step: Sendable {
        case connect(CoordinatorAddress, Plimsoll_V1_Hello)
        case wait(until: Duration)
        case end(WorkerError?)
    }

    /// What to do while no stream is open.
    mutating func nextStep(now: Duration) -> Step {
        tick(now: now)
        switch phase {
        case .ended:
            return .end(failure)
        case .waiting(let until) where now < until:
            return .wait(until: wakeAt ?? until)
        case .waiting, .connecting, .open:
            address = nextAddress()
            phase = .connecting(until: now + limits.welcomeWait)
            order = .keep
            heardAt = now
            emit(.connecting(address))
            return .connect(address, hello())
        }
    }

    /// The stream that `nextStep` asked for is gone; nil when it ended without an error.
    mutating func streamEnded(_ error: WorkerError?, now: Duration) {
        guard phase != .ended else { return }
        let moved = moveAt.map { $0 <= now } ?? false
        wanted = 0
        askAgainAt = nil
        moveAt = nil
        leavingSentAt = nil
        forgetSent()
        if let error, !error.isTemporary, error.code != .closed { return end(error) }
        if leaving, answers.isEmpty, !moved || leases.isEmpty {
            leases.removeAll()
            return end(nil)
        }
        // What the coordinator asks for is the least; it knows no other coordinator.
        let wait = moved ? .zero : max(backoff.next(using: &generator), error?.retryAfter ?? .zero)
        phase = .waiting(until: now + wait)
        guard !moved else { return }
        emit(.disconnected(error ?? WorkerError(.unreachable, "the coordinator ended the stream"), wait: wait))
    }

    mutating func end(_ error: WorkerError?) {
        guard phase != .ended else { return }
        failure = error
        phase = .ended
        order = .drop
    }

    /// Every address once in random order, then again; a draining coordinator's own address comes last.
    private mutating func nextAddress() -> CoordinatorAddress {
        if untried.isEmpty {
            untried = configuration.addresses.shuffled(using: &generator)
            if untried.count > 1, untried.last == address { untried.swapAt(0, untried.count - 1) }
        }
        return untried.removeLast()
    }

    private func hello() -> Plimsoll_V1_Hello {
        .with {
            $0.revision = Self.revision
            $0.clientVersion = configuration.clientVersion
            $0.inFlight = UInt32(configuration.inFlight)
            $0.project = configuration.project ?? ""
            $0.session = session
            $0.held = leases.keys.sorted().prefix(WorkerConfiguration.inFlightMax).map(\.reference)
        }
    }

    /// The highest revision of the protocol that is spoken here.
    static let revision: UInt32 = 1

    private mutating func forgetSent() {
        for key in answers.keys { answers[key]?.sentAt = nil }
        for key in requests.keys { requests[key]?.sentAt = nil }
    }
}

extension LeaseKey {
    var reference: Plimsoll_V1_LeaseReference {
        .with {
            $0.task = task
            $0.fence = fence
        }
    }
}
