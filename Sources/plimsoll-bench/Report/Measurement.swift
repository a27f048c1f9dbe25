import Foundation

/// One line of the benchmark's table.
struct Measurement: Sendable, Encodable {
    let name: String
    /// The median of `runs`.
    let value: Double
    let unit: String
    /// What design and README promise, in words; empty where nothing is promised.
    var target: String
    /// Whether the target is met; nil where it cannot be said.
    var met: Bool?
    /// `value` in relation to `ratioTo`, measured in the same call.
    var ratio: Double?
    var ratioTo: String?
    /// Every run, in order.
    let runs: [Double]
    /// Conditions and by-figures.
    var notes: [String]

    init(
        _ name: String, _ runs: [Double], unit: String, target: String = "", met: Bool? = nil, ratio: Double? = nil,
        ratioTo: String? = nil, notes: [String] = []
    ) {
        self.name = name
        self.runs = runs
        self.unit = unit
        self.target = target
        self.met = met
        self.ratio = ratio
        self.ratioTo = ratioTo
        self.notes = notes
        value = runs.median
    }

    /// How far the runs lie apart: largest minus smallest, in percent of the median. Nil for a single run.
    var spread: Double? {
        guard runs.count > 1, value != 0, let low = runs.min(), let high = runs.max() else { return nil }
        return (high - low) / value * 100
    }
}

extension [Double] {
    /// The middle value; the mean of the two in the middle of an even number; 0 of none.
    var median: Double {
        guard !isEmpty else { return 0 }
        let sorted = self.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

extension Double {
    /// For people: thousands apart above 100, three figures below.
    var figure: String {
        if self == rounded(), abs(self) < 100 { return String(Int(self)) }
        guard abs(self) >= 100 else { return String(format: abs(self) < 10 ? "%.2f" : "%.1f", self) }
        var digits = String(Int(abs(self).rounded()))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: index))
            index -= 3
        }
        return (self < 0 ? "-" : "") + digits
    }
}
