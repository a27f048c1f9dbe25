import Ledger
import PlimsollModel
import QualityReview

/// Choosing what a person is given: the gate says how much from which lanes, fairness which project, the feed which
/// slots (P2).
extension Dispatcher {
    /// Fills the open wants of a person's streams as far as the gate and the slots at hand allow.
    func pick(for person: PersonID, _ state: inout PersonState, _ plan: inout FlushPlan) {
        let wanting = (streamsOf[person] ?? []).filter { id in
            guard let stream = streams[id] else { return false }
            return stream.want > 0 && stream.isAttached && !stream.isLeaving
                && stream.admittedUnder >= plan.epoch
        }
        guard !wanting.isEmpty else { return }
        state.refreshOpenLeases(lanes: storedLane)
        for id in wanting.sorted(by: { $0.number < $1.number }) {
            guard let stream = streams[id] else { continue }
            pick(for: stream, person, &state, &plan)
        }
    }

    private func pick(
        for stream: StreamState, _ person: PersonID, _ state: inout PersonState, _ plan: inout FlushPlan
    ) {
        // What this very flush settles makes room already.
        let room = stream.inFlightMax - stream.held.count + (plan.freed[stream.id] ?? 0)
        var want = min(stream.want, room)
        // What a limit took out of somebody's hands comes back before anything new, and so does what waited long.
        for parked in parkedToReturn(to: stream, state, first: true) where want > 0 {
            if returnParked(parked, stream.id, &state, &plan) { want -= 1 }
        }
        // Worked out for the first grant; what this flush grants has no length yet.
        var load: LoadFigures?
        var refusal: Refusal?
        var mustLook: LaneID?
        var open: [LaneID] = []
        wants: while want > 0, mustLook == nil {
            var candidates: [ProjectID: Candidate] = [:]
            refusal = nil
            open.removeAll(keepingCapacity: true)
            for project in projects(of: stream, state) {
                for lane in laneOrder[project.id] ?? [] {
                    guard let feed = lanes[lane] else { continue }
                    switch find(in: feed, of: project, for: state, want: want) {
                    case .refused(let reason):
                        // Of several lanes the one that opens first says when to come back.
                        if refusal.map({ $0.outlasts(reason) }) ?? true { refusal = reason }
                        continue
                    case .nothing:
                        open.append(lane)
                        continue
                    case .candidate(let candidate):
                        open.append(lane)
                        candidates[project.id] = candidate
                    }
                    break
                }
                // What it has next starts at the current time: it saves no share up.
                if candidates[project.id] == nil, isDrained(project.id, for: person) { share.markIdle(project.id) }
            }
            guard let (project, candidate) = choose(among: candidates) else { break }
            let lane: LaneID
            let count: Int
            let horizon: LeaseHorizon
            switch candidate {
            case .ready(let at, let most, let until): (lane, count, horizon) = (at, most, until)
            case .unseen(let at):
                // It is this project's turn, and what it has must be fetched first: fairness before speed.
                mustLook = at
                continue wants
            }
            let most = candidates.count > 1 ? 1 : min(want, count)
            let longest = horizon.longestEffort(from: state.at)
            let slots = lanes[lane]?.take(for: person, count: most, longest: longest, now: clock.now) ?? []
            if slots.isEmpty { break }
            let figures = load ?? LoadFigures(of: state.facts, limits: state.line.limits, at: state.at)
            load = figures
            for slot in slots { add(slot, lane, horizon, project, stream.id, figures, &state, &plan) }
            want -= slots.count
        }
        guard want > 0, want == min(stream.want, room) else { return }
        for parked in parkedToReturn(to: stream, state, first: false)
        where returnParked(parked, stream.id, &state, &plan) {
            return
        }
        if let mustLook {
            plan.needsLook[person] = .some(mustLook)
        } else if !areLanesRead, deployment?.readOnly == false {
            // Only lanes of what somebody holds are known by now: they cannot say when to come back.
            plan.needsLook[person] = .some(nil)
        } else if open.isEmpty, refusal != nil || deployment?.readOnly == true {
            plan.idles[stream.id] = idle(for: refusal, state)
            if let refusal { note(refusal, of: state, &plan) }
        } else {
            answerEmpty(on: stream.id, open, refusal, state, &plan)
        }
    }

    /// The projects a stream may get work from now.
    func projects(of stream: StreamState, _ state: PersonState) -> [StoredProject] {
        guard let deployment, !deployment.readOnly else { return [] }
        if let only = stream.project { return deployment.projects[only].map { [$0] } ?? [] }
        return state.facts.enrolled.compactMap { deployment.projects[$0] }.sorted { $0.id < $1.id }
    }

    /// What a project could give a person now.
    private enum Candidate {
        case ready(lane: LaneID, count: Int, horizon: LeaseHorizon)
        /// Its spans hold tasks that this person has not been looked through for.
        case unseen(lane: LaneID)
    }

    private enum Finding {
        case refused(Refusal)
        case nothing
        case candidate(Candidate)
    }

    /// What one lane has for a person now.
    private func find(in feed: LaneFeed, of project: StoredProject, for state: PersonState, want: Int) -> Finding {
        let answer = gate(feed, of: project, for: state, now: state.at, want: want)
        if let refusal = answer.refusal { return .refused(refusal) }
        guard case .granted(let count, _) = answer.decision, count > 0, let horizon = answer.horizon else {
            return .nothing
        }
        let (lane, person) = (feed.lane.id, state.person)
        let longest = horizon.longestEffort(from: state.at)
        if feed.hasSomething(for: person, longest: longest) {
            return .candidate(.ready(lane: lane, count: count, horizon: horizon))
        }
        // Higher priority first: nothing below this lane until it was looked through.
        if mayLook(in: lane, for: person, longest: longest) { return .candidate(.unseen(lane: lane)) }
        // All that is ready is too long now, the shortest of it too.
        guard let effort = feed.shortest(for: person) else { return .nothing }
        let shortest = Gate.decide(
            person: state.facts, lane: ask(of: feed, project: project, effortSeconds: effort),
            limits: state.line.limits(in: project.id), now: state.at, want: want)
        return shortest.refusal.map { .refused($0) } ?? .nothing
    }

    private func choose(among candidates: [ProjectID: Candidate]) -> (ProjectID, Candidate)? {
        for project in candidates.keys { share.markReady(project) }
        guard let project = candidates.count == 1 ? candidates.keys.first : share.next(among: candidates.keys),
            let choice = candidates[project]
        else { return nil }
        return (project, choice)
    }

    private func add(
        _ slot: ReadySlot, _ laneID: LaneID, _ horizon: LeaseHorizon, _ project: ProjectID, _ stream: StreamID,
        _ load: LoadFigures, _ state: inout PersonState, _ plan: inout FlushPlan
    ) {
        let effort = slot.content.effortSeconds
        let deadline = horizon.deadline(effortSeconds: effort, from: state.at)
        share.charge(project, effortSeconds: effort)
        let lane = lanes[laneID]?.lane
        let lifetime = state.line.limits(in: project).leaseLifetime
        plan.picks.append(
            FlushPlan.Pick(
                person: state.person, stream: stream, lane: laneID, project: project, slot: slot, deadline: deadline,
                parks: horizon.parks(at: deadline, since: state.at, lifetime: lifetime),
                deadlineRule: horizon.rule(at: deadline), effortSeconds: effort,
                figures: figures(load, openLeases: state.facts.openLeases.count + 1, state)))
        state.facts.openLeases.append(
            OpenLease(
                granted: state.at, deadline: deadline, kind: lane?.kind ?? "", severity: lane?.severity ?? 0,
                project: project))
    }

    /// The load at a grant that makes it `openLeases` open ones.
    func figures(_ load: LoadFigures, openLeases: Int, _ state: PersonState) -> GrantFigures {
        let limits = state.line.limits
        var figures = GrantFigures()
        figures.openLeases = openLeases
        figures.openLeasesLimit = limits.openLeases
        figures.dayTasks = state.dayLabels + openLeases
        figures.dayTasksLimit = limits.dayTasks
        figures.continuous = load.continuous
        figures.continuousLimit = limits.continuousTime
        figures.day = load.day
        figures.dayLimit = limits.dayTime
        figures.week = load.week
        figures.weekLimit = limits.weekTime
        return figures
    }

    /// Whether spans may hold something for this person that was not looked at yet.
    func mayHoldMore(_ lane: LaneID, for person: PersonID) -> Bool {
        (lanes[lane]?.lane.newestSpan ?? 0) > (looks[person]?[lane]?.floor ?? 0)
    }

    /// Whether a project has nothing to give to anyone: no slot of it is at hand, and every span was looked through for
    /// this person. A task with one slot that somebody has had is nobody's any more, but for what they declined; where
    /// tasks have several, one person's look says nothing of what there is for others.
    private func isDrained(_ project: ProjectID, for person: PersonID) -> Bool {
        (laneOrder[project] ?? []).allSatisfy { lane in
            guard let feed = lanes[lane] else { return true }
            return !feed.isShared && feed.isEmpty && !mayHoldMore(lane, for: person)
        }
    }

    /// Whether to look there for something that is not longer than this: unless much is at hand that is.
    func mayLook(in lane: LaneID, for person: PersonID, longest: Duration) -> Bool {
        mayHoldMore(lane, for: person) && lanes[lane]?.isPassedOver(for: person, longest: longest) != true
    }

    /// Nothing is ready in the lanes that are open to this person: says so if all of them were looked through a moment
    /// ago, else has them looked at again.
    private func answerEmpty(
        on stream: StreamID, _ open: [LaneID], _ refusal: Refusal?, _ state: PersonState, _ plan: inout FlushPlan
    ) {
        let person = state.person
        guard let outcome = lookedThrough[person], clock.now - outcome.at < configuration.times.askAgainSoon,
            open.allSatisfy(outcome.lanes.contains)
        else {
            plan.needsLook[person] = .some(nil)
            return
        }
        // What there is is too long for now, and that lasts longer than other hands hold something.
        if let refusal, refusal.rule == .limitTooNear {
            plan.idles[stream] = idle(for: refusal, state)
            note(refusal, of: state, &plan)
            return
        }
        plan.idles[stream] =
            outcome.inOtherHands
            ? IdleAnswer(reason: .allInOtherHands, askAgainIn: configuration.times.askAgainSoon)
            : IdleAnswer(reason: .nothingLeft, askAgainIn: configuration.times.askAgainLater)
    }

    func idle(for refusal: Refusal?, _ state: PersonState) -> IdleAnswer {
        guard let refusal else {
            // Nothing is granted for now, whoever asks.
            return IdleAnswer(reason: .readOnly, askAgainIn: configuration.times.askAgainLater)
        }
        let reason: IdleAnswer.Reason =
            switch refusal.rule {
            case .paused: .paused
            case .limitTooNear: .limitTooNear
            case .breakTime: .onBreak
            default: .notEligible
            }
        let until = refusal.until.map { $0 - state.at }
        var again = min(max(until ?? configuration.times.askAgainLater, .seconds(1)), .seconds(60))
        // Room comes with the next answer, release or lost lease, long before the earliest deadline.
        if refusal.rule == .openLeases { again = min(again, configuration.times.askAgainForRoom) }
        return IdleAnswer(reason: reason, askAgainIn: again, refusal: refusal, untilIn: until)
    }

    // MARK: Making picks final

    private struct TaskSlot: Hashable {
        var task: TaskID
        var slot: Int16
    }

    /// Looks up every pick whose slot may be taken or whose task may be this person's already. What does not hold is
    /// dropped; the want stays open.
    func checkPicks(_ session: FlushSession, _ plan: inout FlushPlan) async throws {
        let asked = plan.picks.indices.filter { plan.picks[$0].slot.needsCheck }
        guard !asked.isEmpty else { return }
        let verdicts = try await session.verdicts(
            asked.map { index in
                let pick = plan.picks[index]
                return FlushSession.Candidate(
                    task: pick.slot.content.task, slot: pick.slot.slot, person: pick.person, source: pick.slot.source)
            }, coordinator: plan.coordinator)
        var dropped: Set<Int> = []
        var granted: Set<TaskSlot> = []
        for (index, committed) in zip(asked, verdicts) {
            let pick = plan.picks[index]
            let verdict = isGranted(pick, in: plan) ?? committed
            // What was given back here and adopted elsewhere may be in memory twice: one of the two is enough.
            let isFree =
                verdict == .free
                && granted.insert(TaskSlot(task: pick.slot.content.task, slot: pick.slot.slot)).inserted
            if isFree { continue }
            dropped.insert(index)
            share.refund(pick.project, effortSeconds: pick.effortSeconds)
            switch verdict {
            case .notThisPerson:
                lanes[pick.lane]?.putBack(pick.slot, notFor: pick.person, isPersons: true)
            case .taken, .free:
                // Answered late, or its task is closed: the slot is nobody's to grant.
                lanes[pick.lane]?.left(pick.slot)
                if case .returned(let fence) = pick.slot.source { plan.writes.regranted.append(fence.rawValue) }
                plan.changed.insert(pick.person)
            case .gone:
                // Adopted, or its claim was lost in a crash: it is a span again, or will be.
                lanes[pick.lane]?.left(pick.slot)
            }
        }
        guard !dropped.isEmpty else { return }
        // What is said to other wants of the same people counted these picks: they are asked again.
        for person in Set(dropped.map { plan.picks[$0].person }) {
            for stream in streamsOf[person] ?? [] { plan.idles[stream] = nil }
            plan.writes.decisions.remove(person)
        }
        plan.picks = plan.picks.enumerated().filter { !dropped.contains($0.offset) }.map(\.element)
    }

    /// What this very flush has granted otherwise, as to a late answer: the lookup reads what is committed.
    private func isGranted(_ pick: FlushPlan.Pick, in plan: FlushPlan) -> FlushSession.SlotVerdict? {
        let task = pick.slot.content.task
        if plan.hasGranted(task, slot: pick.slot.slot) { return .taken }
        return plan.hasGranted(task, to: pick.person) ? .notThisPerson : nil
    }

    /// Gives every pick its fence and writes the lease.
    func finalizePicks(_ plan: inout FlushPlan, _ fences: [Fence]) {
        for (index, fence) in zip(plan.picks.indices, fences) {
            var pick = plan.picks[index]
            guard let provenance = plan.states[pick.person]?.provenances[provenanceScope(of: pick.lane, pick.project)],
                let now = plan.states[pick.person]?.at, let project = deployment?.projects[pick.project]
            else { continue }
            pick.fence = fence
            pick.provenance = provenance
            plan.picks[index] = pick
            let task = pick.slot.content.task
            let lease = StoredLease(
                task: task, slot: pick.slot.slot, fence: pick.fence, lane: pick.lane, project: pick.project,
                grantedAt: now, firstGrantedAt: now, deadline: pick.deadline, coordinator: plan.coordinator,
                provenance: provenance, session: streams[pick.stream]?.session ?? 0)
            let why = GrantReason(
                policyVersion: deployment?.policyVersion ?? 0, provenance: provenance, figures: pick.figures,
                deadlineRule: pick.deadlineRule)
            plan.grant(pick.person, lease, why: pick.figures, deadlineRule: pick.deadlineRule)
            if case .returned(let fence) = pick.slot.source { plan.writes.regranted.append(fence.rawValue) }
            plan.tally(pick.project) { $0.leased += 1 }
            plan.changed.insert(pick.person)
            plan.states[pick.person]?.held[pick.fence] = HeldLease(
                stored: lease, content: pick.slot.content, parks: pick.parks)
            plan.attached.append(
                FlushPlan.Attached(stream: pick.stream, person: pick.person, lease: lease, isNew: true))
            offer(pick.slot.content, lease, project, why, parks: pick.parks, now, to: pick.stream, &plan)
        }
    }

    func offer(
        _ content: TaskContent, _ lease: StoredLease, _ project: StoredProject, _ why: GrantReason, parks: Bool,
        _ now: Moment, to stream: StreamID, _ plan: inout FlushPlan
    ) {
        let lane = storedLane(lease.lane)
        plan.reply(stream) {
            $0.leases.append(
                LeaseGrant(
                    lease: LeaseReference(task: lease.task, fence: lease.fence), project: project.id,
                    instructionsVersion: project.instructionsVersion, key: content.key, kind: lane?.kind ?? "",
                    severity: lane?.severity ?? 0, effort: .seconds(content.effortSeconds),
                    deadlineIn: lease.deadline - now, payload: content.payload, why: why, parks: parks))
        }
    }

    /// One new number for each person about whom something is written.
    func writeUsage(_ plan: inout FlushPlan) {
        for person in plan.changed.sorted() {
            guard var state = plan.states[person] else { continue }
            state.refreshOpenLeases(lanes: storedLane)
            let worked = (plan.worked[person] ?? [:]).sorted { $0.key < $1.key }.flatMap { key, intervals in
                intervals.all.map { (key: key, interval: $0) }
            }
            // Without leased time one row all the same: the fact has a number.
            for index in 0..<max(1, worked.count) {
                let work = index < worked.count ? worked[index] : nil
                state.n += 1
                plan.writes.usage.person.append(person.rawValue)
                plan.writes.usage.n.append(state.n)
                plan.writes.usage.at.append(state.at.microseconds)
                plan.writes.usage.day.append(state.day.rawValue)
                plan.writes.usage.dayLabels.append(Int32(state.dayLabels))
                plan.writes.usage.workedFrom.append(work?.interval.start.microseconds)
                plan.writes.usage.workedTo.append(work?.interval.end.microseconds)
                plan.writes.usage.kind.append(work?.key.kind)
                plan.writes.usage.severity.append(work.map { Int16(clamping: $0.key.severity) })
            }
            plan.states[person] = state
        }
        for contribution in plan.contributions {
            plan.writes.contributions.project.append(contribution.project.rawValue)
            plan.writes.contributions.hour.append(contribution.hour * 3_600_000_000)
            plan.writes.contributions.person.append(contribution.person.rawValue)
        }
    }
}
