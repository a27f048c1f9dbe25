import DequeModule
import Ledger
import Logging
import PlimsollModel
import QualityReview

/// Keeping slots at hand: claims for people who found nothing ready, and prefetch while a lane is drawn from.
extension Dispatcher {
    /// Asks the feeder to look through the spans for a person; the flush is tried again afterwards.
    func requestLook(_ person: PersonID, in lane: LaneID?) {
        let isNew = looking[person] == nil
        if isNew, lane == nil, lookQueue.count >= configuration.sizes.looksWaitingMax {
            // At the end of a backlog everybody looks at once, and each look is one person's: who would wait too long
            // is asked to come back. A lane that holds something serves all who wait for it by a few claims.
            let idle = IdleAnswer(
                reason: .notReady, askAgainIn: configuration.times.askAgainLater * Double.random(in: 0.5...1))
            for stream in streamsOf[person] ?? [] { answerWants(stream, idle) }
            return
        }
        looking[person] = .some(lane)
        if isNew { lookQueue.append(person) }
        wakeFeeder()
    }

    /// A lease of this person ended without an answer: what was passed over because of it is to be looked at again.
    func forgetLooks(of person: PersonID) {
        looks[person] = nil
        lookedThrough[person] = nil
        if lookInProgress == person { isLookOutdated = true }
    }

    /// Runs one look through the database for a person; false beside its result when the look counts no more.
    private func looking<R>(for person: PersonID, _ body: () async throws -> R) async throws -> (R, counts: Bool) {
        lookInProgress = person
        isLookOutdated = false
        defer { lookInProgress = nil }
        let result = try await body()
        return (result, !isLookOutdated)
    }

    func wakeFeeder() {
        sleepingFeeder?.resume()
        sleepingFeeder = nil
    }

    /// Fetches ahead while a lane is drawn from faster than half a second's worth is left.
    func prefetchIfLow(_ lane: LaneID, _ person: PersonID) {
        guard let feed = lanes[lane], feed.grantsPerSecond > 0,
            Double(feed.ready.count) < feed.grantsPerSecond * 0.5, prefetch[lane] == nil, mayHoldMore(lane, for: person)
        else { return }
        prefetch[lane] = person
        wakeFeeder()
    }

    /// Runs the feeder on one connection until cancelled.
    func runFeeder(connect: @Sendable (CoordinatorID) async throws -> FeedSession) async {
        var session: FeedSession?
        while !Task.isCancelled, !isClosing {
            await waitForFeedWork()
            if Task.isCancelled || isClosing { break }
            do {
                if let open = session, await !open.isUsable || open.coordinator != coordinator {
                    await open.close()
                    session = nil
                }
                if session == nil {
                    guard coordinator.rawValue != 0 else {
                        try await clock.sleep(for: .milliseconds(20))
                        continue
                    }
                    session = try await connect(coordinator)
                    forgetSpans()
                    areHoldingsDoubtful = true
                }
                guard let open = session else { continue }
                try await feedOnce(open)
            } catch {
                logger.warning(
                    "the feed failed and is tried again", metadata: ["error": "\(error.forLog)"])
                // Taken over: nothing is granted until it has joined again.
                if let error = error as? LedgerError, error.code == .stale, let session {
                    life.end(of: session.coordinator)
                }
                await session?.close()
                session = nil
                feedStaleness = .everything
                await pauseFeed()
            }
        }
        if let session {
            if isClosing { await returnEverything(session) }
            await session.close()
        }
        isFeedClosed = true
        feedClosed?.resume()
        feedClosed = nil
    }

    private func waitForFeedWork() async {
        let hasWork =
            !lookQueue.isEmpty || !prefetch.isEmpty || !strays.isEmpty || !feedStaleness.isEmpty || areHoldingsDoubtful
        if hasWork || Task.isCancelled || isClosing { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled { continuation.resume() } else { sleepingFeeder = continuation }
            }
        } onCancel: {
            Task { await self.wakeAllFlushes() }
        }
    }

    private func feedOnce(_ session: FeedSession) async throws {
        if !feedStaleness.isEmpty {
            let stale = feedStaleness
            feedStaleness = FeedStaleness()
            if stale.isNewsDue { try await refresh(session) }
            if let which = stale.choice { _ = try await refreshLanes(which, session) }
            if stale.areAllLanesDue { areLanesRead = true }
            try await tickLanes(session)
        }
        if areHoldingsDoubtful { try await compareHoldings(session) }
        if !strays.isEmpty { try await giveBackStrays(session) }
        for (lane, person) in prefetch {
            prefetch[lane] = nil
            _ = try await claim(lane, for: person, session)
        }
        if let person = lookQueue.popFirst() { try await look(for: person, session) }
    }

    /// The epoch, withdrawals and what is over: what wake-ups announce and the slow poll finds without them.
    private func refresh(_ session: FeedSession) async throws {
        let news = try await session.news()
        clockReading = (news.now, clock.now)
        if deployment?.epoch != news.epoch { adopt(try await session.deploymentState()) }
        if feedEpoch != news.epoch {
            feedEpoch = news.epoch
            areAdmissionsDue = true
            for person in Set(vouched.values.compactMap { streams[$0]?.person }) {
                enqueue(person) { $0.refresh = true }
            }
        }
        try await checkAdmissions(under: news.epoch)
        for person in news.withdrawn where streamsOf[person] != nil { enqueue(person) { $0.refresh = true } }
        for parked in news.parkExpired { end(parked, how: .parkExpired, vouchedBy: nil) }
        try await endOverdue(session)
    }

    private func checkAdmissions(under epoch: Int64) async throws {
        guard areAdmissionsDue else { return }
        areAdmissionsDue = false
        do {
            try await checkAdmissions(of: Array(streams.keys), under: epoch) { [ledger] in
                try await ledger.inadmissible($0)
            }
        } catch {
            areAdmissionsDue = true
            throw error
        }
    }

    /// Reads lanes and their newest spans; true when anything is new.
    private func refreshLanes(_ which: LaneChoice, _ session: FeedSession) async throws -> Bool {
        let found = try await session.lanes(which, known: lanes.values.lazy.map(\.lane))
        var isNew = false
        var hasSpans = false
        for lane in found {
            if lanes[lane.id] == nil {
                add(lane)
                isNew = true
            } else if lane.newestSpan > (lanes[lane.id]?.lane.newestSpan ?? 0) {
                lanes[lane.id]?.lane.newestSpan = lane.newestSpan
                hasSpans = true
            }
        }
        if isNew { orderLanes() }
        return isNew || hasSpans
    }

    /// A lane that is new here; ``orderLanes()`` comes after the last of several.
    func add(_ lane: StoredLane) {
        let project = deployment?.projects[lane.project]
        lanes[lane.id] = LaneFeed(lane: lane, isShared: (project?.overlap ?? 2) > 1, now: clock.now)
    }

    /// Highest priority first; within a priority, the lane that was made first.
    func orderLanes() {
        var order: [ProjectID: [LaneFeed]] = [:]
        for feed in lanes.values { order[feed.lane.project, default: []].append(feed) }
        laneOrder = order.mapValues { feeds in
            feeds.sorted { (-$0.lane.priority, $0.lane.id) < (-$1.lane.priority, $1.lane.id) }.map(\.lane.id)
        }
    }

    /// Looks for one person, lane by lane; one step of a long look a turn, so that others get theirs in between.
    private func look(for person: PersonID, _ session: FeedSession) async throws {
        do {
            guard let state = people[person], hasWants(person), let epoch = deployment?.epoch else {
                // No state yet: a flush reads it and asks again.
                looking[person] = nil
                schedule(person)
                return
            }
            if let lane = looking[person] ?? nil {
                // One lane's turn: whatever it brings, the flush decides again.
                if let feed = lanes[lane], let project = deployment?.projects[feed.lane.project],
                    let longest = longest(in: feed, of: project, for: state),
                    !feed.hasSomething(for: person, longest: longest),
                    mayLook(in: lane, for: person, longest: longest),
                    case .notYet = try await claim(lane, for: person, past: feed.hasAnything(for: person), session)
                {
                    lookQueue.append(person)
                } else {
                    found(person)
                }
                return
            }
            for (lane, longest) in lanesOpen(to: state) {
                if lanes[lane]?.hasSomething(for: person, longest: longest) == true { return found(person) }
                guard mayLook(in: lane, for: person, longest: longest) else { continue }
                let past = lanes[lane]?.hasAnything(for: person) == true
                switch try await claim(lane, for: person, past: past, session) {
                case .found: return found(person)
                case .nothing: continue
                case .notYet:
                    lookQueue.append(person)
                    return
                }
            }
            // Lanes and spans that came meanwhile count too: "nothing left" is said of the database, not of a cache.
            if try await refreshLanes(.projects(state.facts.enrolled), session) {
                lookQueue.append(person)
                return
            }
            let floors = Dictionary(
                uniqueKeysWithValues: lanesOpen(to: state).map { ($0.lane, looks[person]?[$0.lane]?.floor ?? 0) })
            let (other, counts) = try await looking(for: person) {
                try await session.inOtherHands(person: person, floors: floors)
            }
            guard counts, deployment?.epoch == epoch, session.coordinator == coordinator, people[person]?.n == state.n
            else {
                // The lanes were those of another state of the deployment or of the person, or of an earlier life:
                // "nothing left" cannot be said of them.
                return found(person)
            }
            lookedThrough[person] = LookOutcome(inOtherHands: other, lanes: Set(floors.keys), at: clock.now)
            found(person)
        } catch {
            lookQueue.append(person)
            throw error
        }
    }

    private func found(_ person: PersonID) {
        looking[person] = nil
        if work[person] == nil { work[person] = PersonWork() }
        schedule(person)
    }

    /// How long a task of this lane may take to be given to this person by now; nil: none is.
    func longest(in feed: LaneFeed, of project: StoredProject, for state: PersonState) -> Duration? {
        let now = max(state.at, clockReading?.database ?? state.at)
        return gate(feed, of: project, for: state, now: now, want: 1).horizon?.longestEffort(from: now)
    }

    /// The lanes in which the gate would give this person something, in the order of the grants, and how long a task
    /// there may take.
    private func lanesOpen(to state: PersonState) -> [(lane: LaneID, longest: Duration)] {
        var result: [(lane: LaneID, longest: Duration)] = []
        for stream in streamsOf[state.person] ?? [] {
            guard let stream = streams[stream] else { continue }
            for project in projects(of: stream, state) {
                for lane in laneOrder[project.id] ?? [] {
                    guard let feed = lanes[lane], !result.contains(where: { $0.lane == lane }),
                        let longest = longest(in: feed, of: project, for: state)
                    else { continue }
                    result.append((lane, longest))
                }
            }
        }
        return result
    }

    private enum ClaimOutcome { case found, nothing, notYet }

    /// Slots that one claim brings at least behind those that are too long for whom it is made.
    private static let claimPast = 16

    /// Of how many people who wait the wants are counted for the size of one claim.
    private static let waitingCounted = 2_048

    /// One claim in one lane for one person, sized by what waits and by the rate of the last second.
    /// `past`: what is at hand for this person is too long for them, so in larger steps.
    private func claim(
        _ lane: LaneID, for person: PersonID, past: Bool = false, _ session: FeedSession
    ) async throws -> ClaimOutcome {
        guard let feed = lanes[lane], mayHoldMore(lane, for: person) else { return .nothing }
        let sizes = configuration.sizes
        // A part stands for all: what is missing is claimed next.
        let waiting = looking.keys.prefix(Self.waitingCounted).reduce(0) { sum, other in
            sum + (streamsOf[other] ?? []).reduce(0) { $0 + (streams[$1]?.want ?? 0) }
        }
        let least = past ? max(sizes.claimMin, Self.claimPast) : sizes.claimMin
        let count = min(max(waiting, Int(feed.grantsPerSecond), least), sizes.claimMax)
        let newest = feed.lane.newestSpan
        let cursor = looks[person]?[lane] ?? LookCursor()
        var (claim, counts) = try await looking(for: person) {
            try await session.claim(
                lane: lane, for: person, cursor: cursor, count: count, needsTouched: feed.isShared)
        }
        // A new life began meanwhile: what the old one claimed is adopted like all of its blocks.
        guard session.coordinator == coordinator else { return .notYet }
        if claim.isExhausted {
            // Every span known before the claim was read under the lane's lock.
            claim.cursor.floor = max(claim.cursor.floor, newest)
        }
        if streamsOf[person] != nil, counts { looks[person, default: [:]][lane] = claim.cursor }
        lanes[lane]?.add(claim, now: clock.now)
        if !claim.slots.isEmpty { return .found }
        guard counts else { return .notYet }
        return claim.isExhausted ? .nothing : .notYet
    }

    /// A database that lost unflushed claims may number spans anew: what was known of them counts no more.
    private func forgetSpans() {
        looks = [:]
        lookedThrough = [:]
        for lane in lanes.keys { lanes[lane]?.lane.newestSpan = 0 }
        feedStaleness = .everything
    }

    private func pauseFeed() async {
        do {
            try await clock.sleep(for: .milliseconds(Int64.random(in: 50...250)))
        } catch {
            // Cancelled: the loop sees it.
        }
    }
}
