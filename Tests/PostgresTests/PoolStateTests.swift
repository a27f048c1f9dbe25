import TestSupport
import Testing

@testable import Postgres

@Suite struct PoolStateTests {
    private let start = ContinuousClock.now

    private func state(
        min: Int = 0, max: Int = 2, lifetime: Duration? = .seconds(100), waiters: Int = 2
    ) -> PoolState {
        PoolState(
            limits: Pool.Limits(
                min: min, max: max, idleLifetime: .seconds(10), lifetimeMax: lifetime, waitersMax: waiters,
                probeAfter: .seconds(1)))
    }

    private func open(_ state: inout PoolState, _ id: Int, at now: ContinuousClock.Instant) {
        #expect(state.acquire(id, now: now) == .open(id))
        state.opened(id, now: now)
    }

    @Test func theYoungestIdleConnectionIsLentFirst() {
        var state = state()
        open(&state, 1, at: start)
        open(&state, 2, at: start)
        #expect(state.release(1, isHealthy: true, now: start).isEmpty)
        #expect(state.release(2, isHealthy: true, now: start).isEmpty)
        #expect(state.acquire(3, now: start) == .lend(2, to: 3, probe: false))
        #expect(state.acquire(4, now: start + .seconds(1)) == .lend(1, to: 4, probe: true))
    }

    @Test func waitersAreServedInTheOrderOfArrival() {
        var state = state(max: 1)
        open(&state, 1, at: start)
        #expect(state.acquire(11, now: start) == nil)
        #expect(state.acquire(12, now: start) == nil)
        #expect(state.acquire(13, now: start) == .refuse(13, .full))
        #expect(state.release(1, isHealthy: true, now: start) == [.lend(1, to: 11, probe: false)])
        #expect(state.release(1, isHealthy: false, now: start) == [.close(1), .open(12)])
        #expect(state.openFailed() == nil)
        #expect(state.total == 0)
    }

    @Test func aFailedOpeningHandsItsSlotOn() {
        var state = state(max: 1)
        #expect(state.acquire(1, now: start) == .open(1))
        #expect(state.acquire(2, now: start) == nil)
        #expect(state.openFailed() == .open(2))
    }

    @Test func anAbandonedWaiterIsSkipped() {
        var state = state(max: 1)
        open(&state, 1, at: start)
        _ = state.acquire(2, now: start)
        #expect(state.abandon(2, .timeout) == .refuse(2, .timeout))
        #expect(state.abandon(2, .timeout) == nil)
        #expect(state.release(1, isHealthy: true, now: start).isEmpty)
        #expect(state.idleCount == 1)
    }

    @Test(arguments: [(99, true), (100, false)]) func lifetimeEndsToTheSecond(_ seconds: Int, _ isKept: Bool) {
        var state = state()
        open(&state, 1, at: start)
        let actions = state.release(1, isHealthy: true, now: start + .seconds(seconds))
        #expect(actions == (isKept ? [] : [.close(1)]))
    }

    @Test func tickClosesTheUnusedAndKeepsTheMinimum() {
        var state = state(min: 1, max: 3)
        #expect(state.tick(now: start) == [.openSpare])
        #expect(state.openedSpare(1, now: start) == nil)
        open2(&state)
        #expect(state.tick(now: start + .seconds(9)).isEmpty)
        #expect(state.tick(now: start + .seconds(10)).count == 1)
        #expect(state.idleCount == 1)
        #expect(state.tick(now: start + .seconds(100)).contains(.openSpare))
    }

    private func open2(_ state: inout PoolState) {
        _ = state.acquire(8, now: start)
        #expect(state.acquire(2, now: start) == .open(2))
        state.opened(2, now: start)
        _ = state.release(1, isHealthy: true, now: start)
        _ = state.release(2, isHealthy: true, now: start)
    }

    @Test func afterADropNoOlderConnectionComesBack() {
        var state = state()
        open(&state, 1, at: start)
        open(&state, 2, at: start)
        _ = state.release(1, isHealthy: true, now: start)
        #expect(state.dropIdle() == [.close(1)])
        #expect(state.release(2, isHealthy: true, now: start) == [.close(2)])
        open(&state, 3, at: start)
        #expect(state.release(3, isHealthy: true, now: start).isEmpty)
    }

    @Test func closingRefusesAndTakesBack() {
        var state = state(max: 1)
        open(&state, 1, at: start)
        _ = state.acquire(2, now: start)
        #expect(state.close() == [.refuse(2, .closed)])
        #expect(state.acquire(3, now: start) == .refuse(3, .closed))
        #expect(state.release(1, isHealthy: true, now: start) == [.close(1)])
        #expect(state.close().isEmpty)
    }

    /// Whatever happens: never more than `max`, nobody waits while something is free, no connection has two users,
    /// every waiter is settled once.
    @Test(arguments: 0..<20) func invariantsHoldForRandomHistories(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var state = state(min: 1, max: 4, waiters: 5)
        var now = start
        var nextID = 0
        var waiting: Set<Int> = []
        var lent: Set<Int> = []
        var known: Set<Int> = []
        var opening = 0
        func settle(_ action: PoolState.Action) {
            switch action {
            case .lend(let id, let waiter, _):
                #expect(waiting.remove(waiter) != nil)
                #expect(known.contains(id))
                #expect(lent.insert(id).inserted)
            case .open(let waiter):
                #expect(waiting.remove(waiter) != nil)
                opening += 1
            case .openSpare: opening += 1
            case .close(let id):
                #expect(known.remove(id) != nil)
                #expect(!lent.contains(id))
            case .refuse(let waiter, _): #expect(waiting.remove(waiter) != nil)
            }
        }
        for _ in 0..<2000 {
            now += .milliseconds(Int.random(in: 0..<3000, using: &random))
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2:
                nextID += 1
                waiting.insert(nextID)
                if let action = state.acquire(nextID, now: now) { settle(action) }
            case 3, 4:
                guard let id = lent.randomElement(using: &random) else { continue }
                lent.remove(id)
                state.release(id, isHealthy: Bool.random(using: &random), now: now).forEach(settle)
            case 5:
                guard opening > 0 else { continue }
                opening -= 1
                nextID += 1
                switch Int.random(in: 0..<3, using: &random) {
                case 0: if let action = state.openFailed() { settle(action) }
                case 1:
                    known.insert(nextID)
                    lent.insert(nextID)
                    state.opened(nextID, now: now)
                default:
                    known.insert(nextID)
                    if let action = state.openedSpare(nextID, now: now) { settle(action) }
                }
            case 6:
                if Bool.random(using: &random) {
                    state.tick(now: now).forEach(settle)
                } else if let waiter = waiting.randomElement(using: &random) {
                    if let action = state.abandon(waiter, .cancelled) { settle(action) }
                }
            default: if Int.random(in: 0..<10, using: &random) == 0 { state.dropIdle().forEach(settle) }
            }
            #expect(state.total <= 4)
            #expect(state.lentCount == lent.count)
            #expect(state.waiterCount == waiting.count)
            #expect(state.opening == opening)
            #expect(state.idleCount == 0 || waiting.isEmpty)
            #expect(state.total == 4 || waiting.isEmpty)
        }
    }
}
