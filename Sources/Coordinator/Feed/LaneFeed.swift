import DequeModule
import Ledger
import PlimsollModel

/// One task's slot in this coordinator's hands.
struct ReadySlot: Sendable {
    var content: TaskContent
    var slot: Int16
    var source: FlushSession.Candidate.Source
    /// Position in its block: neighbours differ by one.
    var place: Int
    /// Must be looked up before it is granted: leased before, a task of several slots, or held through a failure.
    var needsCheck: Bool
    var since: Moment
    /// When it came back; nil for what was claimed, whose block says when.
    var readySince: ContinuousClock.Instant?
}

/// What one lane has ready, in order. Pure: the dispatcher owns it, the feeder fills it.
///
/// Fresh slots of a lane are granted in task order; slots that came back go first, because their task has waited.
struct LaneFeed: Sendable {
    struct Block: Sendable {
        var slot: Int16
        var fresh: Bool
        var since: Moment
        /// Slots not yet granted.
        var ready: Int
        /// Slots in a flush that has not committed.
        var inFlight: Int
        var claimedAt: ContinuousClock.Instant
    }

    var lane: StoredLane
    /// Several people answer each task, so that a slot may be another's work already.
    let isShared: Bool
    /// No ready slot has a shorter or longer estimate; nil where none is ready since the last tick.
    private var efforts: ClosedRange<Int>?
    private(set) var ready: Deque<ReadySlot> = []
    private(set) var blocks: [Int64: Block] = [:]
    /// Blocks with nothing left in them, whose rows are still to be dropped.
    private(set) var spent: [Int64] = []
    /// Slots that came back and are in memory, ready or in a flush.
    private var returned: Set<Fence> = []
    /// Who is known to have to do with a task already. A hint that saves look-ups; the flush checks (P1).
    private var touched: [TaskID: Set<PersonID>] = [:]
    /// Grants since the last tick, and the rate over about the last second.
    private var granted = 0
    private(set) var grantsPerSecond = 0.0
    /// Grants of the last tick that found nobody: slots older than this were passed over.
    private(set) var lastGrant: ContinuousClock.Instant

    /// So many slots that are too long for somebody are kept while shorter ones are looked for behind them. More of them
    /// would empty whole lanes for whoever is near a limit.
    static let passedOverMax = 64

    /// Hints kept beside twice as many as slots are ready.
    private static let touchedMax = 4_096

    init(lane: StoredLane, isShared: Bool, now: ContinuousClock.Instant) {
        self.lane = lane
        self.isShared = isShared
        self.lastGrant = now
    }

    var isEmpty: Bool { ready.isEmpty }
    /// Whether rows of blocks without anything left are still to be dropped.
    var hasSpent: Bool { !spent.isEmpty }

    /// Takes in what a claim brought.
    mutating func add(_ claim: Claim, now: ContinuousClock.Instant) {
        for (index, block) in claim.blocks.enumerated() {
            let count = claim.slots.reduce(0) { $0 + ($1.block == index ? 1 : 0) }
            if count == 0 {
                spent.append(block.id)
                continue
            }
            blocks[block.id] = Block(
                slot: block.slot, fresh: block.fresh, since: block.since, ready: count, inFlight: 0, claimedAt: now)
        }
        // Read just now under the lane's lock, so what was believed of these tasks before counts no more.
        if isShared { for task in claim.contents.keys { touched[task] = nil } }
        for (task, person) in claim.touched { touched[task, default: []].insert(person) }
        for slot in claim.slots {
            guard let content = claim.contents[slot.task] else { continue }
            let block = claim.blocks[slot.block]
            note(content)
            ready.append(
                ReadySlot(
                    content: content, slot: slot.slot, source: .block(block.id), place: slot.place,
                    needsCheck: isShared || !block.fresh, since: block.since))
        }
    }

    /// Takes up to `count` slots that are not known to be this person's already, at most one of each task, and none
    /// with an estimate above `longest`.
    mutating func take(
        for person: PersonID, count: Int, longest: Duration, now: ContinuousClock.Instant
    ) -> [ReadySlot] {
        guard count > 0, !ready.isEmpty else { return [] }
        var taken: [ReadySlot] = []
        let allFit = efforts.map { .seconds($0.upperBound) <= longest } ?? false
        if !isShared && touched.isEmpty && allFit {
            let many = min(count, ready.count)
            taken.append(contentsOf: ready.prefix(many))
            ready.removeFirst(many)
        } else {
            var kept: Deque<ReadySlot> = []
            kept.reserveCapacity(ready.count)
            while let slot = ready.popFirst() {
                let task = slot.content.task
                if !isFree(slot, for: person) || .seconds(slot.content.effortSeconds) > longest {
                    kept.append(slot)
                } else {
                    // Where a task has one slot, nobody else's is met with it.
                    if isShared { touched[task, default: []].insert(person) }
                    taken.append(slot)
                    if taken.count == count { break }
                }
            }
            for slot in kept.reversed() { ready.prepend(slot) }
        }
        for slot in taken { move(slot, ready: -1, inFlight: 1) }
        granted += taken.count
        if !taken.isEmpty { lastGrant = now }
        return taken
    }

    /// The slot is this lane's no more: its grant is durable, or it turned out to be somebody else's.
    mutating func left(_ slot: ReadySlot) {
        if case .returned(let fence) = slot.source { returned.remove(fence) }
        move(slot, ready: 0, inFlight: -1)
    }

    /// The grant did not happen; the slot is ready again and is looked up before the next try. A slot of an earlier
    /// life of this coordinator is others' now and is forgotten.
    mutating func putBack(_ slot: ReadySlot, notFor person: PersonID?, isPersons: Bool) {
        guard holds(slot.source) else { return }
        var slot = slot
        slot.needsCheck = true
        move(slot, ready: 1, inFlight: -1)
        if let person {
            if isPersons {
                touched[slot.content.task, default: []].insert(person)
            } else {
                touched[slot.content.task]?.remove(person)
            }
        }
        note(slot.content)
        ready.prepend(slot)
    }

    /// A lease of this lane ended without a label and its slot is ours to grant again.
    mutating func cameBack(
        _ content: TaskContent, slot: Int16, fence: Fence, since: Moment, from person: PersonID, askAgain: Bool,
        now: ContinuousClock.Instant
    ) {
        if askAgain {
            touched[content.task]?.remove(person)
        } else {
            touched[content.task, default: []].insert(person)
        }
        addReturned(content, slot: slot, fence: fence, since: since, now: now)
    }

    /// Takes in a slot that came back, once.
    mutating func addReturned(
        _ content: TaskContent, slot: Int16, fence: Fence, since: Moment, now: ContinuousClock.Instant
    ) {
        guard returned.insert(fence).inserted else { return }
        note(content)
        ready.prepend(
            ReadySlot(
                content: content, slot: slot, source: .returned(fence), place: 0, needsCheck: true, since: since,
                readySince: now))
    }

    /// What was believed of this person counts no more: a lease ended elsewhere.
    mutating func forget(_ person: PersonID) {
        for (task, people) in touched where people.contains(person) { touched[task]?.remove(person) }
    }

    /// Whether memory knows of it: ready, in a flush, or used up and still to be dropped.
    func holds(_ source: FlushSession.Candidate.Source) -> Bool {
        switch source {
        case .block(let id): blocks[id] != nil || spent.contains(id)
        case .returned(let fence): returned.contains(fence)
        }
    }

    /// After a failure: what the database does not know of is dropped, and the rest is looked up before it is granted.
    mutating func keepOnly(blocks known: Set<Int64>) {
        spent.removeAll { !known.contains($0) }
        for id in blocks.keys where !known.contains(id) { blocks[id] = nil }
        ready.removeAll { slot in
            if case .block(let id) = slot.source { !known.contains(id) } else { false }
        }
        for index in ready.indices { ready[index].needsCheck = true }
    }

    /// Whether anything here might be given to this person and is not longer than this.
    func hasSomething(for person: PersonID, longest: Duration) -> Bool {
        guard let efforts, .seconds(efforts.lowerBound) <= longest else { return false }
        if touched.isEmpty, .seconds(efforts.upperBound) <= longest { return !ready.isEmpty }
        return ready.contains { isFree($0, for: person) && .seconds($0.content.effortSeconds) <= longest }
    }

    /// Whether anything here might be given to this person, however long it is.
    func hasAnything(for person: PersonID) -> Bool {
        touched.isEmpty ? !ready.isEmpty : ready.contains { isFree($0, for: person) }
    }

    /// The shortest estimate of what is ready for this person; nil: nothing is.
    func shortest(for person: PersonID) -> Int? {
        ready.lazy.filter { isFree($0, for: person) }.map(\.content.effortSeconds).min()
    }

    /// Whether so much is ready for this person, and too long for them, that no more is looked for behind it.
    func isPassedOver(for person: PersonID, longest: Duration) -> Bool {
        var count = 0
        return ready.contains { slot in
            if isFree(slot, for: person), .seconds(slot.content.effortSeconds) > longest { count += 1 }
            return count >= Self.passedOverMax
        }
    }

    private func isFree(_ slot: ReadySlot, for person: PersonID) -> Bool {
        touched[slot.content.task]?.contains(person) != true
    }

    private mutating func note(_ content: TaskContent) {
        let effort = content.effortSeconds
        efforts = efforts.map { min($0.lowerBound, effort)...max($0.upperBound, effort) } ?? effort...effort
    }

    /// Called once a second-ish: keeps the rate.
    mutating func tick(elapsed: Duration) {
        let seconds = max(0.001, Double(elapsed.microseconds) / 1_000_000)
        let now = Double(granted) / seconds
        grantsPerSecond = now > grantsPerSecond ? now : grantsPerSecond * 0.5 + now * 0.5
        granted = 0
        if ready.isEmpty {
            touched.removeAll()
        } else if touched.count > Self.touchedMax + 2 * ready.count {
            // A hint is worth something while a slot of its task is at hand; claims bring it anew.
            let tasks = Set(ready.lazy.map(\.content.task))
            touched = touched.filter { tasks.contains($0.key) }
        }
        if ready.isEmpty || efforts?.count != 1 {
            efforts = nil
            for slot in ready { note(slot.content) }
        }
    }

    private mutating func move(_ slot: ReadySlot, ready: Int, inFlight: Int) {
        guard case .block(let id) = slot.source, var block = blocks[id] else { return }
        block.ready += ready
        block.inFlight += inFlight
        if block.ready == 0, block.inFlight == 0 {
            blocks[id] = nil
            spent.append(id)
        } else {
            blocks[id] = block
        }
    }
}

/// What a lane gives back, in the terms of the ledger.
struct GiveBack: Sendable {
    var blocks: [Int64]
    var returned: [Fence]
    var ranges: [SpanRange]
}

extension LaneFeed {
    /// Takes out what is ready since before `heldSince`, as runs of neighbours, and the blocks with nothing left in
    /// them; nil when there is nothing to do.
    ///
    /// A block with a slot in an unfinished flush stays: that slot may still come back to it.
    mutating func giveBack(heldSince: ContinuousClock.Instant) -> GiveBack? {
        let due = Set(blocks.lazy.filter { $0.value.inFlight == 0 && $0.value.claimedAt <= heldSince }.map(\.key))
        var kept: Deque<ReadySlot> = []
        var back = GiveBack(blocks: spent, returned: [], ranges: [])
        var runs: [Int64: [ReadySlot]] = [:]
        for slot in ready {
            switch slot.source {
            case .block(let id) where due.contains(id): runs[id, default: []].append(slot)
            case .returned(let fence) where (slot.readySince ?? heldSince) <= heldSince:
                back.returned.append(fence)
                returned.remove(fence)
                back.ranges.append(
                    SpanRange(
                        slot: slot.slot, first: slot.content.task, last: slot.content.task, fresh: false,
                        since: slot.since))
            default: kept.append(slot)
            }
        }
        for (id, run) in runs {
            back.blocks.append(id)
            let fresh = blocks[id]?.fresh ?? false
            back.ranges.append(contentsOf: Self.ranges(of: run.sorted { $0.place < $1.place }, fresh: fresh))
            blocks[id] = nil
        }
        guard !back.blocks.isEmpty || !back.returned.isEmpty else { return nil }
        spent = []
        ready = kept
        back.ranges.sort { ($0.slot, $0.first) < ($1.slot, $1.first) }
        return back
    }

    private static func ranges(of run: [ReadySlot], fresh: Bool) -> [SpanRange] {
        var ranges: [SpanRange] = []
        var lastPlace = Int.min
        for slot in run {
            let isFresh = fresh && !slot.needsCheck
            if slot.place == lastPlace + 1, let last = ranges.last, last.fresh == isFresh {
                ranges[ranges.count - 1].last = slot.content.task
            } else {
                ranges.append(
                    SpanRange(
                        slot: slot.slot, first: slot.content.task, last: slot.content.task,
                        fresh: isFresh, since: slot.since))
            }
            lastPlace = slot.place
        }
        return ranges
    }
}
