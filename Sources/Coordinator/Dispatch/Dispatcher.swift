import DequeModule
import Ledger
import Logging
import Metrics
import PlimsollModel
import QualityReview

/// Collects what workers want and send, and settles it in flushes: one transaction for many people.
///
/// An actor, so everything it knows (streams, cached people, ready slots) has one owner. Between two awaits of a flush
/// other messages are taken in; a person is in at most one flush at a time, so nothing about a person in a flush is
/// touched by anyone else here, and nothing in the database while the flush holds the person's lock (P2, P7).
actor Dispatcher {
    let configuration: CoordinatorConfiguration
    let ledger: Ledger
    let logger: Logger
    let clock = ContinuousClock()
    nonisolated let inbox = Inbox()

    // The deployment's shared state, as of one epoch.
    var deployment: DeploymentState?
    /// The policy in force.
    var document = PolicyDocument.defaults
    var redeliveryLimit: Int? { document.oversight.redelivery }
    var schemas: [ProjectID: AnswerSchema] = [:]

    // Membership.
    var coordinator = CoordinatorID(0)
    nonisolated let life = Life()
    var isDraining = false
    /// The loops end when nothing waits any more.
    var isClosing = false

    // Streams and people.
    var streams: [StreamID: StreamState] = [:]
    var streamsOf: [PersonID: Set<StreamID>] = [:]
    var nextStream = 0
    /// Streams that were ended because their holder may not go on: what they sent before is not taken any more.
    var denied: Set<StreamID> = []
    var people: [PersonID: PersonState] = [:]
    /// Which stream vouches for a lease.
    var vouched: [Fence: StreamID] = [:]
    var heldTasks: [Fence: TaskID] = [:]
    var deadlines = DeadlineQueue()
    /// Leases that a limit ends, by when to say so.
    var warnings = DeadlineQueue()
    /// The latest limit of which each connected person was warned.
    var warned: [PersonID: Moment] = [:]
    /// Presented leases whose stream had ended before they were attached to it, and when they end unless they are
    /// presented again.
    var unattended: [(at: ContinuousClock.Instant, person: PersonID, end: PersonWork.End)] = []
    /// Grants whose commit was in doubt: settled at the person's next flush.
    var doubtful: [PersonID: Doubt] = [:]
    var contributed: Set<Contribution> = []
    /// The latest refusal of each connected person that was kept, as the database said when one was to be kept.
    var refused: [PersonID: LatestRefusal] = [:]
    /// What parked leases are about, so that they can be offered again.
    var parkedContents: [Fence: TaskContent] = [:]
    /// New streams that wait to hear what became of the leases they presented.
    var presenting: [StreamID: CheckedContinuation<PresentedOutcome, any Error>] = [:]
    /// Slots that came back without their content in memory: given back as spans.
    var strays: [LaneID: [StoredLease]] = [:]
    /// The database's clock at an instant of ours, for estimates that a flush then checks.
    var clockReading: (database: Moment, local: ContinuousClock.Instant)?

    // What waits.
    var work: [PersonID: PersonWork] = [:]
    var queue: Deque<PersonID> = []
    var queued: Set<PersonID> = []
    var inFlight: Set<PersonID> = []
    var sleepingFlushes: [CheckedContinuation<Void, Never>] = []

    // Slots.
    var lanes: [LaneID: LaneFeed] = [:]
    /// Of each project, highest priority first.
    var laneOrder: [ProjectID: [LaneID]] = [:]
    var share = FairShare()
    var looks: [PersonID: [LaneID: LookCursor]] = [:]
    /// The person for whom the database is being looked through, and whether that look is worth nothing any more.
    var lookInProgress: PersonID?
    var isLookOutdated = false
    var lookQueue: Deque<PersonID> = []
    /// Who is being looked for, and in which lane; nil: in all.
    var looking: [PersonID: LaneID?] = [:]
    /// People whose look is complete: no lane holds anything for them; with when it was said.
    var lookedThrough: [PersonID: LookOutcome] = [:]
    var sleepingFeeder: CheckedContinuation<Void, Never>?
    var isFeedClosed = false
    var feedClosed: CheckedContinuation<Void, Never>?
    /// What the database says that we hold may differ from memory.
    var areHoldingsDoubtful = false
    /// The epoch whose changes the feeder has acted on: a flush may have adopted it first.
    var feedEpoch: Int64?
    /// Streams may not have been looked up under the present epoch.
    var areAdmissionsDue = false
    var lookedForOverdueAt = ContinuousClock.now
    /// Whether the feeder has read all lanes that there are.
    var areLanesRead = false
    /// What the feeder reads anew at its next turn.
    var feedStaleness = FeedStaleness.everything
    var lastTick: ContinuousClock.Instant?
    var prefetch: [LaneID: PersonID] = [:]
    /// Fences that this coordinator alone may hand out (P4).
    var fences: [Range<Int64>] = []

    struct Contribution: Hashable {
        var project: ProjectID
        var hour: Int64
        var person: PersonID
    }

    /// What a complete look through every lane said.
    struct LookOutcome {
        var inOtherHands: Bool
        /// The lanes it speaks of: those that were open to the person then.
        var lanes: Set<LaneID>
        var at: ContinuousClock.Instant
    }

    init(configuration: CoordinatorConfiguration, ledger: Ledger, logger: Logger) {
        self.configuration = configuration
        self.ledger = ledger
        self.logger = logger
        inbox.onWake { [weak self] in await self?.drainInbox() }
    }

    /// Whether leases may be granted now: a member whose life is surely not out.
    var mayGrant: Bool { !isDraining && life.isOn }

    // MARK: Work

    /// Adds to what waits for a person and wakes a flush.
    func enqueue(_ person: PersonID, _ body: (inout PersonWork) -> Void) {
        body(&work[person, default: PersonWork()])
        schedule(person)
    }

    /// Puts a person in line for a flush.
    func schedule(_ person: PersonID) {
        guard !inFlight.contains(person), queued.insert(person).inserted else { return }
        queue.append(person)
        wakeFlush()
    }

    func wakeFlush() {
        if let sleeper = sleepingFlushes.popLast() { sleeper.resume() }
    }

    /// The people of the next flush; waits while there are none. Empty when the task is cancelled.
    ///
    /// No timer: a lone request goes at once, and while a flush commits the next one collects.
    func nextBatch() async -> [PersonID] {
        while queue.isEmpty {
            if Task.isCancelled || isClosing { return [] }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if Task.isCancelled || isClosing || !queue.isEmpty {
                        continuation.resume()
                    } else {
                        sleepingFlushes.append(continuation)
                    }
                }
            } onCancel: {
                Task { await self.wakeAllFlushes() }
            }
        }
        if Task.isCancelled { return [] }
        var batch: [PersonID] = []
        var items = 0
        let sizes = configuration.sizes
        while let person = queue.first, batch.count < sizes.peoplePerFlush, items < sizes.itemsPerFlush {
            let misses = work[person]?.misses ?? 0
            // Who is missed too often waits for the lock in a flush of their own; so does who keeps failing.
            let isAlone = misses >= sizes.missesMax || (work[person]?.attempts ?? 0) > 1
            if isAlone, !batch.isEmpty { break }
            queue.removeFirst()
            queued.remove(person)
            inFlight.insert(person)
            batch.append(person)
            items += (work[person]?.items ?? 0) + 1
            if isAlone { break }
        }
        if !queue.isEmpty { wakeFlush() }
        return batch.sorted()
    }

    func wakeAllFlushes() {
        let sleepers = sleepingFlushes
        sleepingFlushes = []
        for sleeper in sleepers { sleeper.resume() }
        sleepingFeeder?.resume()
        sleepingFeeder = nil
    }

    /// The flush of these people is over, whatever became of it.
    func finish(_ batch: [PersonID]) {
        for person in batch {
            inFlight.remove(person)
            if work[person] != nil { schedule(person) }
        }
    }

    // MARK: Lanes

    func storedLane(_ id: LaneID) -> StoredLane? { lanes[id]?.lane }

    /// What a lane asks of somebody for a task with this estimate.
    func ask(of lane: LaneFeed, project: StoredProject, effortSeconds: Int) -> LaneAsk {
        LaneAsk(project, kind: lane.lane.kind, severity: lane.lane.severity, effortSeconds: effortSeconds)
    }

    /// What the gate says of a lane whatever its tasks' estimates are: how far a lease may go. The tasks that fit are
    /// chosen by it, so that one that is too long keeps back none behind it.
    func gate(
        _ lane: LaneFeed, of project: StoredProject, for state: PersonState, now: Moment, want: Int
    ) -> GateAnswer {
        Gate.decide(
            person: state.facts, lane: ask(of: lane, project: project, effortSeconds: 0),
            limits: state.line.limits(in: project.id), now: now, want: want)
    }

    /// Sets as many fences aside as a flush has grants; two flushes never share one.
    func reserveFences(_ count: Int, _ session: FlushSession) async throws -> [Fence] {
        var reserved: [Fence] = []
        reserved.reserveCapacity(count)
        while reserved.count < count {
            guard let run = fences.popLast() else {
                let first = try await session.nextFenceRun()
                fences.append(first..<first + FlushSession.fencesPerRun)
                continue
            }
            let taken = run.prefix(count - reserved.count)
            reserved.append(contentsOf: taken.lazy.map { Fence($0) })
            if taken.endIndex < run.upperBound { fences.append(taken.endIndex..<run.upperBound) }
        }
        return reserved
    }
}
