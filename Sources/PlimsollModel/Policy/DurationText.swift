/// Durations as policies and screens write them: a whole number and one of d, h, m, s ("4h", "50m", "90s", "1d").
public enum DurationText {
    /// The longest duration that can be written, so that no sum of limits overflows.
    public static let longest = Duration.hours(24 * 3_650)

    /// Reads such a text; nil for anything else, and beyond `longest`. Zero may be written without a unit.
    public static func parse(_ text: some StringProtocol) -> Duration? {
        if text == "0" { return .zero }
        let bytes = Array(text.utf8)
        guard let unit = bytes.last, let factor = seconds(in: unit) else { return nil }
        let digits = bytes.dropLast()
        guard (1...digitsMax).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }),
            digits.count == 1 || digits.first != 48
        else { return nil }
        let count = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        let duration = Duration.seconds(count * factor)
        return duration <= longest ? duration : nil
    }

    /// The shortest exact text in one unit that is not days ("90s", "50m", "4h"); parts of a second are dropped.
    public static func format(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        if seconds == 0 { return "0s" }
        if seconds % 3_600 == 0 { return "\(seconds / 3_600)h" }
        if seconds % 60 == 0 { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }

    /// For people: rounded to whole seconds below two minutes, else to whole minutes, rounding down.
    public static func readable(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        if seconds < 120 { return "\(seconds)s" }
        let minutes = seconds / 60
        if minutes < 120 { return "\(minutes)m" }
        return minutes % 60 == 0 ? "\(minutes / 60)h" : "\(minutes / 60)h \(minutes % 60)m"
    }

    /// Enough for `longest` in seconds, too few to overflow.
    private static let digitsMax = 10

    private static func seconds(in unit: UInt8) -> Int? {
        switch unit {
        case UInt8(ascii: "s"): 1
        case UInt8(ascii: "m"): 60
        case UInt8(ascii: "h"): 3_600
        case UInt8(ascii: "d"): 86_400
        default: nil
        }
    }
}
