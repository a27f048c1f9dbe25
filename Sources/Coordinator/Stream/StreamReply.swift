public import PlimsollModel
import QualityReview

/// One message to a worker. Everything one flush has for a stream travels together.
public struct StreamReply: Sendable {
    public var projects: [ProjectNote] = []
    public var leases: [LeaseGrant] = []
    public var settlements: [Settlement] = []
    public var changes: [LeaseChange] = []
    public var revokes: [Revocation] = []
    /// Answers every want that is still open.
    public var idle: IdleAnswer?
    public var notifications: [Notification] = []
    /// The coordinator is going; present leases elsewhere within this time.
    public var drainWithin: Duration?

    public init() {}

    public var isEmpty: Bool {
        projects.isEmpty && leases.isEmpty && settlements.isEmpty && changes.isEmpty && revokes.isEmpty
            && idle == nil && notifications.isEmpty && drainWithin == nil
    }
}

/// What a worker must know of a project before its first lease there.
public struct ProjectNote: Sendable {
    public var project: ProjectID
    public var name: String
    public var instructions: String
    public var instructionsVersion: Int64
    /// JSON text.
    public var answerSchema: String

    public init(
        project: ProjectID, name: String, instructions: String, instructionsVersion: Int64, answerSchema: String
    ) {
        self.project = project
        self.name = name
        self.instructions = instructions
        self.instructionsVersion = instructionsVersion
        self.answerSchema = answerSchema
    }
}

/// A lease in the hand of its worker.
public struct LeaseGrant: Sendable {
    public var lease: LeaseReference
    public var project: ProjectID
    public var instructionsVersion: Int64
    public var key: String
    public var kind: String
    public var severity: Int
    public var effort: Duration
    /// From now; a worker's clock takes no part.
    public var deadlineIn: Duration
    public var payload: [UInt8]
    public var why: GrantReason
    /// The deadline is where a limit is reached: then it is parked and comes back.
    public var parks: Bool

    public init(
        lease: LeaseReference, project: ProjectID, instructionsVersion: Int64, key: String, kind: String,
        severity: Int, effort: Duration, deadlineIn: Duration, payload: [UInt8], why: GrantReason, parks: Bool = false
    ) {
        self.lease = lease
        self.project = project
        self.instructionsVersion = instructionsVersion
        self.key = key
        self.kind = kind
        self.severity = severity
        self.effort = effort
        self.deadlineIn = deadlineIn
        self.payload = payload
        self.why = why
        self.parks = parks
    }
}

/// What the gate's answer stood on.
public struct GrantReason: Sendable {
    public var policyVersion: Int64
    public var provenance: ProvenanceID
    public var figures: GrantFigures
    /// The rule that sets the deadline; nil: the lease's own length or its lifetime does.
    public var deadlineRule: Rule?

    public init(
        policyVersion: Int64, provenance: ProvenanceID, figures: GrantFigures, deadlineRule: Rule? = nil
    ) {
        self.policyVersion = policyVersion
        self.provenance = provenance
        self.figures = figures
        self.deadlineRule = deadlineRule
    }
}

/// A person's load at a grant, this lease included, each figure with its limit (nil: none).
public struct GrantFigures: Sendable {
    public var openLeases = 0
    public var openLeasesLimit: Int?
    public var dayTasks = 0
    public var dayTasksLimit: Int?
    public var continuous = Duration.zero
    public var continuousLimit: Duration?
    public var day = Duration.zero
    public var dayLimit: Duration?
    public var week = Duration.zero
    public var weekLimit: Duration?

    public init() {}

    /// What a lease has kept; nil: not ten numbers, so there is nothing to tell.
    public init?(stored numbers: [Int64]) {
        guard numbers.count == 10 else { return nil }
        func count(_ index: Int) -> Int { Int(clamping: numbers[index]) }
        func limit<Value>(_ index: Int, _ value: (Int64) -> Value) -> Value? {
            numbers[index] < 0 ? nil : value(numbers[index])
        }
        (openLeases, openLeasesLimit) = (count(0), limit(1) { Int(clamping: $0) })
        (dayTasks, dayTasksLimit) = (count(2), limit(3) { Int(clamping: $0) })
        (continuous, continuousLimit) = (.seconds(numbers[4]), limit(5) { .seconds($0) })
        (day, dayLimit) = (.seconds(numbers[6]), limit(7) { .seconds($0) })
        (week, weekLimit) = (.seconds(numbers[8]), limit(9) { .seconds($0) })
    }

    /// As a lease keeps it: ten numbers, times in whole seconds, -1 for no limit.
    var stored: [Int64] {
        [
            Int64(openLeases), Int64(openLeasesLimit ?? -1), Int64(dayTasks), Int64(dayTasksLimit ?? -1),
            continuous.components.seconds, continuousLimit?.components.seconds ?? -1,
            day.components.seconds, dayLimit?.components.seconds ?? -1,
            week.components.seconds, weekLimit?.components.seconds ?? -1,
        ]
    }
}

/// What became of one submit.
public struct Settlement: Sendable {
    public enum Outcome: Sendable, Equatable {
        /// Durable as a label (P5); also the repeated ack of a repeated submit.
        case accepted
        /// The lease was gone; kept for a human, visible to its author (P6).
        case keptLate
        /// Another answer was settled under this fence; kept once as a late answer.
        case alreadyAnswered
        /// Nothing is settled and the lease stays.
        case refusedSchema([AnswerProblem])
        case refusedAgreement
        case refusedDenied
        case unknownLease
        /// In doubt or the database is away: send it again.
        case tryAgain
    }

    public var lease: LeaseReference
    public var outcome: Outcome
    /// For people; empty when accepted.
    public var message: String

    public init(lease: LeaseReference, outcome: Outcome, message: String = "") {
        self.lease = lease
        self.outcome = outcome
        self.message = message
    }
}

/// What became of a decline, release, park, extend or presented lease.
public struct LeaseChange: Sendable {
    public enum State: Sendable { case held, parked, declined, released, unchanged, unknown }

    public var lease: LeaseReference
    public var state: State
    public var deadlineIn: Duration?
    public var message: String

    public init(lease: LeaseReference, state: State, deadlineIn: Duration? = nil, message: String = "") {
        self.lease = lease
        self.state = state
        self.deadlineIn = deadlineIn
        self.message = message
    }
}

/// A lease that ended without its holder asking.
public struct Revocation: Sendable {
    public enum Reason: Sendable { case deadline, withdrawn, denied, projectClosed, notYours, role }

    public var lease: LeaseReference
    public var reason: Reason
    public var message: String

    public init(lease: LeaseReference, reason: Reason, message: String = "") {
        self.lease = lease
        self.reason = reason
        self.message = message
    }
}

/// Why nothing comes now, and when to ask again.
public struct IdleAnswer: Sendable {
    public enum Reason: Sendable, Equatable {
        /// An indexed look in every lane this person may see found nothing.
        case nothingLeft
        case allInOtherHands
        case paused
        case notEligible
        case limitTooNear
        case onBreak
        /// No decision can be made now; in doubt no lease is given (P2).
        case notReady
        /// The deployment is in read-only mode; what is in hand can be finished.
        case readOnly
    }

    public var reason: Reason
    public var askAgainIn: Duration
    /// The deciding rule, where a rule decided.
    public var refusal: Refusal?
    /// The refusal's `until` as seen from now.
    public var untilIn: Duration?

    public init(reason: Reason, askAgainIn: Duration, refusal: Refusal? = nil, untilIn: Duration? = nil) {
        self.reason = reason
        self.askAgainIn = askAgainIn
        self.refusal = refusal
        self.untilIn = untilIn
    }
}

/// Something the person should know.
public struct Notification: Sendable {
    public enum Kind: Sendable { case certificate, breakAhead, agreementEnds, stop }
    public var kind: Kind
    public var message: String

    public init(kind: Kind, message: String) {
        self.kind = kind
        self.message = message
    }
}
