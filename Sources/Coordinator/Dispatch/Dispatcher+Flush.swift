import Ledger
import Logging
import PlimsollModel
import QualityReview

/// One flush: lock, read, decide, write, commit, and only then tell.
extension Dispatcher {
    /// Runs flushes one after another on one connection until cancelled.
    func runFlushes(connect: @Sendable () async throws -> FlushSession) async {
        var session: FlushSession?
        while !Task.isCancelled {
            let batch = await nextBatch()
            if batch.isEmpty { break }
            do {
                if let open = session, await !open.isUsable { session = nil }
                if session == nil {
                    do {
                        session = try await connect()
                    } catch {
                        for person in batch { triedInVain(person) }
                        throw error
                    }
                }
                if let open = session { try await flush(batch, on: open) }
            } catch {
                await session?.close()
                session = nil
                failed(batch, error)
                await pauseAfterFailure()
            }
            finish(batch)
        }
        await session?.close()
    }

    /// Settles everything that waits for these people in one transaction.
    private func flush(_ batch: [PersonID], on session: FlushSession) async throws {
        var taken: [PersonID: PersonWork] = [:]
        for person in batch { taken[person] = work.removeValue(forKey: person) ?? PersonWork() }
        let waiting = batch.count == 1 && (taken[batch[0]]?.misses ?? 0) >= configuration.sizes.missesMax
        // Outside, so that slots picked for it go back wherever it fails.
        var plan = FlushPlan(now: .distantPast, coordinator: coordinator)
        do {
            let opening = try await session.open(people: batch, waiting: waiting)
            if deployment?.epoch != opening.epoch { adopt(try await session.deploymentState()) }
            guard let deployment, deployment.members.contains(plan.coordinator) else {
                // Taken over: nothing may be granted or settled until it has joined again.
                life.end(of: plan.coordinator)
                await session.rollBack()
                throw StreamEnd(.notReady, "this coordinator was taken over and is joining again")
            }
            let present = batch.filter(opening.locked.contains)
            for person in batch where !opening.locked.contains(person) {
                taken[person]?.misses += 1
                giveBackWork(person, taken.removeValue(forKey: person))
            }
            guard !present.isEmpty else { return await session.rollBack() }
            plan.now = opening.now
            plan.epoch = opening.epoch
            // A denied certificate stops its streams and not its person: neither lease nor label from this epoch on.
            let streams = present.lazy.flatMap { self.streamsOf[$0] ?? [] }
            try await checkAdmissions(of: streams, under: opening.epoch) { try await session.inadmissible($0) }
            try await load(present, opening, session, &plan)
            try await decide(present, taken, session, &plan)
            if plan.writes.isEmpty, plan.picks.isEmpty, !plan.madeProvenances {
                await session.rollBack()
            } else {
                plan.refusals = try await session.commit(plan.writes, coordinator: plan.coordinator, at: plan.now)
            }
            apply(plan, present)
        } catch {
            undo(plan, taken, error)
            throw error
        }
    }

    /// Reads the state of people whose cache is missing or behind; one round trip, and none when all are current.
    private func load(
        _ present: [PersonID], _ opening: FlushOpening, _ session: FlushSession, _ plan: inout FlushPlan
    ) async throws {
        var stale: [PersonID] = []
        for person in present {
            if let state = people[person], state.epoch == opening.epoch,
                // Without a row within the horizon there is none since the state was current, where that was within it.
                opening.heads[person].map({ $0.n == state.n }) ?? (state.at > opening.now - FlushSession.headsHorizon),
                // P8: a clock that went back does not show the latest numbers.
                state.at <= opening.now,
                doubtful[person] == nil
            {
                plan.states[person] = state
            } else {
                stale.append(person)
            }
        }
        if !stale.isEmpty {
            let read = try await session.people(stale)
            try await learn(read.flatMap { $0.leases.map(\.lane) + $0.parked.map(\.lane) }, session)
            for stored in read {
                var state = PersonState(stored, epoch: opening.epoch, under: document, lanes: storedLane)
                if let fault = state.line.fault {
                    logger.error(
                        "somebody's own limits cannot be read; they are granted nothing",
                        metadata: ["error": "\(fault)"])
                }
                // Others wrote about this person; among it may be the end of a lease.
                if people[stored.person]?.n != state.n {
                    forgetLooks(of: stored.person)
                    for lane in lanes.keys { lanes[lane]?.forget(stored.person) }
                }
                // What this coordinator already read of the tasks stays good: tasks are immutable. And what it told of
                // their deadlines, unless those were moved elsewhere.
                for (fence, lease) in people[stored.person]?.held ?? [:] {
                    guard let deadline = state.held[fence]?.stored.deadline else { continue }
                    state.held[fence]?.content = lease.content
                    state.held[fence]?.parks = lease.parks && lease.stored.deadline == deadline
                }
                plan.states[stored.person] = state
            }
        }
        try await loadParked(present, session, &plan)
        for person in present { plan.states[person]?.roll(to: opening.now) }
        try await nameProvenancesOfParked(present, session, &plan)
    }

    /// The lanes of leases, where this coordinator has not read of them yet: kinds and severities count against limits
    /// and name agreements, so nothing is decided about a lease whose lane is not known.
    func learn(_ leased: [LaneID], _ session: FlushSession) async throws {
        let unknown = Set(leased.filter { lanes[$0] == nil })
        guard !unknown.isEmpty else { return }
        for lane in try await session.lanes(unknown) where lanes[lane.id] == nil { add(lane) }
        orderLanes()
    }

    /// What the parked leases of these people are about, where it is not known here.
    private func loadParked(_ people: [PersonID], _ session: FlushSession, _ plan: inout FlushPlan) async throws {
        let missing = people.flatMap { plan.states[$0]?.parked.values.filter { parkedContents[$0.fence] == nil } ?? [] }
        guard !missing.isEmpty else { return }
        let contents = try await session.contents(missing.map { ($0.lane, $0.task) })
        for parked in missing { plan.parkedRead[parked.fence] = contents[parked.task] }
    }

    /// Decides for each person, then looks up what the decision needs, and makes the writes final.
    private func decide(
        _ present: [PersonID], _ taken: [PersonID: PersonWork], _ session: FlushSession, _ plan: inout FlushPlan
    ) async throws {
        let lookups = try await lookUp(present, taken, session, plan)
        for person in present {
            guard var state = plan.states[person] else { continue }
            let mine = taken[person] ?? PersonWork()
            settleDoubts(person, &state, lookups, &plan)
            reconcile(person, &state, mine, lookups, &plan)
            settlePresented(mine.presented, &state, lookups, &plan)
            // What is said twice of one lease is looked up again when the first is true: it gets the same ack (P5), and
            // another answer is kept (P6).
            var settled: Set<Fence> = []
            for answer in mine.answers {
                if settled.insert(answer.answer.lease.fence).inserted {
                    settle(answer, &state, lookups, &plan)
                } else {
                    plan.postponed[person, default: PersonWork()].answers.append(answer)
                }
            }
            for change in mine.changes where !denied.contains(change.stream) {
                if settled.insert(change.lease.fence).inserted {
                    settle(change, &state, lookups, &plan)
                } else {
                    plan.postponed[person, default: PersonWork()].changes.append(change)
                }
            }
            for end in mine.ends { settle(end, &state, lookups, &plan) }
            if mayGrant { pick(for: person, &state, &plan) }
            plan.states[person] = state
        }
        try await checkPicks(session, &plan)
        try await nameProvenances(
            of: plan.picks.map { ($0.person, provenanceScope(of: $0.lane, $0.project)) }, session, &plan)
        finalizePicks(&plan, try await reserveFences(plan.picks.count, session))
        writeUsage(&plan)
    }

    // MARK: When it fails

    func giveBackWork(_ person: PersonID, _ earlier: PersonWork?) {
        guard let earlier else { return }
        var merged = work[person] ?? PersonWork()
        merged.prepend(earlier)
        work[person] = merged
    }

    /// Nothing was told to anyone; slots go back, work waits for the next flush, caches are read anew.
    private func undo(_ plan: FlushPlan, _ taken: [PersonID: PersonWork], _ error: any Error) {
        let inDoubt = FlushSession.isInDoubt(error)
        // What was taken out of memory on the way is still held by the database.
        if !plan.picks.isEmpty || !plan.writes.regranted.isEmpty {
            areHoldingsDoubtful = true
            wakeFeeder()
        }
        // Settled under the person's lock, which waits for the old transaction's end, and only then by key.
        if inDoubt {
            for person in taken.keys where doubtful[person] == nil { doubtful[person] = Doubt() }
            for attached in plan.attached where attached.isNew && attached.lease.cameBack {
                doubtful[attached.person]?.cameBack.append(attached.lease.fence)
            }
        }
        for pick in plan.picks {
            if inDoubt {
                doubtful[pick.person]?.picks.append(pick)
            } else {
                share.refund(pick.project, effortSeconds: pick.effortSeconds)
                lanes[pick.lane]?.putBack(pick.slot, notFor: pick.person, isPersons: false)
            }
        }
        for (person, var mine) in taken {
            // Read anew; what workers were told of their leases stays known.
            people[person]?.epoch = .min
            mine.attempts += 1
            if mine.attempts > configuration.sizes.attemptsMax { tellToTryAgain(person, &mine) }
            giveBackWork(person, mine)
        }
    }

    /// A flush failed as a whole (no connection, or an error in it).
    private func failed(_ batch: [PersonID], _ error: any Error) {
        logger.warning(
            "a flush failed and is tried again",
            metadata: ["people": "\(batch.count)", "error": "\(error.forLog)"])
        for person in batch where hasWants(person) || work[person] != nil {
            if work[person] == nil { work[person] = PersonWork() }
        }
    }

    /// The database could not be reached at all: a worker that waits hears so, like after flushes that failed.
    private func triedInVain(_ person: PersonID) {
        var mine = work.removeValue(forKey: person) ?? PersonWork()
        mine.attempts += 1
        if mine.attempts > configuration.sizes.attemptsMax { tellToTryAgain(person, &mine) }
        giveBackWork(person, mine)
    }

    /// After several failures the worker is told, and keeps its answer for another try (P6).
    private func tellToTryAgain(_ person: PersonID, _ mine: inout PersonWork) {
        for answer in mine.answers {
            send(answer.stream, settled: 1) {
                $0.settlements.append(
                    Settlement(
                        lease: answer.answer.lease, outcome: .tryAgain,
                        message: "not settled: the database did not answer; send it again"))
            }
        }
        for change in mine.changes {
            send(change.stream, settled: 1) {
                $0.changes.append(
                    LeaseChange(lease: change.lease, state: .unchanged, message: "the database did not answer"))
            }
        }
        mine.answers = []
        mine.changes = []
        mine.attempts = 0
        for stream in streamsOf[person] ?? [] where (streams[stream]?.want ?? 0) > 0 {
            streams[stream]?.want = 0
            send(stream) {
                $0.idle = IdleAnswer(reason: .notReady, askAgainIn: configuration.times.askAgainSoon * 3)
            }
        }
    }

    private func pauseAfterFailure() async {
        do {
            try await clock.sleep(for: .milliseconds(Int64.random(in: 20...120)))
        } catch {
            // Cancelled: the loop sees it.
        }
    }

    func hasWants(_ person: PersonID) -> Bool {
        (streamsOf[person] ?? []).contains { (streams[$0]?.want ?? 0) > 0 }
    }
}
