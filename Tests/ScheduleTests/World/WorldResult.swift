import PlimsollModel

/// What a world came to, in figures; and where a promise did not hold, all that led there.
struct WorldResult: Sendable {
    var schedules: Int
    var counts: [String: Int]
    var refusals: [Rule: Int]
    /// nil: every promise held.
    var failure: String?

    init(_ world: World) {
        schedules = world.cells.count
        counts = world.counts
        refusals = [:]
        for cell in world.cells {
            counts.merge(cell.counts, uniquingKeysWith: +)
            refusals.merge(cell.refusals, uniquingKeysWith: +)
        }
        guard world.hasFailed else { return }
        var text = "seed \(world.seed), world \(world.number): a promise does not hold\n"
        text += world.faults.map { "  the world: \($0)\n" }.joined()
        text += "  what happened to all schedules:\n" + world.log.map { "    \($0)\n" }.joined()
        for cell in world.cells where !cell.violations.isEmpty {
            text += "  schedule \(cell.number):\n" + cell.log.map { "    \($0)\n" }.joined()
            text += cell.violations.map { "    -> \($0)\n" }.joined()
        }
        text += "  again: Deploy/schedules --seed \(world.seed) --world \(world.number)\n"
        failure = text
    }
}

/// The figures of many worlds.
struct RunFigures {
    var schedules = 0
    var worlds = 0
    var counts: [String: Int] = [:]
    var refusals: [Rule: Int] = [:]

    mutating func add(_ result: WorldResult) {
        schedules += result.schedules
        worlds += 1
        counts.merge(result.counts, uniquingKeysWith: +)
        refusals.merge(result.refusals, uniquingKeysWith: +)
    }

    /// One line that shows that it was not empty.
    func line(seed: UInt64) -> String {
        let rules = refusals.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key.rawValue) \($0.value)" }
        func of(_ name: String) -> Int { counts[name] ?? 0 }
        return "seed \(seed): \(schedules) schedules, \(of("operations")) operations, \(of("grants")) grants, "
            + "\(of("returns")) came back, \(of("labels")) labels, \(of("late answers")) late answers, "
            + "\(of("withdrawals")) withdrawals, \(of("policies")) policies, \(of("kills")) kills; refused: "
            + rules.joined(separator: ", ")
    }
}
