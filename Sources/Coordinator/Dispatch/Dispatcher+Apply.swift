import Ledger
import PlimsollModel
import QualityReview

/// After COMMIT: caches, slots and streams learn what is now true.
extension Dispatcher {
    func apply(_ plan: FlushPlan, _ present: [PersonID]) {
        for (person, state) in plan.states { people[person] = state }
        clockReading = (plan.now, clock.now)
        for (person, fence) in plan.ended { release(person, fence) }
        for pick in plan.picks {
            guard pick.fence.rawValue != 0 else {
                share.refund(pick.project, effortSeconds: pick.effortSeconds)
                lanes[pick.lane]?.putBack(pick.slot, notFor: pick.person, isPersons: false)
                continue
            }
            lanes[pick.lane]?.left(pick.slot)
            streams[pick.stream]?.want -= 1
            if pick.parks {
                warnAhead(pick.fence, pick.slot.content.task, of: pick.person, deadline: pick.deadline)
            }
            prefetchIfLow(pick.lane, pick.person)
        }
        for (lease, person) in plan.parking { warnAhead(lease.fence, lease.task, of: person, deadline: lease.deadline) }
        for latest in plan.refusals where streamsOf[latest.person] != nil { refused[latest.person] = latest }
        for attached in plan.attached {
            if attached.isNew { refused[attached.person]?.rule = nil }
            // What was presented and answered, or parked, in this very flush is held no more.
            if plan.states[attached.person]?.held[attached.lease.fence] != nil { attach(attached, plan) }
        }
        for (stream, count) in plan.unparkedFor {
            let want = streams[stream]?.want ?? 0
            streams[stream]?.want = max(0, want - count)
        }
        for contribution in plan.contributions {
            contributed.insert(
                Contribution(project: contribution.project, hour: contribution.hour, person: contribution.person))
        }
        takeBack(plan)
        for person in plan.doubtsSettled { doubtful[person] = nil }
        if !plan.doubtsSettled.isEmpty {
            // What that commit did to returned slots is not known here.
            areHoldingsDoubtful = true
            wakeFeeder()
        }
        for pick in plan.doubtsGranted { lanes[pick.lane]?.left(pick.slot) }
        for pick in plan.doubtsPutBack {
            lanes[pick.lane]?.putBack(pick.slot, notFor: pick.person, isPersons: false)
        }
        for (person, lease) in plan.rechecks { watch(lease, of: person) }
        rememberParked(plan)
        for (person, work) in plan.postponed { giveBackWork(person, work) }
        tell(plan)
        settleWants(present, plan)
    }

    /// A lease is over: nobody vouches for it any more.
    private func release(_ person: PersonID, _ fence: Fence) {
        heldTasks[fence] = nil
        if let stream = vouched.removeValue(forKey: fence) { streams[stream]?.held.remove(fence) }
    }

    private func attach(_ attached: FlushPlan.Attached, _ plan: FlushPlan) {
        let (stream, lease) = (attached.stream, attached.lease)
        let reference = LeaseReference(task: lease.task, fence: lease.fence)
        guard let state = streams[stream], state.isAttached || !attached.isNew else {
            // The stream ended while this flush was under way. What it was to be told of ends at once; what its worker
            // presented waits for the worker's next hello, as long as a lost stream's leases do.
            let end = PersonWork.End(
                lease: reference, how: .unheard, vouchedBy: plan.coordinator, lastSign: attached.isNew ? nil : plan.now)
            if attached.isNew {
                enqueue(attached.person) { $0.ends.append(end) }
            } else {
                unattended.append((clock.now + configuration.times.streamTimeToLive, attached.person, end))
            }
            return
        }
        if let earlier = vouched[lease.fence], earlier != stream { streams[earlier]?.held.remove(lease.fence) }
        unattended.removeAll { $0.end.lease.fence == lease.fence }
        vouched[lease.fence] = stream
        heldTasks[lease.fence] = lease.task
        streams[stream]?.held.insert(lease.fence)
        watch(lease, of: attached.person)
        if plan.coordinator != coordinator {
            // A new life has begun since: it vouches for what the old one granted last.
            enqueue(attached.person) {
                $0.presented.append(
                    PersonWork.Presented(stream: stream, leases: [reference], by: .newLife(after: plan.coordinator)))
            }
        }
    }

    /// Has the lease ended at its deadline plus grace.
    private func watch(_ lease: StoredLease, of person: PersonID) {
        deadlines.insert(
            DeadlineQueue.Entry(
                at: lease.deadline + configuration.times.deadlineGrace, fence: lease.fence, task: lease.task,
                person: person))
    }

    private func takeBack(_ plan: FlushPlan) {
        // What came back to an old life is adopted like all that it held.
        guard plan.coordinator == coordinator else { return }
        for back in plan.cameBack {
            if back.how.mayAskAgain { forgetLooks(of: back.person) }
            if let content = back.content, lanes[back.lease.lane] != nil {
                lanes[back.lease.lane]?.cameBack(
                    content, slot: back.lease.slot, fence: back.lease.fence, since: plan.now, from: back.person,
                    askAgain: back.how.mayAskAgain, now: clock.now)
            } else {
                strays[back.lease.lane, default: []].append(back.lease)
            }
        }
        if !plan.cameBack.isEmpty { wakeFeeder() }
    }

    private func rememberParked(_ plan: FlushPlan) {
        parkedContents.merge(plan.parkedRead) { _, read in read }
        for fence in plan.writes.unparked.fence { parkedContents[Fence(fence)] = nil }
        for (fence, content) in plan.parked { parkedContents[fence] = content }
    }

    /// Sends every stream its part of the flush in one message.
    private func tell(_ plan: FlushPlan) {
        for (stream, count) in plan.settledItems { streams[stream]?.unsettled -= count }
        for (stream, result) in plan.presented {
            presenting.removeValue(forKey: stream)?.resume(returning: result)
        }
        for (stream, reply) in plan.replies { deliver(reply, to: stream) }
    }

    /// Wants that are still open: ask the spans, answer with an idle, or try again.
    private func settleWants(_ present: [PersonID], _ plan: FlushPlan) {
        for (stream, idle) in plan.idles { answerWants(stream, idle) }
        for person in present where hasWants(person) {
            if let lane = plan.needsLook[person] {
                requestLook(person, in: lane)
            } else if !mayGrant {
                let idle = IdleAnswer(reason: .notReady, askAgainIn: configuration.times.askAgainSoon)
                for stream in streamsOf[person] ?? [] { answerWants(stream, idle) }
            } else if work[person] == nil, hasRoom(person) {
                work[person] = PersonWork()
            }
        }
    }

    func answerWants(_ stream: StreamID, _ idle: IdleAnswer) {
        guard (streams[stream]?.want ?? 0) > 0 else { return }
        streams[stream]?.want = 0
        send(stream) { $0.idle = idle }
    }

    /// Whether a want could be filled now. One beyond what its stream may hold waits for the end of a lease, which is a
    /// flush of its own.
    private func hasRoom(_ person: PersonID) -> Bool {
        (streamsOf[person] ?? []).contains { id in
            streams[id].map { $0.want > 0 && $0.held.count < $0.inFlightMax } ?? false
        }
    }

    // MARK: Doubts and differences

    /// Grants of an earlier flush whose commit was in doubt: the lock is held again, so that transaction has ended.
    func settleDoubts(_ person: PersonID, _ state: inout PersonState, _ lookups: FlushLookups, _ plan: inout FlushPlan)
    {
        guard let doubt = doubtful[person] else { return }
        plan.doubtsSettled.insert(person)
        for fence in doubt.cameBack {
            if let held = state.held[fence] { endUnheard(held, &state, lookups, &plan) }
        }
        for pick in doubt.picks {
            if var held = state.held[pick.fence], pick.fence.rawValue != 0 {
                held.content = pick.slot.content
                plan.doubtsGranted.append(pick)
                end(held, how: .unheard, &state, lookups, &plan)
            } else {
                plan.doubtsPutBack.append(pick)
            }
        }
    }

    /// Leases that a stream believed to hold and that the database ended meanwhile: withdrawal, denial, closing.
    /// What this flush answers anyway, an answer after a commit in doubt among it, needs no word beside it.
    func reconcile(
        _ person: PersonID, _ state: inout PersonState, _ mine: PersonWork, _ lookups: FlushLookups,
        _ plan: inout FlushPlan
    ) {
        let gone = gone(from: state)
        guard !gone.isEmpty else { return }
        let asked = mine.fencesAsked
        for (task, fence) in gone {
            plan.ended.append((person, fence))
            guard let stream = vouched[fence], !asked.contains(fence) else { continue }
            let records = lookups.settled[FlushLookups.Key(person: person, task: task)] ?? []
            let (reason, message) = Self.whyGone(records.first { $0.kind == .ended && $0.fence == fence }?.how)
            plan.reply(stream) {
                $0.revokes.append(
                    Revocation(lease: LeaseReference(task: task, fence: fence), reason: reason, message: message))
            }
        }
    }

    /// What this person's streams believe to hold and the database does not.
    func gone(from state: PersonState) -> [(task: TaskID, fence: Fence)] {
        var gone: [(TaskID, Fence)] = []
        for stream in streamsOf[state.person] ?? [] {
            for fence in streams[stream]?.held ?? [] where state.held[fence] == nil && state.parked[fence] == nil {
                if let task = heldTasks[fence] { gone.append((task, fence)) }
            }
        }
        return gone
    }

    /// In the words of lease history (nil: nothing is known).
    private static func whyGone(_ how: String?) -> (Revocation.Reason, String) {
        switch how {
        case "withdrawn": (.withdrawn, "you withdrew your agreement; nothing of this task is kept")
        case "denied": (.denied, "access under your name was stopped; plimsoll me access says by whom and why")
        case "project_closed": (.projectClosed, "its project was closed; an answer you still send is kept")
        case "left": (.notYours, "you have left its project; an answer you still send is kept")
        case "expired": (.deadline, "the deadline has passed; an answer you still send is kept")
        default: (.notYours, "this lease has ended; an answer you still send is kept")
        }
    }

    /// What a new stream presents: taken over where it stands.
    func settlePresented(
        _ presented: [PersonWork.Presented], _ state: inout PersonState, _ lookups: FlushLookups,
        _ plan: inout FlushPlan
    ) {
        for hello in presented {
            // Too old: its stream has ended, and its worker may have gone on elsewhere.
            if case .hello = hello.by, streams[hello.stream]?.isAttached != true { continue }
            for held in unheard(hello, state) { endUnheard(held, &state, lookups, &plan) }
            var kept: [LeaseChange] = []
            var lost: [Revocation] = []
            for reference in hello.leases {
                if let held = state.held[reference.fence], held.stored.task == reference.task {
                    if case .newLife(let old) = hello.by, held.stored.coordinator != old { continue }
                    if held.stored.coordinator != coordinator {
                        // A new number, so that the one that vouched before knows that it does no more.
                        plan.changed.insert(state.person)
                        plan.writes.takeovers.task.append(held.stored.task.rawValue)
                        plan.writes.takeovers.slot.append(held.stored.slot)
                        plan.writes.takeovers.person.append(state.person.rawValue)
                        plan.writes.takeovers.fence.append(held.stored.fence.rawValue)
                        state.held[reference.fence]?.stored.coordinator = coordinator
                    }
                    if let lease = state.held[reference.fence]?.stored {
                        plan.attached.append(
                            FlushPlan.Attached(
                                stream: hello.stream, person: state.person, lease: lease, isNew: false))
                    }
                    kept.append(
                        LeaseChange(lease: reference, state: .held, deadlineIn: held.stored.deadline - state.at))
                } else if let parked = state.parked[reference.fence], parked.task == reference.task {
                    kept.append(
                        LeaseChange(lease: reference, state: .parked, deadlineIn: parked.until - state.at))
                } else {
                    lost.append(
                        Revocation(
                            lease: reference, reason: .notYours,
                            message: "this lease has ended; an answer you still send is kept"))
                }
            }
            plan.presented[hello.stream] = PresentedOutcome(kept: kept, lost: lost)
        }
    }

    /// What the process behind a hello was granted before it and does not present: its worker never heard of it.
    func unheard(_ hello: PersonWork.Presented, _ state: PersonState) -> [HeldLease] {
        guard case .hello(let session) = hello.by, session != 0 else { return [] }
        let presented = Set(hello.leases.map(\.fence))
        return state.held.values.filter {
            $0.stored.session == session && !presented.contains($0.stored.fence)
                && vouched[$0.stored.fence] != hello.stream
        }
    }
}
