/// How far a clock is from the database's, as far as that can be told: the database's was read at some instant between
/// two looks at the other. For people; nothing is decided by it (P8).
public struct ClockDifference: Sendable, Hashable {
    /// By how much the other clock is surely ahead of the database's; negative: behind; zero: within the two looks.
    public let ahead: Duration
    /// How long lay between the two looks.
    public let uncertainty: Duration

    /// Above this it is worth a word: certificates and the times that people see go by the machine's clock.
    public static let largest = Duration.seconds(2)
    public static let remedy = "set this machine's clock, by NTP for example; leases go by the database's"

    public init(of database: Moment, between before: Moment, and after: Moment) {
        ahead = database < before ? before - database : database > after ? after - database : .zero
        uncertainty = max(.zero, after - before)
    }

    public var isLarge: Bool { ahead > Self.largest || ahead < .zero - Self.largest }

    public var sentence: String {
        if ahead == .zero { return "within \(Self.text(uncertainty)) of the database's" }
        return ahead > .zero
            ? "\(Self.text(ahead)) ahead of the database's" : "\(Self.text(.zero - ahead)) behind the database's"
    }

    private static func text(_ duration: Duration) -> String {
        duration < .seconds(10) ? "\(max(1, duration.milliseconds)) ms" : DurationText.readable(duration)
    }
}
