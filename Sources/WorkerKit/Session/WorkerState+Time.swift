import PlimsollProtocol

extension WorkerState {
    /// When something is due although nothing arrives. Nil: never.
    var wakeAt: Duration? {
        var moments: [Duration] = leases.values.map { $0.deadline + limits.deadlineGrace }
        switch phase {
        case .ended: return nil
        case .waiting(let until), .connecting(let until): moments.append(until)
        case .open:
            moments.append(heartbeatAt)
            if let askAgainAt { moments.append(askAgainAt) }
            if let moveAt { moments.append(order == .keep ? moveAt : moveAt + limits.farewellWait) }
            if let pausedUntil { moments.append(pausedUntil) }
            moments += answers.values.map { $0.sentAt.map { $0 + limits.replyWait } ?? $0.notBefore }
            moments += requests.values.map { $0.sentAt.map { $0 + limits.replyWait } ?? $0.notBefore }
            if wanted > 0 { moments.append(heardAt + limits.silenceMax) }
        }
        if leaving {
            moments += [releaseAt, farewellAt].filter { $0 < .farFuture }
            // Once: afterwards the order is given.
            if let leavingSentAt, wanted > 0, order == .keep { moments.append(leavingSentAt + limits.lastLeaseWait) }
        }
        return moments.min()
    }

    /// Lets time do what is due.
    mutating func tick(now: Duration) {
        guard phase != .ended else { return }
        loseOverdue(now: now)
        if leaving { tickLeaving(now: now) }
        switch phase {
        case .connecting(let until) where until <= now:
            order = .drop
        case .open:
            tickMove(now: now)
            if isFrozen(now: now) { order = .drop }
            if let due = askAgainAt, due <= now { askAgainAt = nil }
            if let due = pausedUntil, due <= now { pausedUntil = nil }
        default: break
        }
    }

    /// A stream that is left by choice is half-closed first: a lease that is on its way would be unknown here and held
    /// for nobody until the stream's life is over.
    private mutating func tickMove(now: Duration) {
        guard let moveAt, moveAt <= now else { return }
        if order == .keep { order = .halfClose }
        if moveAt + limits.farewellWait <= now { order = .drop }
    }

    /// The connection's end says so as well, but a stream may be cut off for longer than a lease lasts.
    private mutating func loseOverdue(now: Duration) {
        for (key, held) in leases.sorted(by: { $0.key < $1.key }) where held.deadline + limits.deadlineGrace <= now {
            leases[key] = nil
            requests[key] = nil
            emit(.lost(key, .deadline, message: "the deadline has passed"))
        }
    }

    private func isFrozen(now: Duration) -> Bool {
        let sent = answers.values.compactMap(\.sentAt) + requests.values.compactMap(\.sentAt)
        if let oldest = sent.min(), oldest + limits.replyWait <= now { return true }
        return wanted > 0 && heardAt + limits.silenceMax <= now
    }

    // MARK: - Leaving

    /// No more work: what is held is finished within `drainWait`, the rest given back, then the session ends. Asking a
    /// second time gives it back at once.
    mutating func leave(now: Duration) {
        guard phase != .ended else { return }
        if leaving {
            releaseAt = min(releaseAt, now)
        } else {
            leaving = true
            releaseAt = now + limits.drainWait
            askAgainAt = nil
            emit(.leaving)
        }
        farewellAt = releaseAt + limits.farewellWait
        tick(now: now)
    }

    private mutating func tickLeaving(now: Duration) {
        if releaseAt <= now {
            releaseAt = .farFuture
            for key in leases.keys where answers[key] == nil && requests[key] == nil {
                requests[key] = PendingRequest(request: .release)
            }
        }
        // A lease may be on its way until the coordinator has heard the goodbye; half-closed, nobody could give it
        // back.
        let hasSaidGoodbye = leavingSentAt.map { wanted == 0 || $0 + limits.lastLeaseWait <= now } ?? false
        let isDone = leases.isEmpty && answers.isEmpty && requests.isEmpty
        switch phase {
        case .open where isDone && hasSaidGoodbye:
            if order == .keep {
                order = .halfClose
                farewellAt = min(farewellAt, now + limits.farewellWait)
            }
        case .waiting where answers.isEmpty:
            // Nothing to say goodbye with: what is held ends with the stream's life.
            leases.removeAll()
            return end(nil)
        default: break
        }
        guard farewellAt <= now else { return }
        end(
            answers.isEmpty
                ? nil
                : WorkerError(
                    .unreachable, "\(answers.count) answers were sent but not acknowledged; they count if they arrived")
        )
    }

    /// The session's certificate is new: go on under it.
    mutating func renewed(now: Duration) {
        emit(.renewed)
        renewedAt = now
        if phase == .open { moveAt = min(moveAt ?? now, now) }
        tick(now: now)
    }
}

extension Duration {
    /// Later than anything.
    static let farFuture = Duration.seconds(Int64.max / 4)
}
