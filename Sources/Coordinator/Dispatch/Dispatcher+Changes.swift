import Ledger
import PlimsollModel
import QualityReview

/// Declines, releases, parks, extensions, and leases that end by themselves.
extension Dispatcher {
    func settle(
        _ change: PersonWork.Change, _ state: inout PersonState, _ lookups: FlushLookups, _ plan: inout FlushPlan
    ) {
        plan.settledItems[change.stream, default: 0] += 1
        let reply: LeaseChange
        if let held = state.held[change.lease.fence], held.stored.task == change.lease.task {
            switch change.kind {
            case .decline(let reason):
                decline(held.stored.project, held.stored.task, reason, state.person, &plan)
                end(held, how: .declined, &state, lookups, &plan)
                reply = LeaseChange(lease: change.lease, state: .declined)
            case .release:
                end(held, how: .released, &state, lookups, &plan)
                reply = LeaseChange(lease: change.lease, state: .released)
            case .park: reply = park(change.lease, held, atLimit: false, &state, &plan)
            case .extend: reply = extend(change.lease, held, &state, lookups, &plan)
            }
        } else if let parked = state.parked[change.lease.fence], parked.task == change.lease.task {
            reply = settleParked(change, parked, &state, lookups, &plan)
        } else {
            reply = settleRepeated(change, state, lookups)
        }
        plan.reply(change.stream) { $0.changes.append(reply) }
    }

    /// A lease that ends by itself: its deadline, its stream, its coordinator.
    func settle(_ end: PersonWork.End, _ state: inout PersonState, _ lookups: FlushLookups, _ plan: inout FlushPlan) {
        if let held = state.held[end.lease.fence], held.stored.task == end.lease.task {
            // It has come back meanwhile.
            if end.how == .parkExpired { return }
            if let vouchedBy = end.vouchedBy, held.stored.coordinator != vouchedBy { return }
            // With a last sign its worker had it in hand.
            if end.how == .unheard, end.lastSign == nil { return endUnheard(held, &state, lookups, &plan) }
            guard end.how == .expired else {
                return self.end(held, how: end.how, lastSign: end.lastSign, &state, lookups, &plan)
            }
            // Extended meanwhile.
            if held.stored.deadline + configuration.times.deadlineGrace > state.at {
                plan.rechecks.append((state.person, held.stored))
                return
            }
            endAtDeadline(held, &state, lookups, &plan)
        } else if end.how == .parkExpired, let parked = state.parked[end.lease.fence], parked.until <= state.at {
            endParked(parked, how: .parkExpired, &state, lookups, &plan)
        }
    }

    /// A limit parks, also one that has gone since its worker was told (P13: it only protects, and no work in hand is
    /// lost); else the lease has lasted as long as it may.
    private func endAtDeadline(
        _ held: HeldLease, _ state: inout PersonState, _ lookups: FlushLookups, _ plan: inout FlushPlan
    ) {
        let lease = held.stored
        let reference = LeaseReference(task: lease.task, fence: lease.fence)
        let stream = vouched[lease.fence]
        guard let reached = limitReached(by: lease, &state) else {
            let lacking = agreementLacking(for: lease, state)
            if lacking == nil, held.parks {
                // By a limit that has let go since. The worker was told that it is parked, and so it is.
                var change = park(reference, held, atLimit: true, &state, &plan)
                if change.state == .parked {
                    change.message = "The limit ahead is gone. Your task was parked for you and comes back."
                    if let stream { plan.reply(stream) { $0.changes.append(change) } }
                    return
                }
            }
            if let stream {
                let cause = lacking.map { "your agreement to \($0) has run out" } ?? "the deadline has passed"
                plan.reply(stream) {
                    $0.revokes.append(
                        Revocation(
                            lease: reference, reason: .deadline,
                            message: "\(cause); an answer you still send is kept"))
                }
            }
            return end(held, how: lacking == nil && !held.parks ? .expired : .limit, &state, lookups, &plan)
        }
        var change = park(reference, held, atLimit: true, &state, &plan)
        if change.state == .parked {
            change.message = "\(reached.sentence) Your task is parked for you."
            if let stream { plan.reply(stream) { $0.changes.append(change) } }
            return
        }
        if let stream {
            plan.reply(stream) {
                $0.revokes.append(
                    Revocation(
                        lease: reference, reason: .deadline,
                        message: "\(reached.sentence) \(change.message); an answer you still send is kept"))
            }
        }
        end(held, how: .limit, &state, lookups, &plan)
    }

    private func limitReached(by lease: StoredLease, _ state: inout PersonState) -> Refusal? {
        guard let lane = lanes[lease.lane], let project = storedProject(lease.project) else { return nil }
        state.refreshOpenLeases(lanes: storedLane)
        return Gate.reached(
            person: state.facts, lane: ask(of: lane, project: project, effortSeconds: project.effortSeconds),
            limits: state.line.limits(in: lease.project), now: lease.deadline)
    }

    /// Ends an open lease without a label; its slot comes back to this coordinator, or its task goes into quarantine.
    /// What nobody ever heard of was no time of anybody's.
    func end(
        _ held: HeldLease, how: LeaseEnd, lastSign: Moment? = nil, _ state: inout PersonState,
        _ lookups: FlushLookups, _ plan: inout FlushPlan
    ) {
        let lease = held.stored
        state.held[lease.fence] = nil
        plan.changed.insert(state.person)
        plan.writes.ends.task.append(lease.task.rawValue)
        plan.writes.ends.slot.append(lease.slot)
        plan.writes.ends.person.append(state.person.rawValue)
        plan.writes.ends.fence.append(lease.fence.rawValue)
        let at = lastSign ?? (how == .unheard ? lease.grantedAt : state.at)
        plan.history(&state, lease, storedLane(lease.lane), at: min(at, state.at), how: how.rawValue)
        plan.tally(lease.project) { $0.leased -= 1 }
        ended(lease.fence, of: state.person, &plan)
        free(lease, held.content, how: how, state.person, lookups, &plan)
    }

    /// A lease that its worker never heard of. One that had come back from a park goes back there: the task is its
    /// holder's still.
    func endUnheard(
        _ held: HeldLease, _ state: inout PersonState, _ lookups: FlushLookups, _ plan: inout FlushPlan
    ) {
        let reference = LeaseReference(task: held.stored.task, fence: held.stored.fence)
        if held.stored.cameBack,
            park(reference, held, atLimit: true, since: held.stored.grantedAt, &state, &plan).state == .parked
        {
            return
        }
        end(held, how: .unheard, &state, lookups, &plan)
    }

    /// A lease is over with this flush, and its stream has room for another.
    func ended(_ fence: Fence, of person: PersonID, _ plan: inout FlushPlan) {
        plan.ended.append((person, fence))
        if let stream = vouched[fence] { plan.freed[stream, default: 0] += 1 }
    }

    /// What becomes of a slot whose lease ended without a label.
    private func free(
        _ lease: StoredLease, _ content: TaskContent?, how: LeaseEnd, _ person: PersonID, _ lookups: FlushLookups,
        _ plan: inout FlushPlan
    ) {
        let standing = lookups.standings[lease.task]
        if how.countsAsFailure {
            plan.writes.failures.task.append(lease.task.rawValue)
            plan.writes.failures.fence.append(lease.fence.rawValue)
            plan.writes.failures.person.append(person.rawValue)
            plan.writes.failures.how.append(how.rawValue)
        }
        if let standing, standing.isClosed {
            plan.tally(lease.project) { $0.quarantined += 1 }
            return
        }
        if how.countsAsFailure, let standing, let limit = redeliveryLimit,
            standing.failures + 1 >= limit, standing.failedPeople.union([person]).count >= Self.quarantinePeopleMin
        {
            plan.writes.quarantines.task.append(lease.task.rawValue)
            plan.writes.quarantines.lane.append(lease.lane.rawValue)
            // Every slot of the task that nobody has: this one and those still waiting.
            let waiting = standing.overlap - standing.taken + 1
            plan.tally(lease.project) { $0.quarantined += Int64(waiting) }
            return
        }
        plan.writes.returned.fence.append(lease.fence.rawValue)
        plan.writes.returned.lane.append(lease.lane.rawValue)
        plan.writes.returned.task.append(lease.task.rawValue)
        plan.writes.returned.slot.append(lease.slot)
        plan.cameBack.append(FlushPlan.CameBack(person: person, lease: lease, content: content, how: how))
    }

    /// A task is quarantined only when it failed with at least so many different people.
    static let quarantinePeopleMin = 2

    private func decline(
        _ project: ProjectID, _ task: TaskID, _ reason: String?, _ person: PersonID, _ plan: inout FlushPlan
    ) {
        plan.writes.declines.person.append(person.rawValue)
        plan.writes.declines.task.append(task.rawValue)
        guard let reason else { return }
        // About the task alone: no person (P9).
        plan.writes.declineReasons.project.append(project.rawValue)
        plan.writes.declineReasons.task.append(task.rawValue)
        plan.writes.declineReasons.reason.append(reason)
    }

    // MARK: Parking

    /// `since`: nobody had it from then on; without, from now on.
    private func park(
        _ reference: LeaseReference, _ held: HeldLease, atLimit: Bool, since: Moment? = nil,
        _ state: inout PersonState, _ plan: inout FlushPlan
    ) -> LeaseChange {
        let lease = held.stored
        let at = since ?? state.at
        let limits = state.line.limits(in: lease.project)
        if let most = limits.parkedLeases, state.parked.count >= most {
            return LeaseChange(
                lease: reference, state: .unchanged,
                message: "you have \(state.parked.count) parked tasks and may have \(most); finish or release one")
        }
        let until = at + (limits.parkedTime ?? WorkloadLimits.parkedTimeByDefault)
        // What passed since its deadline was nobody's work, so nothing of its lifetime.
        let firstGrantedAt = lease.firstGrantedAt + max(.zero, at - lease.deadline)
        guard LeaseLength.mayPark(at: at, since: firstGrantedAt, lifetime: limits.leaseLifetime) else {
            return LeaseChange(
                lease: reference, state: .unchanged, deadlineIn: lease.deadline - state.at,
                message: "you have had it for as long as anybody may; finish or release it")
        }
        let parked = StoredParked(
            task: lease.task, slot: lease.slot, fence: lease.fence, lane: lease.lane, project: lease.project,
            firstGrantedAt: firstGrantedAt, parkedAt: at, until: until, provenance: lease.provenance,
            atLimit: atLimit)
        state.held[lease.fence] = nil
        state.parked[lease.fence] = parked
        plan.changed.insert(state.person)
        plan.writes.parks.task.append(lease.task.rawValue)
        plan.writes.parks.slot.append(lease.slot)
        plan.writes.parks.person.append(state.person.rawValue)
        plan.writes.parks.fence.append(lease.fence.rawValue)
        plan.writes.parks.lane.append(lease.lane.rawValue)
        plan.writes.parks.project.append(lease.project.rawValue)
        plan.writes.parks.firstGrantedAt.append(firstGrantedAt.microseconds)
        plan.writes.parks.parkedAt.append(at.microseconds)
        plan.writes.parks.until.append(until.microseconds)
        plan.writes.parks.provenance.append(lease.provenance.rawValue)
        plan.writes.parks.atLimit.append(atLimit)
        plan.history(&state, lease, storedLane(lease.lane), at: at, how: "parked")
        plan.tally(lease.project) {
            $0.leased -= 1
            $0.parked += 1
        }
        ended(lease.fence, of: state.person, &plan)
        plan.parked[lease.fence] = held.content
        return LeaseChange(lease: reference, state: .parked, deadlineIn: until - state.at)
    }

    /// Takes a parked lease out; the caller writes the open lease.
    func unpark(
        _ parked: StoredParked, deadline: Moment, for stream: StreamID, _ state: inout PersonState,
        _ plan: inout FlushPlan
    ) -> StoredLease {
        removeParked(parked, &state, &plan)
        plan.tally(parked.project) {
            $0.parked -= 1
            $0.leased += 1
        }
        return StoredLease(
            task: parked.task, slot: parked.slot, fence: parked.fence, lane: parked.lane, project: parked.project,
            grantedAt: state.at, firstGrantedAt: parked.leasedSince(at: state.at), deadline: deadline,
            coordinator: coordinator, provenance: parked.provenance, session: streams[stream]?.session ?? 0)
    }

    private func removeParked(_ parked: StoredParked, _ state: inout PersonState, _ plan: inout FlushPlan) {
        state.parked[parked.fence] = nil
        plan.changed.insert(state.person)
        plan.writes.unparked.task.append(parked.task.rawValue)
        plan.writes.unparked.slot.append(parked.slot)
        plan.writes.unparked.person.append(state.person.rawValue)
        plan.writes.unparked.fence.append(parked.fence.rawValue)
    }

    func endParked(
        _ parked: StoredParked, how: LeaseEnd, _ state: inout PersonState, _ lookups: FlushLookups,
        _ plan: inout FlushPlan
    ) {
        removeParked(parked, &state, &plan)
        plan.tally(parked.project) { $0.parked -= 1 }
        let lease = StoredLease(
            task: parked.task, slot: parked.slot, fence: parked.fence, lane: parked.lane, project: parked.project,
            grantedAt: state.at, firstGrantedAt: parked.firstGrantedAt, deadline: parked.until,
            coordinator: coordinator, provenance: parked.provenance, session: 0)
        // How it ended, and no leased time.
        plan.history(&state, lease, storedLane(lease.lane), at: state.at, how: how.rawValue)
        free(lease, nil, how: how, state.person, lookups, &plan)
    }

    private func settleParked(
        _ change: PersonWork.Change, _ parked: StoredParked, _ state: inout PersonState, _ lookups: FlushLookups,
        _ plan: inout FlushPlan
    ) -> LeaseChange {
        switch change.kind {
        case .decline(let reason):
            decline(parked.project, parked.task, reason, state.person, &plan)
            endParked(parked, how: .declined, &state, lookups, &plan)
            return LeaseChange(lease: change.lease, state: .declined)
        case .release:
            endParked(parked, how: .released, &state, lookups, &plan)
            return LeaseChange(lease: change.lease, state: .released)
        case .park, .extend:
            return LeaseChange(lease: change.lease, state: .parked, deadlineIn: parked.until - state.at)
        }
    }

    // MARK: Extending

    private func extend(
        _ reference: LeaseReference, _ held: HeldLease, _ state: inout PersonState, _ lookups: FlushLookups,
        _ plan: inout FlushPlan
    ) -> LeaseChange {
        let lease = held.stored
        guard let project = deployment?.projects[lease.project], let lane = lanes[lease.lane] else {
            return LeaseChange(
                lease: reference, state: .unchanged, deadlineIn: lease.deadline - state.at,
                message: "the project is closed")
        }
        // What has passed since would be leased time, and others may have been granted as if it was not.
        guard lease.deadline > state.at else {
            return LeaseChange(
                lease: reference, state: .unchanged, deadlineIn: lease.deadline - state.at,
                message: "its deadline has passed; an answer you still send is kept")
        }
        // The gate is asked about time alone: this lease is counted already, and what is open may go on, up to a limit
        // also where the whole estimate would not fit before it.
        let content = held.content ?? lookups.contents[lease.task]
        let effort = content?.effortSeconds ?? project.effortSeconds
        var question = ask(of: lane, project: project, effortSeconds: 0)
        question.paused = false
        let limits = state.line.limits(in: lease.project)
        var onlyTime = limits
        onlyTime.openLeases = nil
        onlyTime.dayTasks = nil
        state.refreshOpenLeases(lanes: storedLane)
        var deadline = lease.deadline
        let horizon = Gate.decide(person: state.facts, lane: question, limits: onlyTime, now: state.at, want: 1).horizon
        if let horizon {
            let end = limits.leaseLifetime.map { lease.firstGrantedAt + $0 } ?? .distantFuture
            deadline = max(deadline, min(horizon.deadline(effortSeconds: effort, from: state.at), end))
        }
        guard let horizon, deadline > lease.deadline else {
            return LeaseChange(
                lease: reference, state: .unchanged, deadlineIn: lease.deadline - state.at,
                message: "it cannot be longer; park it to come back to it later")
        }
        var extended = lease
        extended.deadline = deadline
        let parks = horizon.parks(at: deadline, since: lease.firstGrantedAt, lifetime: limits.leaseLifetime)
        state.held[lease.fence]?.stored = extended
        state.held[lease.fence]?.content = content
        state.held[lease.fence]?.parks = parks
        if parks { plan.parking.append((extended, state.person)) }
        plan.changed.insert(state.person)
        plan.writes.extensions.task.append(lease.task.rawValue)
        plan.writes.extensions.slot.append(lease.slot)
        plan.writes.extensions.fence.append(lease.fence.rawValue)
        plan.writes.extensions.deadline.append(deadline.microseconds)
        plan.writes.extensions.deadlineRule.append(horizon.rule(at: deadline)?.rawValue)
        return LeaseChange(lease: reference, state: .held, deadlineIn: deadline - state.at)
    }

    /// A repeated decline or release gets the same answer as the first.
    private func settleRepeated(
        _ change: PersonWork.Change, _ state: PersonState, _ lookups: FlushLookups
    ) -> LeaseChange {
        let records = lookups.settled[FlushLookups.Key(person: state.person, task: change.lease.task)] ?? []
        let ended = records.first { $0.kind == .ended && $0.fence == change.lease.fence }
        switch (change.kind, ended?.how) {
        case (.decline, "declined"): return LeaseChange(lease: change.lease, state: .declined)
        case (.release, "released"): return LeaseChange(lease: change.lease, state: .released)
        case (_, .some(let how)):
            return LeaseChange(lease: change.lease, state: .unknown, message: "the lease had ended (\(how))")
        case (_, nil):
            return LeaseChange(lease: change.lease, state: .unknown, message: "there is no such lease for you")
        }
    }
}
