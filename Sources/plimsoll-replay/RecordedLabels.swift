import Foundation

/// What a real crowd answered: engineer, task key, answer.
struct RecordedLabels: Sendable {
    /// For each engineer the answer, as JSON, by task key.
    private(set) var answers: [String: [String: String]] = [:]

    /// Columns of the file, apart by tabs, with a header line: task, engineer, answer, and more that is not read here.
    init(path: String) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count >= 3 else { throw ReplayError("\(path): a line has fewer than three columns: \(line)") }
            answers[String(fields[1]), default: [:]][String(fields[0])] = String(fields[2])
        }
    }
}

/// Why a replay cannot go on.
struct ReplayError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
