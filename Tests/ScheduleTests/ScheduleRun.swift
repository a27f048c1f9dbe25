import Foundation
import PlimsollModel
import Testing

/// How many schedules, from which seed.
struct ScheduleRun {
    static let cellsPerWorld = 60
    static let schedulesDefault = 2_000
    /// A run goes on past a world that fails, so that a long one tells all it finds; not past this many.
    static let failuresMax = 10

    let schedules: Int
    let seed: UInt64
    /// One world alone; nil: as many as the schedules need.
    let world: Int?
    /// The world to begin with, where a run with this seed was broken off.
    let first: Int
    /// Worlds that run at once.
    let beside: Int

    /// Whether it is long enough that every operation and most rules must have come.
    var isWhole: Bool { world == nil && schedules - first * Self.cellsPerWorld >= Self.schedulesDefault }

    init(_ environment: [String: String]) {
        schedules = environment["PLIMSOLL_SCHEDULES"].flatMap { Int($0) } ?? Self.schedulesDefault
        seed = environment["PLIMSOLL_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1 ... .max)
        world = environment["PLIMSOLL_WORLD"].flatMap { Int($0) }
        first = max(0, environment["PLIMSOLL_FIRST_WORLD"].flatMap { Int($0) } ?? 0)
        beside = environment["PLIMSOLL_WORLDS_BESIDE"].flatMap { Int($0) } ?? 2
    }

    /// The figures, and what each world in which a promise does not hold has to say.
    func run() async throws -> (figures: RunFigures, failures: [String]) {
        let template = try await Template.make(cells: Self.cellsPerWorld)
        say("seed \(seed): \(world.map { "world \($0)" } ?? "\(schedules) schedules")")
        let end = (schedules + Self.cellsPerWorld - 1) / Self.cellsPerWorld
        let numbers = world.map { $0..<$0 + 1 } ?? first..<max(first, end)
        var figures = RunFigures()
        let began = ContinuousClock.now
        var said = began
        var failures: [String] = []
        let seed = seed
        try await withThrowingTaskGroup(of: WorldResult.self) { group in
            var next = numbers.lowerBound
            func add() {
                guard next < numbers.upperBound, failures.count < Self.failuresMax else { return }
                let number = next
                group.addTask { try await World.run(number, seed: seed, template) }
                next += 1
            }
            for _ in 0..<beside { add() }
            while let result = try await group.next() {
                figures.add(result)
                if let failure = result.failure {
                    failures.append(failure)
                    say(failure)
                }
                add()
                if ContinuousClock.now - said > .seconds(5) {
                    said = .now
                    let seconds = Double((said - began).components.seconds)
                    say(
                        figures.line(seed: seed)
                            + String(format: "; %.1f schedules a second", Double(figures.schedules) / seconds)
                            + (failures.isEmpty ? "" : "; \(failures.count) worlds BROKEN")
                            + "; next world \(next)")
                }
            }
        }
        let seconds = (ContinuousClock.now - began).components.seconds
        say("\(failures.isEmpty ? "no promise broken" : "BROKEN"), \(figures.line(seed: seed)); in \(seconds) s")
        return (figures, failures)
    }

    private func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}

extension RunFigures {
    /// A run that met nothing would prove nothing.
    func expectNotEmpty() {
        for kind in Cell.Kind.allCases { #expect((counts["op \(kind.rawValue)"] ?? 0) > 0, "no \(kind.rawValue)") }
        // Denied people have no stream and others see no lanes, so these two refuse before; six hours and
        // the mean of 17 weeks take more than a short run has.
        let rare: Set<Rule> = [.denied, .notEnrolled, .sixHours, .weekAverage]
        let missing = Set(Rule.allCases).subtracting(rare).subtracting(refusals.filter { $0.value > 0 }.keys)
        #expect(missing.count <= 3, "rules that never refused: \(missing.map(\.rawValue).sorted())")
        for what in ["grants", "returns", "labels", "late answers", "withdrawals", "kills", "refilled", "quarantined"] {
            #expect((counts[what] ?? 0) > 0, "no \(what)")
        }
    }
}
