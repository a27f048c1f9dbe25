/// The part of the local day in which no work is handed out, unless the engineer opens it.
public struct QuietHours: Sendable, Hashable, Codable {
    /// Minutes after local midnight at which quiet begins, 0...1439.
    public let start: Int
    /// Minutes after local midnight at which quiet ends, 0...1439; before `start` it means the next morning.
    public let end: Int

    public static let minutesADay = 24 * 60

    /// Nil when a bound is outside 0...1439 or both are equal, which could mean all day or never.
    public init?(start: Int, end: Int) {
        guard (0..<Self.minutesADay).contains(start), (0..<Self.minutesADay).contains(end), start != end else {
            return nil
        }
        self.start = start
        self.end = end
    }

    /// The bounds of one that is known to be right.
    private init(from start: Int, to end: Int) {
        self.start = start
        self.end = end
    }

    /// Reads "20:00-08:00"; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let start = Self.minutes(bounds[0]), let end = Self.minutes(bounds[1]) else {
            return nil
        }
        self.init(start: start, end: end)
    }

    /// The hours that are not quiet.
    public var others: QuietHours { QuietHours(from: end, to: start) }

    /// How many minutes of a 24-hour day are quiet.
    public var length: Int { start < end ? end - start : end + Self.minutesADay - start }

    /// Whether the minute of the day (0...1439, local wall clock) is quiet.
    public func contains(minute: Int) -> Bool {
        start < end ? (start..<end).contains(minute) : minute >= start || minute < end
    }

    private static func minutes(_ text: some StringProtocol) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return nil }
        let digits = [bytes[0], bytes[1], bytes[3], bytes[4]].map { Int($0) - 48 }
        guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        let hour = digits[0] * 10 + digits[1]
        let minute = digits[2] * 10 + digits[3]
        return hour < 24 && minute < 60 ? hour * 60 + minute : nil
    }
}

extension QuietHours: CustomStringConvertible {
    public var description: String {
        func clock(_ minutes: Int) -> String {
            let hour = minutes / 60
            let minute = minutes % 60
            return (hour < 10 ? "0" : "") + "\(hour):" + (minute < 10 ? "0" : "") + "\(minute)"
        }
        return clock(start) + "-" + clock(end)
    }
}
