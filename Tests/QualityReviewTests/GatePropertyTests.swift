import PlimsollModel
import Testing

@testable import QualityReview

@Suite("What no grant of the gate may ever break (P2)")
struct GatePropertyTests {
    static func facts(_ random: inout SeededGenerator) -> PersonFacts {
        let purposes = ["taking-part", "training", "severity-2", "severity-3"].map { PurposeName($0) }
        var agreements: [Agreement] = []
        for purpose in purposes where Int.random(in: 0..<8, using: &random) > 0 {
            // Mostly open, so that enough grants come about.
            let state =
                Int.random(in: 0..<4, using: &random) > 0
                ? .given : AgreementState.allCases.randomElement(using: &random)
            agreements.append(
                Scene.agreement(
                    purpose, state ?? .unknown, from: Scene.now + .seconds(Int.random(in: -3_000...60, using: &random)),
                    until: Scene.now + .seconds(Int.random(in: -60...4_000, using: &random))))
        }
        return Scene.person {
            $0.enrolled = Bool.random(using: &random) ? [Scene.project, ProjectID(9)] : [Scene.project]
            $0.agreements = agreements.shuffled(using: &random)
            $0.openLeases = Array(repeating: Scene.lease(), count: Int.random(in: 0...4, using: &random))
            $0.labelsByDay = DayCount(
                day: LocalDay("2026-03-30") ?? LocalDay(0), count: Int.random(in: 0...20, using: &random))
        }
    }

    static func lane(_ random: inout SeededGenerator) -> LaneAsk {
        Scene.lane {
            $0.severity = Int.random(in: 0...3, using: &random)
            $0.effortSeconds = Int.random(in: 0...1_200, using: &random)
            $0.purposes = Bool.random(using: &random) ? [.takingPart] : [.takingPart, PurposeName("training")]
            $0.paused = Int.random(in: 0..<10, using: &random) == 0
        }
    }

    static func limits(_ random: inout SeededGenerator) -> WorkloadLimits {
        var limits = WorkloadLimits()
        limits.openLeases = Bool.random(using: &random) ? Int.random(in: 0...5, using: &random) : nil
        limits.dayTasks = Bool.random(using: &random) ? Int.random(in: 0...30, using: &random) : nil
        limits.leaseLifetime = Bool.random(using: &random) ? .seconds(Int.random(in: 120...3_000, using: &random)) : nil
        limits.severity3Day = Bool.random(using: &random) ? .zero : .hours(1)
        return limits
    }

    @Test("Agreements, counts and deadlines hold for whatever is granted", arguments: 1...20)
    func invariants(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var grants = 0
        for _ in 0..<1_000 {
            let person = Self.facts(&random)
            let lane = Self.lane(&random)
            let limits = Self.limits(&random)
            let want = Int.random(in: 1...8, using: &random)
            guard let granted = Scene.granted(Scene.decide(person, lane, limits, want: want)) else { continue }
            grants += 1
            try #require(!lane.paused && person.enrolled.contains(lane.project) && !person.denied)
            try #require((1...want).contains(granted.count))
            let open = person.openLeases.count + granted.count
            try #require(limits.openLeases.map { open <= $0 } ?? true)
            try #require(limits.dayTasks.map { open + (person.labelsByDay?.count ?? 0) <= $0 } ?? true)
            try #require(granted.deadline >= Scene.now + .seconds(lane.effortSeconds))
            try #require(granted.deadline - Scene.now <= limits.leaseLifetime ?? .minutes(50))
            var needed = lane.purposes
            if lane.severity > 1 { needed.append(PurposeName("severity-\(lane.severity)")) }
            for purpose in needed {
                let agreement = try #require(person.agreements.first { $0.purpose == purpose })
                try #require(agreement.opensGate(at: Scene.now))
                try #require(granted.deadline <= agreement.until)
            }
            if lane.severity == 3 { try #require(limits.severity3Day != .zero) }
        }
        #expect(grants > 50, "too few grants to say anything: \(grants)")
    }

    @Test("Stricter limits never give more, never later", arguments: 1...10)
    func monotonic(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 1_000)
        for _ in 0..<1_000 {
            let person = Self.facts(&random)
            let lane = Self.lane(&random)
            let limits = Self.limits(&random)
            let tight = limits.tightened(by: Self.limits(&random))
            guard let strict = Scene.granted(Scene.decide(person, lane, tight, want: 8)) else { continue }
            let loose = try #require(Scene.granted(Scene.decide(person, lane, limits, want: 8)))
            try #require(strict.count <= loose.count)
            try #require(strict.deadline <= loose.deadline)
        }
    }

    @Test("How far a lease may go says of every estimate what a decision with that estimate says", arguments: 1...10)
    func horizon(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 2_000)
        var fitting = 0
        var others = 0
        for _ in 0..<1_000 {
            let person = Self.facts(&random)
            var lane = Self.lane(&random)
            let limits = Self.limits(&random)
            guard let horizon = Scene.decide(person, lane, limits).horizon else { continue }
            lane.effortSeconds += Int.random(in: 0...4_000, using: &random)
            let longer = Scene.decide(person, lane, limits)
            if .seconds(lane.effortSeconds) <= horizon.longestEffort(from: Scene.now) {
                fitting += 1
                try #require(longer.horizon == horizon)
                let deadline = horizon.deadline(effortSeconds: lane.effortSeconds, from: Scene.now)
                try #require(Scene.granted(longer)?.deadline == deadline)
            } else {
                others += 1
                try #require(longer.refusal?.rule == .limitTooNear)
            }
        }
        #expect(fitting > 10 && others > 10, "too few to say anything: \(fitting), \(others)")
    }

    @Test("Denial closes whatever else holds")
    func denial() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<1_000 {
            var person = Self.facts(&random)
            person.denied = true
            let answer = Scene.decide(person, Self.lane(&random), Self.limits(&random))
            #expect(answer.refusal?.rule == .denied)
        }
    }
}
