public import PlimsollModel

/// What a flush knows once it holds the locks: the answer of its first round trip.
public struct FlushOpening: Sendable {
    /// The epoch that this flush decides under; it cannot change before the flush ends.
    public var epoch: Int64
    /// The database's clock, read after the locks were had (P8).
    public var now: Moment
    /// The people whose lock this flush holds. Who is missing is held by another transaction.
    public var locked: Set<PersonID>
    /// The latest usage row of each person that has one in the last two days.
    public var heads: [PersonID: UsageHead]
}

/// The folded figures of a person's latest usage row.
public struct UsageHead: Sendable, Hashable {
    /// The person's number: counts every fact about the person, without gaps.
    public var n: Int64
    public var at: Moment
    public var day: LocalDay
    public var dayLabels: Int

    public init(n: Int64, at: Moment, day: LocalDay, dayLabels: Int) {
        self.n = n
        self.at = at
        self.day = day
        self.dayLabels = dayLabels
    }
}

/// An open lease as the database has it.
public struct StoredLease: Sendable, Hashable {
    public var task: TaskID
    public var slot: Int16
    public var fence: Fence
    public var lane: LaneID
    public var project: ProjectID
    public var grantedAt: Moment
    /// Of the first grant, where the lease was parked in between.
    public var firstGrantedAt: Moment
    public var deadline: Moment
    public var coordinator: CoordinatorID
    public var provenance: ProvenanceID
    /// The worker process it was granted to; 0: it did not say.
    public var session: Int64

    public init(
        task: TaskID, slot: Int16, fence: Fence, lane: LaneID, project: ProjectID, grantedAt: Moment,
        firstGrantedAt: Moment, deadline: Moment, coordinator: CoordinatorID, provenance: ProvenanceID,
        session: Int64
    ) {
        self.task = task
        self.slot = slot
        self.fence = fence
        self.lane = lane
        self.project = project
        self.grantedAt = grantedAt
        self.firstGrantedAt = firstGrantedAt
        self.deadline = deadline
        self.coordinator = coordinator
        self.provenance = provenance
        self.session = session
    }
}

/// A lease that is set aside: its slot is held, it is not open, and it comes back to the same person.
public struct StoredParked: Sendable, Hashable {
    public var task: TaskID
    public var slot: Int16
    public var fence: Fence
    public var lane: LaneID
    public var project: ProjectID
    public var firstGrantedAt: Moment
    public var parkedAt: Moment
    public var until: Moment
    public var provenance: ProvenanceID
    /// By a limit, and not by its holder.
    public var atLimit: Bool

    public init(
        task: TaskID, slot: Int16, fence: Fence, lane: LaneID, project: ProjectID, firstGrantedAt: Moment,
        parkedAt: Moment, until: Moment, provenance: ProvenanceID, atLimit: Bool
    ) {
        self.task = task
        self.slot = slot
        self.fence = fence
        self.lane = lane
        self.project = project
        self.firstGrantedAt = firstGrantedAt
        self.parkedAt = parkedAt
        self.until = until
        self.provenance = provenance
        self.atLimit = atLimit
    }
}

/// Everything the gate needs to know of one person, read under the person's lock.
public struct StoredPerson: Sendable {
    public var person: PersonID
    public var name: String
    public var zone: String
    /// The zone before, and when it was changed.
    public var formerZone: (name: String, changedAt: Moment)?
    public var declaredWeek: Duration
    public var isEngineer: Bool
    public var denied: Bool
    public var enrolled: Set<ProjectID>
    public var agreements: [StoredAgreement]
    public var leases: [StoredLease]
    public var parked: [StoredParked]
    /// nil: no usage row at all.
    public var head: UsageHead?
    /// Leased time that is over.
    public var worked: WorkHistory
    /// What team, projects, the person and a raise say beside the deployment's policy.
    public var layers: PersonLimitLayers
}

/// The latest consent event of one purpose, with what a provenance names.
public struct StoredAgreement: Sendable, Hashable {
    public var purpose: PurposeName
    public var state: AgreementState
    public var from: Moment
    public var until: Moment
    public var notice: String
    public var noticeVersion: Int
    public var n: Int64
    /// What an agreement is from `until` on: `expired`, or `invalidated` where a new version of its notice ends it.
    public var endsAs: AgreementState

    /// How a provenance names this agreement.
    public var reference: String { "\(purpose)@\(notice)/\(noticeVersion)#\(n)" }
}

/// The latest refusal of a person that was kept.
public struct LatestRefusal: Sendable, Hashable {
    public var person: PersonID
    public var at: Moment
    /// nil: it stands no more, since something was granted after it, or it is of a rule that this build does not know.
    public var rule: Rule?
}

/// What is known of a task and person whose lease is not open: for repeated and late submits.
public struct SettledRecord: Sendable {
    public enum Kind: Sendable { case label, late, ended }
    public var kind: Kind
    public var person: PersonID
    public var task: TaskID
    public var fence: Fence
    /// Of a label or late answer.
    public var answerHash: [UInt8]
    /// Of an ended lease.
    public var slot: Int16
    public var lane: LaneID
    public var grantedAt: Moment
    public var how: String
    public var project: ProjectID
    public var severity: Int
}

/// How a task stands when one of its leases ends without a label.
public struct TaskStanding: Sendable {
    public var task: TaskID
    public var isClosed: Bool
    /// Expiries and lost streams since the task's last label.
    public var failures: Int
    public var failedPeople: Set<PersonID>
    /// Labels, open leases and parked leases, those that end now included.
    public var taken: Int
    public var overlap: Int
}
