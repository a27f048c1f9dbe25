import Coordinator
import FoundationEssentials
import PlimsollModel
import PlimsollProtocol

/// A coordinator's replies as messages to a worker. The hot path: one message for one reply, unless it is very large.
enum WorkReply {
    static func welcome(_ welcome: StreamWelcome, revision: UInt32) -> Plimsoll_V1_CoordinatorMessage {
        var message = Plimsoll_V1_CoordinatorMessage()
        var answer = Plimsoll_V1_Welcome()
        answer.revision = revision
        answer.coordinator = welcome.coordinator
        answer.inFlightMax = UInt32(StreamLimits.inFlightMax)
        answer.itemsPerMessageMax = UInt32(StreamLimits.itemsPerMessageMax)
        answer.answerBytesMax = UInt32(StreamLimits.answerBytesMax)
        answer.heartbeatSeconds = max(1, welcome.heartbeat.wireSeconds)
        answer.streamTtlSeconds = welcome.streamTimeToLive.wireSeconds
        answer.lost = welcome.lost.map(Plimsoll_V1_Revoke.init)
        answer.kept = welcome.kept.map(Plimsoll_V1_LeaseChange.init)
        message.welcome = answer
        message.notifications = welcome.notifications.map(Plimsoll_V1_Notification.init)
        return message
    }

    static func drain(within time: Duration) -> Plimsoll_V1_CoordinatorMessage {
        var message = Plimsoll_V1_CoordinatorMessage()
        message.drain.withinMilliseconds = time.wireMilliseconds
        return message
    }

    static func settlements(_ settlements: [Settlement]) -> Plimsoll_V1_CoordinatorMessage {
        var message = Plimsoll_V1_CoordinatorMessage()
        message.settlements = settlements.map(Plimsoll_V1_Settlement.init)
        return message
    }

    /// The messages of one reply, in order: no message has more items in a list than the limit, nor leases and texts
    /// of more than `bytesTarget` bytes unless one alone is larger.
    static func messages(of reply: StreamReply, bytesTarget: Int) -> [Plimsoll_V1_CoordinatorMessage] {
        reply.fits(bytesTarget: bytesTarget)
            ? [Plimsoll_V1_CoordinatorMessage(reply)]
            : reply.split(bytesTarget: bytesTarget).map(Plimsoll_V1_CoordinatorMessage.init)
    }
}

extension StreamReply {
    fileprivate func fits(bytesTarget: Int) -> Bool {
        let max = StreamLimits.itemsPerMessageMax
        guard projects.count <= max, leases.count <= max, settlements.count <= max, changes.count <= max,
            revokes.count <= max, notifications.count <= max
        else { return false }
        var bytes = 0
        for project in projects { bytes += project.textBytes }
        for grant in leases { bytes += grant.payload.count }
        return bytes <= bytesTarget
    }

    /// Several replies that say the same in the same order. `idle` and `drainWithin` are in the last, because they
    /// speak of what is before them.
    fileprivate func split(bytesTarget: Int) -> [StreamReply] {
        var parts: [StreamReply] = []
        var part = StreamReply()
        var bytes = 0
        func makeRoom(_ count: Int, _ size: Int = 0) {
            if count >= StreamLimits.itemsPerMessageMax || (bytes > 0 && bytes + size > bytesTarget) {
                parts.append(part)
                part = StreamReply()
                bytes = 0
            }
            bytes += size
        }
        for project in projects {
            makeRoom(part.projects.count, project.textBytes)
            part.projects.append(project)
        }
        for grant in leases {
            makeRoom(part.leases.count, grant.payload.count)
            part.leases.append(grant)
        }
        for settlement in settlements {
            makeRoom(part.settlements.count)
            part.settlements.append(settlement)
        }
        for change in changes {
            makeRoom(part.changes.count)
            part.changes.append(change)
        }
        for revoke in revokes {
            makeRoom(part.revokes.count)
            part.revokes.append(revoke)
        }
        for notification in notifications {
            makeRoom(part.notifications.count)
            part.notifications.append(notification)
        }
        part.idle = idle
        part.drainWithin = drainWithin
        parts.append(part)
        return parts
    }
}

extension ProjectNote {
    fileprivate var textBytes: Int { instructions.utf8.count + answerSchema.utf8.count }
}

extension Plimsoll_V1_CoordinatorMessage {
    /// Every list is set as a whole: the generated accessors copy a list for each change in place.
    fileprivate init(_ reply: StreamReply) {
        self.init()
        if !reply.projects.isEmpty { projects = reply.projects.map(Plimsoll_V1_ProjectInfo.init) }
        if !reply.leases.isEmpty { leases = reply.leases.map(Plimsoll_V1_Lease.init) }
        if !reply.settlements.isEmpty { settlements = reply.settlements.map(Plimsoll_V1_Settlement.init) }
        if !reply.changes.isEmpty { changes = reply.changes.map(Plimsoll_V1_LeaseChange.init) }
        if !reply.revokes.isEmpty { revokes = reply.revokes.map(Plimsoll_V1_Revoke.init) }
        if !reply.notifications.isEmpty { notifications = reply.notifications.map(Plimsoll_V1_Notification.init) }
        if let answer = reply.idle { idle = Plimsoll_V1_Idle(answer) }
        if let time = reply.drainWithin { drain.withinMilliseconds = time.wireMilliseconds }
    }
}

extension Plimsoll_V1_ProjectInfo {
    init(_ note: ProjectNote) {
        self.init()
        project = note.project.rawValue
        name = note.name
        instructions = note.instructions
        instructionsVersion = note.instructionsVersion
        answerSchema = note.answerSchema
    }
}

extension Plimsoll_V1_Lease {
    init(_ grant: LeaseGrant) {
        self.init()
        task = grant.lease.task.rawValue
        fence = grant.lease.fence.rawValue
        project = grant.project.rawValue
        instructionsVersion = grant.instructionsVersion
        key = grant.key
        kind = grant.kind
        severity = UInt32(clamping: grant.severity)
        effortSeconds = grant.effort.wireSeconds
        deadlineMilliseconds = grant.deadlineIn.wireMilliseconds
        payload = Data(grant.payload)
        parks = grant.parks
        why = .init(grant.why)
    }
}

extension Plimsoll_V1_Why {
    init(_ reason: GrantReason) {
        self.init()
        policyVersion = reason.policyVersion
        provenance = reason.provenance.rawValue
        let figures = reason.figures
        openLeases = UInt32(clamping: figures.openLeases)
        openLeasesLimit = UInt32(clamping: figures.openLeasesLimit ?? 0)
        dayTasks = UInt32(clamping: figures.dayTasks)
        dayTasksLimit = UInt32(clamping: figures.dayTasksLimit ?? 0)
        continuousSeconds = figures.continuous.wireSeconds
        continuousLimitSeconds = figures.continuousLimit?.wireSeconds ?? 0
        daySeconds = figures.day.wireSeconds
        dayLimitSeconds = figures.dayLimit?.wireSeconds ?? 0
        weekSeconds = figures.week.wireSeconds
        weekLimitSeconds = figures.weekLimit?.wireSeconds ?? 0
        deadlineRule = reason.deadlineRule?.rawValue ?? ""
    }
}

extension Plimsoll_V1_Settlement {
    init(_ settlement: Settlement) {
        self.init()
        task = settlement.lease.task.rawValue
        fence = settlement.lease.fence.rawValue
        message = settlement.message
        switch settlement.outcome {
        case .accepted: outcome = .accepted
        case .keptLate: outcome = .keptLate
        case .alreadyAnswered: outcome = .alreadyAnswered
        case .refusedAgreement: outcome = .refusedAgreement
        case .refusedDenied: outcome = .refusedDenied
        case .unknownLease: outcome = .unknownLease
        case .tryAgain: outcome = .tryAgain
        case .refusedSchema(let found):
            outcome = .refusedSchema
            problems = found.map { problem in
                var wire = Plimsoll_V1_AnswerProblem()
                wire.pointer = problem.path
                wire.message = problem.message
                return wire
            }
        }
    }
}

extension Plimsoll_V1_LeaseChange {
    init(_ change: LeaseChange) {
        self.init()
        task = change.lease.task.rawValue
        fence = change.lease.fence.rawValue
        deadlineMilliseconds = change.deadlineIn?.wireMilliseconds ?? 0
        message = change.message
        state =
            switch change.state {
            case .held: .held
            case .parked: .parked
            case .declined: .declined
            case .released: .released
            case .unchanged: .unchanged
            case .unknown: .unknown
            }
    }
}

extension Plimsoll_V1_Revoke {
    init(_ revocation: Revocation) {
        self.init()
        task = revocation.lease.task.rawValue
        fence = revocation.lease.fence.rawValue
        message = revocation.message
        reason =
            switch revocation.reason {
            case .deadline: .deadline
            case .withdrawn: .withdrawn
            case .denied: .denied
            case .projectClosed: .projectClosed
            case .notYours: .notYours
            case .role: .role
            }
    }
}

extension Plimsoll_V1_Idle {
    init(_ idle: IdleAnswer) {
        self.init()
        askAgainMilliseconds = idle.askAgainIn.wireMilliseconds
        reason =
            switch idle.reason {
            case .nothingLeft: .nothingLeft
            case .allInOtherHands: .allInOtherHands
            case .paused: .paused
            case .notEligible: .notEligible
            case .limitTooNear: .limitTooNear
            case .onBreak: .break
            case .notReady: .notReady
            case .readOnly: .readOnly
            }
        if let found = idle.refusal { refusal = Plimsoll_V1_Refusal(found, untilIn: idle.untilIn) }
    }
}

extension Plimsoll_V1_Refusal {
    /// `untilIn` is the refusal's moment as seen from now; nil: none is known.
    init(_ found: Refusal, untilIn: Duration?) {
        self.init()
        rule = found.rule.rawValue
        value = found.value
        limit = found.limit
        untilMilliseconds = untilIn?.wireMilliseconds64 ?? 0
        sentence = found.sentence
    }
}

extension Plimsoll_V1_Notification {
    init(_ notification: Notification) {
        self.init()
        message = notification.message
        kind =
            switch notification.kind {
            case .certificate: .certificate
            case .breakAhead: .breakAhead
            case .agreementEnds: .agreementEnds
            case .stop: .stop
            }
    }
}
