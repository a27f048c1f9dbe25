import Foundation

/// What a call of the benchmark found, for people and for programs.
struct Report: Encodable {
    /// What it ran on and with which settings, by name.
    let conditions: [String: String]
    let measurements: [Measurement]
    /// Rows that ended with an error, and with which.
    let failures: [String: String]

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    var table: String {
        let header = ["row", "value", "unit", "target", "met", "ratio", "spread"]
        var rows: [[String]] = []
        for one in measurements {
            rows.append([
                one.name, one.value.figure, one.unit, one.target, one.met.map { $0 ? "yes" : "NO" } ?? "",
                one.ratio.map { String(format: "%.2f of ", $0) + (one.ratioTo ?? "") } ?? "",
                one.spread.map { String(format: "%.0f %%", $0) } ?? "",
            ])
        }
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        var lines = all.map { row in
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
                .trimmingTrailingSpaces
        }
        lines.insert(widths.map { String(repeating: "-", count: $0) }.joined(separator: "  "), at: 1)
        for one in measurements where !one.notes.isEmpty {
            lines.append("\(one.name): \(one.notes.joined(separator: "; "))")
        }
        for (name, reason) in failures.sorted(by: { $0.key < $1.key }) { lines.append("\(name) FAILED: \(reason)") }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

/// Lines that say how far the benchmark is; on stderr, so that stdout has the results alone.
enum Note {
    private static let start = Moment.now

    static func line(_ text: String) {
        let since = start  // made with the first line, before that line's own moment
        let seconds = Double(Moment.now - since) / 1e9
        FileHandle.standardError.write(Data(String(format: "%7.1f s  %@\n", seconds, text).utf8))
    }
}
