import PlimsollProtocol

extension WorkerState {
    /// Takes in one message of the coordinator.
    mutating func received(_ message: Plimsoll_V1_CoordinatorMessage, now: Duration) {
        guard phase != .ended else { return }
        heardAt = now
        if message.hasWelcome {
            welcomed(message.welcome, now: now)
        } else if phase != .open {
            return end(WorkerError(.protocolBroken, "the coordinator's first message is no welcome"))
        } else {
            // A coordinator that greets and then fails must not be asked without pause.
            backoff.reset()
        }
        for info in message.projects { projects[info.project] = WorkProject(info) }
        for lease in message.leases { granted(lease, now: now) }
        for settlement in message.settlements { settled(settlement, now: now) }
        for change in message.changes { changed(change, now: now) }
        for revoke in message.revokes { revoked(revoke) }
        if message.hasIdle { idled(message.idle, now: now) }
        for notification in message.notifications { emit(.notification(notification)) }
        if message.hasDrain { draining(message.drain, now: now) }
        if let most = configuration.answersMax, settledAnswers >= most, !leaving { leave(now: now) }
        tick(now: now)
    }

    private mutating func welcomed(_ welcome: Plimsoll_V1_Welcome, now: Duration) {
        guard case .connecting = phase, welcome.revision == Self.revision else {
            return end(
                WorkerError(
                    .protocolBroken,
                    "the coordinator speaks revision \(welcome.revision) of the protocol, "
                        + "this worker \(Self.revision); update the older of the two"))
        }
        phase = .open
        terms = Terms(
            inFlight: min(configuration.inFlight, max(1, Int(welcome.inFlightMax))),
            itemsMax: max(1, Int(welcome.itemsPerMessageMax)),
            heartbeat: .seconds(max(1, Int(welcome.heartbeatSeconds))))
        heartbeatAt = now + terms.heartbeat
        emit(.connected(address, coordinator: welcome.coordinator))
        for revoke in welcome.lost { revoked(revoke) }
        for change in welcome.kept { kept(change, now: now) }
    }

    /// A presented lease stands. It answers no request: one that was under way is sent again on this stream.
    private mutating func kept(_ change: Plimsoll_V1_LeaseChange, now: Duration) {
        let key = LeaseKey(task: change.task, fence: change.fence)
        guard change.state == .held else { return changed(change, now: now) }
        guard leases[key] != nil else { return }
        let deadline = now + .milliseconds(Int64(change.deadlineMilliseconds))
        leases[key]?.deadline = deadline
        emit(.deadline(key, at: deadline))
    }

    private mutating func granted(_ lease: Plimsoll_V1_Lease, now: Duration) {
        let key = LeaseKey(task: lease.task, fence: lease.fence)
        let timeLeft = Duration.milliseconds(Int64(lease.deadlineMilliseconds))
        wanted = max(0, wanted - 1)
        guard leases[key] == nil else {
            leases[key]?.deadline = now + timeLeft
            return
        }
        let task = WorkTask(
            lease: key,
            project: projects[lease.project]
                ?? WorkProject(id: lease.project, name: "", instructions: "", instructionsVersion: 0, answerSchema: ""),
            key: lease.key, kind: lease.kind, severity: Int(lease.severity),
            effort: .seconds(Int64(lease.effortSeconds)), timeLeft: timeLeft, deadline: now + timeLeft,
            parks: lease.parks, payload: Array(lease.payload), why: lease.why)
        leases[key] = Held(task: task, deadline: now + timeLeft)
        if leaving {
            // It was on its way when the worker said that it goes.
            requests[key] = PendingRequest(request: .release)
        } else {
            emit(.leased(task))
        }
    }

    private mutating func settled(_ settlement: Plimsoll_V1_Settlement, now: Duration) {
        let key = LeaseKey(task: settlement.task, fence: settlement.fence)
        // A second reply to an answer that was sent twice says the same again.
        guard var answer = answers[key] else { return }
        switch settlement.outcome {
        case .tryAgain, .unspecified, .UNRECOGNIZED:
            answer.sentAt = nil
            answer.notBefore = now + limits.tryAgainWait
            answers[key] = answer
            return
        case .refusedSchema:
            answers[key] = nil
        case .accepted, .keptLate, .alreadyAnswered:
            settledAnswers += 1
            gone(key)
        case .refusedAgreement, .refusedDenied, .unknownLease:
            gone(key)
        }
        emit(.settled(key, settlement))
    }

    private mutating func changed(_ change: Plimsoll_V1_LeaseChange, now: Duration) {
        let key = LeaseKey(task: change.task, fence: change.fence)
        let asked = requests.removeValue(forKey: key)
        if let asked, change.state == .unchanged, asked.request.isNeverRefused {
            // Nobody refuses it, so the coordinator could not settle it now.
            requests[key] = PendingRequest(request: asked.request, notBefore: now + limits.tryAgainWait)
            return
        }
        // A coordinator parks by itself at a limit: that is news as well.
        let isNews = asked != nil || (leases[key] != nil && change.state != .held && change.state != .unchanged)
        switch change.state {
        case .held:
            let deadline = now + .milliseconds(Int64(change.deadlineMilliseconds))
            guard leases[key] != nil else { break }
            leases[key]?.deadline = deadline
            emit(.deadline(key, at: deadline))
        case .unchanged, .unspecified, .UNRECOGNIZED:
            break
        default:
            // An answer that is on its way is still settled.
            let answer = answers[key]
            gone(key)
            answers[key] = answer
        }
        if isNews { emit(.changed(key, change.state, message: change.message)) }
    }

    private mutating func revoked(_ revoke: Plimsoll_V1_Revoke) {
        let key = LeaseKey(task: revoke.task, fence: revoke.fence)
        requests[key] = nil
        guard leases.removeValue(forKey: key) != nil else { return }
        emit(.lost(key, revoke.reason, message: revoke.message))
    }

    private mutating func idled(_ idle: Plimsoll_V1_Idle, now: Duration) {
        wanted = 0
        askAgainAt = now + max(limits.askAgainMin, .milliseconds(Int64(idle.askAgainMilliseconds)))
        idleForOpenLeases = idle.hasRefusal && idle.refusal.rule == Self.openLeasesRule
        emit(.idle(idle))
    }

    /// The rule that the end of a lease can lift.
    private static let openLeasesRule = "open-leases"

    private mutating func gone(_ key: LeaseKey) {
        leases[key] = nil
        answers[key] = nil
        requests[key] = nil
        if idleForOpenLeases {
            idleForOpenLeases = false
            askAgainAt = nil
        }
    }

    private mutating func draining(_ drain: Plimsoll_V1_Drain, now: Duration) {
        let within = Duration.milliseconds(Int64(drain.withinMilliseconds)) / 2
        let wait = min(within, limits.moveSpread) * Double.random(in: 0...1, using: &generator)
        moveAt = min(moveAt ?? .farFuture, now + wait)
    }
}
