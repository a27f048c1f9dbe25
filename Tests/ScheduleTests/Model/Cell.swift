import Coordinator
import PlimsollModel
import TestSupport

/// One schedule: its state, its hands, what it did and what it found wrong.
final class Cell {
    struct Worker {
        let person: Int
        let session: Int64
        /// The coordinator it is connected to, by place; nil: to none.
        var coordinator: Int?
        /// Leases that this process was told of and has not seen the end of.
        var holds: Set<Fence> = []
        /// Of those, the ones that its present connection vouches for, so that it hears of their end.
        var vouched: Set<Fence> = []
        /// The step in which it last came or went.
        var movedAt = -10
        /// How often its present connection was told that a limit is near,
        var warnings = 0
        /// and when that was last found out.
        var warnedAt: Micros?
    }

    /// A promise that does not hold.
    struct Violation: CustomStringConvertible {
        let promise: String
        let what: String
        var description: String { "\(promise): \(what)" }
    }

    let number: Int
    /// How many operations it has.
    let length: Int
    /// The present step.
    var step = 0
    let seed: (UInt64, UInt64)
    var state: CellState
    var workers: [Worker]
    /// Acknowledged answers, by fence (P5).
    var acked: [Fence: String] = [:]
    var nextKey: Int
    /// Whose stream was lost in the last step: what was leased at a moment of it depends on when that was noticed.
    var uncertain: Set<PersonID> = []
    /// The step in which a coordinator may last have forgotten what it told of deadlines.
    var forgotAt = -10
    /// Limits that somebody may be told of ahead.
    var limitsAhead: [PersonID: [LimitAhead]] = [:]
    var violations: [Violation] = []
    var log: [String] = []
    var counts: [String: Int] = [:]
    var refusals: [Rule: Int] = [:]

    init(_ number: Int, _ layout: Layout, seed: (UInt64, UInt64)) {
        self.number = number
        self.seed = seed
        var random = SplitMix64(seed: seed.0, seed.1, UInt64(number))
        length = 20 + random.below(31)
        state = CellState(layout.cells[number], layout)
        // Half of the processes name themselves, as WorkerKit's do.
        workers = state.people.indices.flatMap { person in
            (0..<2).map { _ in
                Worker(person: person, session: Int64(random.below(2)) * Int64(1 + random.below(1 << 40)))
            }
        }
        nextKey = 1_000
    }

    func fail(_ promise: String, _ what: String) { violations.append(Violation(promise: promise, what: what)) }

    func count(_ what: String, _ by: Int = 1) { counts[what, default: 0] += by }

    /// The person whose hand it is.
    func person(ofHand hand: Int) -> PersonModel { state.people[workers[hand].person] }
}
