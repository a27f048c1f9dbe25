import Ledger
import PlimsollModel
import QualityReview

/// What became of the leases that a new stream presented.
struct PresentedOutcome: Sendable {
    var kept: [LeaseChange]
    var lost: [Revocation]
}

/// What one flush is going to write and say. Nothing of it reaches a worker or the caches before COMMIT returned (P5).
struct FlushPlan {
    struct WorkKey: Hashable, Comparable {
        var kind: String
        var severity: Int

        static func < (left: WorkKey, right: WorkKey) -> Bool {
            (left.kind, left.severity) < (right.kind, right.severity)
        }
    }

    struct Pick {
        var person: PersonID
        var stream: StreamID
        var lane: LaneID
        var project: ProjectID
        var slot: ReadySlot
        var deadline: Moment
        /// A limit has brought the deadline forward: at it the lease is parked.
        var parks: Bool
        /// The rule that sets the deadline.
        var deadlineRule: Rule?
        var effortSeconds: Int
        /// Set when the pick is made final.
        var fence = Fence(0)
        var provenance = ProvenanceID(0)
        var figures = GrantFigures()
    }

    /// A slot that is free again once this flush has committed.
    struct CameBack {
        var person: PersonID
        var lease: StoredLease
        var content: TaskContent?
        var how: LeaseEnd
    }

    /// A lease that a stream vouches for from now on.
    struct Attached {
        var stream: StreamID
        var person: PersonID
        var lease: StoredLease
        /// Granted by this flush, so that nobody has heard of it yet; else presented by its worker.
        var isNew: Bool
    }

    var now: Moment
    /// The deployment's state under which it is made.
    var epoch: Int64 = .max
    /// The number it is made under: a new life may begin between its commit and its effect in memory.
    let coordinator: CoordinatorID
    var writes = FlushWrites()
    var states: [PersonID: PersonState] = [:]
    var replies: [StreamID: StreamReply] = [:]
    var picks: [Pick] = []
    /// Provenances were made, which last, and may be remembered, only where this is committed.
    var madeProvenances = false
    var cameBack: [CameBack] = []
    /// Returned slots whose tasks were quarantined or whose slot turned out taken: their rows go.
    var ended: [(person: PersonID, fence: Fence)] = []
    /// What the next flush settles, because this one settled something of the same lease.
    var postponed: [PersonID: PersonWork] = [:]
    /// How many leases of each stream are among them.
    var freed: [StreamID: Int] = [:]
    var attached: [Attached] = []
    /// Leases that came back or were extended and that a limit parks at their deadline.
    var parking: [(lease: StoredLease, person: PersonID)] = []
    /// Streams whose wants are answered by an idle.
    var idles: [StreamID: IdleAnswer] = [:]
    /// Answers, declines and so on settled on each stream.
    var settledItems: [StreamID: Int] = [:]
    /// People about whom something is written: each gets a new number.
    var changed: Set<PersonID> = []
    var contributions: [(project: ProjectID, hour: Int64, person: PersonID)] = []
    /// Leases that new streams presented: what stands and what is gone.
    var presented: [StreamID: PresentedOutcome] = [:]
    /// Doubts about earlier commits that this flush settles.
    var doubtsSettled: Set<PersonID> = []
    /// Grants in doubt that turned out not to have happened.
    var doubtsPutBack: [Pick] = []
    /// Grants in doubt that had happened and are ended now: nobody heard of them.
    var doubtsGranted: [Pick] = []
    /// Leases whose deadline is to be looked at again.
    var rechecks: [(person: PersonID, lease: StoredLease)] = []
    /// Leases that are parked now, with what they are about.
    var parked: [Fence: TaskContent] = [:]
    /// What parked leases are about, where this flush had to read it: kept with the state that names them.
    var parkedRead: [Fence: TaskContent] = [:]
    /// Wants filled with parked leases that came back.
    var unparkedFor: [StreamID: Int] = [:]
    /// The latest refusal that is kept of each person of whom this flush had one to keep: what the commit said.
    var refusals: [LatestRefusal] = []
    /// Leased time that ends with this flush, as usage rows will say it.
    var worked: [PersonID: [WorkKey: WorkIntervals]] = [:]
    /// Wants that found nothing ready: a look through the spans is needed, of the lane whose turn it is, or of all.
    var needsLook: [PersonID: LaneID?] = [:]

    init(now: Moment, coordinator: CoordinatorID) {
        self.now = now
        self.coordinator = coordinator
    }

    /// Adds to the reply of one stream.
    mutating func reply(_ stream: StreamID, _ body: (inout StreamReply) -> Void) {
        body(&replies[stream, default: StreamReply()])
    }

    mutating func tally(_ project: ProjectID, _ body: (inout FlushWrites.Tally) -> Void) {
        body(&writes.tallies[project, default: FlushWrites.Tally()])
    }

    /// Writes the end of a lease into history. Leased time ends there, but never after the deadline.
    mutating func history(
        _ state: inout PersonState, _ lease: StoredLease, _ lane: StoredLane?, at: Moment, how: String
    ) {
        let end = max(lease.grantedAt, min(at, lease.deadline))
        let interval = WorkInterval(start: lease.grantedAt, end: end)
        let key = WorkKey(kind: lane?.kind ?? "", severity: lane?.severity ?? 0)
        if !interval.isEmpty {
            state.facts.worked.add(interval, kind: key.kind, severity: key.severity)
            worked[state.person, default: [:]][key, default: WorkIntervals()].add(interval)
        }
        let person = state.person
        writes.history.person.append(person.rawValue)
        writes.history.fence.append(lease.fence.rawValue)
        writes.history.task.append(lease.task.rawValue)
        writes.history.slot.append(lease.slot)
        writes.history.lane.append(lease.lane.rawValue)
        writes.history.grantedAt.append(lease.grantedAt.microseconds)
        writes.history.at.append(end.microseconds)
        writes.history.how.append(how)
    }

    /// Whether this flush grants that slot already: what is committed does not show it. A walk over its grants, which
    /// are few before the picks are made final.
    func hasGranted(_ task: TaskID, slot: Int16) -> Bool {
        zip(writes.grants.task, writes.grants.slot).contains { $0 == task.rawValue && $1 == slot }
    }

    /// The same of a task and a person.
    func hasGranted(_ task: TaskID, to person: PersonID) -> Bool {
        zip(writes.grants.task, writes.grants.person).contains { $0 == task.rawValue && $1 == person.rawValue }
    }

    mutating func grant(_ person: PersonID, _ lease: StoredLease, why: GrantFigures, deadlineRule: Rule?) {
        writes.grants.task.append(lease.task.rawValue)
        writes.grants.slot.append(lease.slot)
        writes.grants.person.append(person.rawValue)
        writes.grants.fence.append(lease.fence.rawValue)
        writes.grants.lane.append(lease.lane.rawValue)
        writes.grants.project.append(lease.project.rawValue)
        writes.grants.grantedAt.append(lease.grantedAt.microseconds)
        writes.grants.firstGrantedAt.append(lease.firstGrantedAt.microseconds)
        writes.grants.deadline.append(lease.deadline.microseconds)
        writes.grants.provenance.append(lease.provenance.rawValue)
        writes.grants.session.append(lease.session)
        writes.grants.why.append(contentsOf: why.stored)
        writes.grants.deadlineRule.append(deadlineRule?.rawValue)
    }
}

/// What became of it is not known: the commit that would have granted it got no answer.
struct Doubt {
    var picks: [FlushPlan.Pick] = []
    /// Parked leases that may be open again.
    var cameBack: [Fence] = []
}
