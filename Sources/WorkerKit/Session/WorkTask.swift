public import PlimsollProtocol

/// One grant: a task and the number of the grant. What a worker sends about a lease counts only with both (P4).
public struct LeaseKey: Sendable, Hashable, Comparable {
    public let task: Int64
    public let fence: Int64

    public init(task: Int64, fence: Int64) {
        self.task = task
        self.fence = fence
    }

    /// In order of granting.
    public static func < (left: LeaseKey, right: LeaseKey) -> Bool {
        (left.fence, left.task) < (right.fence, right.task)
    }
}

/// A project as a worker sees it.
public struct WorkProject: Sendable, Hashable {
    public let id: Int64
    public let name: String
    public let instructions: String
    public let instructionsVersion: Int64
    /// JSON text: the closed subset of JSON Schema that answers must keep to.
    public let answerSchema: String

    public init(id: Int64, name: String, instructions: String, instructionsVersion: Int64, answerSchema: String) {
        self.id = id
        self.name = name
        self.instructions = instructions
        self.instructionsVersion = instructionsVersion
        self.answerSchema = answerSchema
    }

    init(_ info: Plimsoll_V1_ProjectInfo) {
        self.init(
            id: info.project, name: info.name, instructions: info.instructions,
            instructionsVersion: info.instructionsVersion, answerSchema: info.answerSchema)
    }
}

/// A task in hand.
public struct WorkTask: Sendable {
    public let lease: LeaseKey
    public let project: WorkProject
    /// The task's name in the data it came from.
    public let key: String
    public let kind: String
    /// 0 to 3.
    public let severity: Int
    public let effort: Duration
    /// What was left until the deadline when the lease arrived.
    public let timeLeft: Duration
    /// The moment of the deadline on the session's own clock (`WorkSession.now`).
    public let deadline: Duration
    /// Whether the coordinator parks it at the deadline, because a limit is reached there; it comes back after the
    /// break.
    public let parks: Bool
    /// A JSON object, UTF-8, as imported.
    public let payload: [UInt8]
    /// What the grant stood on.
    public let why: Plimsoll_V1_Why
    /// Why an earlier answer under this lease was refused; empty at first.
    public var problems: [Plimsoll_V1_AnswerProblem] = []

    public init(
        lease: LeaseKey, project: WorkProject, key: String, kind: String, severity: Int, effort: Duration,
        timeLeft: Duration, deadline: Duration, parks: Bool = false, payload: [UInt8], why: Plimsoll_V1_Why
    ) {
        self.lease = lease
        self.project = project
        self.key = key
        self.kind = kind
        self.severity = severity
        self.effort = effort
        self.timeLeft = timeLeft
        self.deadline = deadline
        self.parks = parks
        self.payload = payload
        self.why = why
    }
}

/// What a worker may ask about a lease it holds, beside answering.
public enum LeaseRequest: Sendable, Hashable {
    /// "Not this one." Costs nothing (P9); the reason is the person's own choice and never needed.
    case decline(Plimsoll_V1_DeclineReason)
    /// Gives the task back for others.
    case release
    /// Keeps the slot for later, without leased time.
    case park
    /// Asks for more time.
    case extend
}

/// What happens in a session, in order.
public enum WorkEvent: Sendable {
    case connecting(CoordinatorAddress)
    /// Work can come; the name is the coordinator's own.
    case connected(CoordinatorAddress, coordinator: String)
    /// The connection is gone; what is held stays held, and the next attempt comes after the wait.
    case disconnected(WorkerError, wait: Duration)
    case leased(WorkTask)
    /// A lease that stands has another deadline now, on the session's own clock.
    case deadline(LeaseKey, at: Duration)
    /// The reply to an answer. Only `tryAgain` is not told: the session repeats by itself.
    case settled(LeaseKey, Plimsoll_V1_Settlement)
    /// The reply to a request, or what the coordinator did by itself: at a limit it parks.
    case changed(LeaseKey, Plimsoll_V1_LeaseState, message: String)
    /// The lease is gone. An answer may still be sent: it is kept for a human (P6).
    case lost(LeaseKey, Plimsoll_V1_RevokeReason, message: String)
    /// Nothing comes now, and why; asked again after the time named in it.
    case idle(Plimsoll_V1_Idle)
    case notification(Plimsoll_V1_Notification)
    /// The certificate was renewed, or could not be and will be tried again.
    case renewed
    case renewalFailed(WorkerError)
    /// No more work is taken.
    case leaving
}
