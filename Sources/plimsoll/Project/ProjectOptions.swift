import ArgumentParser
import Foundation
import PlimsollModel

/// What `project create` and `project set` take on the command line.
struct ProjectOptions: ParsableArguments {
    @Option(name: .customLong("from"), help: "A YAML or JSON file with any of the members below.")
    var file: String?

    @Option(help: "File with the instructions that engineers read.")
    var instructions: String?

    @Option(name: .customLong("schema"), help: "File with the answer schema (a closed subset of JSON Schema).")
    var answerSchema: String?

    @Option(help: "How many different engineers answer each task, 1 to 64. Default: 1.")
    var overlap: Int?

    @Option(help: "Share of grants beside other projects, 1 to 1000. Default: 1.")
    var weight: Int?

    @Option(name: .customLong("purpose"), help: "A purpose that engineers must have agreed to; may be repeated.")
    var purposes: [String] = []

    @Option(help: "How long one task takes, for example 5m or 90s. Default: 5m.")
    var effort: String?

    @Option(name: .customLong("named-person"), help: "Who answers concerns, in order of escalation; may be repeated.")
    var namedPersons: [String] = []

    @Flag(
        inversion: .prefixedNo,
        help: "Whether a task goes to somebody else when an engineer takes their answer back. Default: yes.")
    var refill: Bool?

    /// The file, with what the command line names on top.
    func resolved() throws -> ProjectFile {
        var result = try file.map { try ProjectFile(path: $0) } ?? ProjectFile()
        if let instructions { result.instructions = try TextFile.read(instructions) }
        if let answerSchema { result.answerSchema = try TextFile.read(answerSchema) }
        if let overlap { result.overlap = overlap }
        if let weight { result.weight = weight }
        if !purposes.isEmpty { result.purposes = purposes }
        if let effort {
            guard let duration = DurationText.parse(effort) else {
                throw CommandFailure(.wrongUse, "--effort \(effort) is no duration", next: "write 5m or 90s")
            }
            result.effort = duration
        }
        if !namedPersons.isEmpty { result.namedPersons = namedPersons }
        if let refill { result.refill = refill }
        for (option, value, range) in [("overlap", result.overlap, 1...64), ("weight", result.weight, 1...1_000)] {
            if let value, !range.contains(value) {
                throw CommandFailure(
                    .wrongUse, "--\(option) \(value) is not between \(range.lowerBound) and \(range.upperBound)")
            }
        }
        return result
    }
}
