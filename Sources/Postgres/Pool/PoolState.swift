internal import DequeModule

/// The pool's rules without a clock, a lock or a socket: each event returns what is to be done about it.
///
/// Every connection is idle, lent, or a slot in which someone is opening one; their sum never exceeds `max`. Who waits
/// gets a connection in the order of arrival, or the right to open one. Idle connections are lent youngest first, so
/// that those not needed grow old and go.
struct PoolState: Sendable {
    typealias ConnectionID = Int
    typealias WaiterID = Int
    typealias Instant = ContinuousClock.Instant

    enum Refusal: Sendable, Equatable {
        case closed, full, timeout, cancelled
    }

    enum Action: Sendable, Equatable {
        /// Give this connection to this waiter. `probe`: it was idle for a while, look whether it still lives.
        case lend(ConnectionID, to: WaiterID, probe: Bool)
        /// A slot is this waiter's: it opens a connection and reports `opened` or `openFailed`.
        case open(WaiterID)
        /// Open one to keep `min`, and report it the same way.
        case openSpare
        case close(ConnectionID)
        case refuse(WaiterID, Refusal)
    }

    private struct Member {
        let born: Instant
        let generation: Int
    }

    private struct Idle {
        let id: ConnectionID
        let member: Member
        let since: Instant
    }

    let limits: Pool.Limits
    private var idle: Deque<Idle> = []
    private var lent: [ConnectionID: Member] = [:]
    private var waiters: Deque<WaiterID> = []
    private(set) var opening = 0
    private(set) var isClosed = false
    /// Raised by `dropIdle`: connections of an older generation are not kept when they come back.
    private var generation = 0

    init(limits: Pool.Limits) { self.limits = limits }

    var idleCount: Int { idle.count }
    var lentCount: Int { lent.count }
    var waiterCount: Int { waiters.count }
    var total: Int { idle.count + lent.count + opening }

    // MARK: Events

    /// Someone wants a connection.
    mutating func acquire(_ waiter: WaiterID, now: Instant) -> Action? {
        if isClosed { return .refuse(waiter, .closed) }
        if let found = idle.popLast() {
            lent[found.id] = found.member
            return .lend(found.id, to: waiter, probe: found.since.duration(to: now) >= limits.probeAfter)
        }
        if total < limits.max {
            opening += 1
            return .open(waiter)
        }
        if waiters.count >= limits.waitersMax { return .refuse(waiter, .full) }
        waiters.append(waiter)
        return nil
    }

    /// A waiter that was told to open has a connection, and keeps it.
    mutating func opened(_ id: ConnectionID, now: Instant) {
        opening -= 1
        lent[id] = Member(born: now, generation: generation)
    }

    /// A spare connection is open.
    mutating func openedSpare(_ id: ConnectionID, now: Instant) -> Action? {
        opening -= 1
        return place(id, Member(born: now, generation: generation), now: now)
    }

    /// A connection could not be opened; the slot goes to whoever waits longest.
    mutating func openFailed() -> Action? {
        opening -= 1
        return handOnSlot()
    }

    /// A connection comes back. `isHealthy` false: its state is unknown or it is broken, so it must not be lent again.
    mutating func release(_ id: ConnectionID, isHealthy: Bool, now: Instant) -> [Action] {
        guard let member = lent.removeValue(forKey: id) else { return [] }
        if isHealthy, isFit(member, now: now) {
            return place(id, member, now: now).map { [$0] } ?? []
        }
        return [.close(id)] + (handOnSlot().map { [$0] } ?? [])
    }

    /// A waiter gives up. Does nothing when it was served meanwhile.
    mutating func abandon(_ waiter: WaiterID, _ reason: Refusal) -> Action? {
        guard let index = waiters.firstIndex(of: waiter) else { return nil }
        waiters.remove(at: index)
        return .refuse(waiter, reason)
    }

    /// The server changed under us: no connection of before is lent again.
    mutating func dropIdle() -> [Action] {
        generation += 1
        defer { idle.removeAll() }
        return idle.map { .close($0.id) }
    }

    /// Time passes: what is too old goes, what is missing comes.
    mutating func tick(now: Instant) -> [Action] {
        guard !isClosed else { return [] }
        var actions: [Action] = []
        var kept: Deque<Idle> = []
        var spare = max(0, total - limits.min)
        for entry in idle {
            let isOld = !isFit(entry.member, now: now)
            let isUnused = spare > 0 && entry.since.duration(to: now) >= limits.idleLifetime
            if isOld || isUnused {
                actions.append(.close(entry.id))
                spare = max(0, spare - 1)
            } else {
                kept.append(entry)
            }
        }
        idle = kept
        while total < limits.min {
            opening += 1
            actions.append(.openSpare)
        }
        return actions
    }

    /// No connection is lent any more; those that are come back to be closed.
    mutating func close() -> [Action] {
        guard !isClosed else { return [] }
        isClosed = true
        let actions: [Action] = waiters.map { .refuse($0, .closed) } + idle.map { .close($0.id) }
        waiters.removeAll()
        idle.removeAll()
        return actions
    }

    // MARK: Inside

    private func isFit(_ member: Member, now: Instant) -> Bool {
        guard !isClosed, member.generation == generation else { return false }
        return limits.lifetimeMax.map { member.born.duration(to: now) < $0 } ?? true
    }

    private mutating func place(_ id: ConnectionID, _ member: Member, now: Instant) -> Action? {
        if isClosed { return .close(id) }
        if let waiter = waiters.popFirst() {
            lent[id] = member
            return .lend(id, to: waiter, probe: false)
        }
        idle.append(Idle(id: id, member: member, since: now))
        return nil
    }

    private mutating func handOnSlot() -> Action? {
        guard !isClosed, total < limits.max, let waiter = waiters.popFirst() else { return nil }
        opening += 1
        return .open(waiter)
    }
}
