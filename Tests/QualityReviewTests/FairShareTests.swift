import PlimsollModel
import Testing

@testable import QualityReview

@Suite("Sharing between projects")
struct FairShareTests {
    static let a = ProjectID(1)
    static let b = ProjectID(2)
    static let c = ProjectID(3)

    /// Grants one after the other and returns effort seconds given to each.
    static func run(
        _ share: inout FairShare, grants: Int, effort: [ProjectID: Int], eligible: (Int) -> [ProjectID]
    ) -> [ProjectID: Int] {
        var given: [ProjectID: Int] = [:]
        for grant in 0..<grants {
            guard let project = share.next(among: eligible(grant)) else { continue }
            let seconds = effort[project] ?? 60
            share.charge(project, effortSeconds: seconds)
            given[project, default: 0] += seconds
        }
        return given
    }

    static func share(_ weights: [(ProjectID, Double)]) -> FairShare {
        var share = FairShare()
        for (project, weight) in weights {
            share.setWeight(weight, of: project)
            share.markReady(project)
        }
        return share
    }

    @Test("Weights 3 to 1 are met within 1 % over 10,000 grants", arguments: [(60, 60), (300, 60), (60, 900)])
    func weights(first: Int, second: Int) throws {
        var share = Self.share([(Self.a, 3), (Self.b, 1)])
        let given = Self.run(&share, grants: 10_000, effort: [Self.a: first, Self.b: second]) { _ in [Self.b, Self.a] }
        let ratio = Double(given[Self.a] ?? 0) / Double(given[Self.b] ?? 1)
        #expect(abs(ratio / 3 - 1) < 0.01, "\(ratio)")
    }

    @Test("Random weights and efforts come out in proportion", arguments: 1...20)
    func proportions(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let projects = (1...Int.random(in: 2...6, using: &random)).map { ProjectID(Int64($0)) }
        let weights = projects.map { ($0, Double(Int.random(in: 1...9, using: &random))) }
        var effort: [ProjectID: Int] = [:]
        for project in projects { effort[project] = Int.random(in: 30...120, using: &random) }
        var share = Self.share(weights)
        let given = Self.run(&share, grants: 20_000, effort: effort) { _ in projects }
        let total = Double(given.values.reduce(0, +))
        let sum = weights.reduce(0) { $0 + $1.1 }
        for (project, weight) in weights {
            #expect(abs(Double(given[project] ?? 0) / total - weight / sum) < 0.005)
        }
    }

    @Test("A project that was idle has no arrears")
    func idle() {
        var share = Self.share([(Self.a, 1), (Self.b, 1)])
        share.markIdle(Self.b)
        _ = Self.run(&share, grants: 5_000, effort: [:]) { _ in [Self.a, Self.b] }
        share.markReady(Self.b)
        let given = Self.run(&share, grants: 100, effort: [:]) { _ in [Self.a, Self.b] }
        #expect((49...51).contains((given[Self.b] ?? 0) / 60))
    }

    @Test("Saying again that a project is ready changes nothing, and idle ones are never chosen")
    func readiness() {
        var share = Self.share([(Self.a, 1)])
        share.charge(Self.a, effortSeconds: 600)
        let before = share.next(among: [Self.a])
        share.markReady(Self.a)
        #expect(share.next(among: [Self.a]) == before)
        share.markIdle(Self.a)
        #expect(share.next(among: [Self.a]) == nil)
        #expect(share.next(among: [Self.c]) == nil)
        #expect(share.next(among: []) == nil)
        share.markReady(Self.c)
        #expect(share.next(among: [Self.a, Self.c]) == Self.c)
        share.remove(Self.c)
        #expect(share.next(among: [Self.a, Self.c]) == nil)
    }

    @Test("With changing eligibility nobody waits longer than the credit lets the others catch up", arguments: 1...10)
    func starvation(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var share = Self.share([(Self.a, 1), (Self.b, 1), (Self.c, 2)])
        var waits: [ProjectID: Int] = [:]
        var longest = 0
        for _ in 0..<20_000 {
            let eligible = [Self.a, Self.b, Self.c].filter { _ in Bool.random(using: &random) }
            guard let project = share.next(among: eligible) else { continue }
            share.charge(project, effortSeconds: 60)
            for other in eligible where other != project { waits[other, default: 0] += 1 }
            longest = max(longest, waits[project] ?? 0)
            waits[project] = 0
        }
        #expect(longest < 200, "\(longest)")
    }

    @Test("A project nobody could work on for long takes over for a bounded time only")
    func credit() {
        var share = Self.share([(Self.a, 1), (Self.b, 1)])
        _ = Self.run(&share, grants: 10_000, effort: [:]) { _ in [Self.a] }
        // Credit of one hour, at 60 s each.
        let given = Self.run(&share, grants: 200, effort: [:]) { _ in [Self.a, Self.b] }
        #expect((given[Self.b] ?? 0) / 60 <= 60 + 71)
        #expect((given[Self.a] ?? 0) / 60 >= 69)
    }

    @Test("A grant that did not commit is taken back")
    func refund() {
        var share = Self.share([(Self.a, 1), (Self.b, 1)])
        share.charge(Self.a, effortSeconds: 60, count: 3)
        #expect(share.next(among: [Self.a, Self.b]) == Self.b)
        share.refund(Self.a, effortSeconds: 60, count: 3)
        #expect(share.next(among: [Self.a, Self.b]) == Self.a)
    }

    @Test("A weight that is none counts as 1", arguments: [0, -1, .nan, .infinity])
    func badWeight(weight: Double) {
        var share = Self.share([(Self.a, weight), (Self.b, 1)])
        let given = Self.run(&share, grants: 1_000, effort: [:]) { _ in [Self.a, Self.b] }
        #expect(given[Self.a] == given[Self.b])
    }
}

/// Random numbers that are the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
