/// An instant of the database's clock (P8): microseconds since 1970-01-01T00:00:00Z, as PostgreSQL keeps time.
///
/// It is a type of its own so that an instant of the local machine cannot slip into a decision by mistake.
public struct Moment: Hashable, Sendable, Comparable, Codable {
    /// Microseconds since the Unix epoch.
    public let microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }
    public init(seconds: Int64) { self.microseconds = seconds * 1_000_000 }

    /// Later than every real instant; stands for "no end".
    public static let distantFuture = Moment(microseconds: .max)
    public static let distantPast = Moment(microseconds: .min)

    public static func < (left: Moment, right: Moment) -> Bool { left.microseconds < right.microseconds }

    /// Whole seconds since the Unix epoch, rounded down.
    public var seconds: Int64 { Int64((Double(microseconds) / 1_000_000).rounded(.down)) }

    public static func + (moment: Moment, duration: Duration) -> Moment {
        let (sum, overflow) = moment.microseconds.addingReportingOverflow(duration.microseconds)
        return Moment(microseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    public static func - (moment: Moment, duration: Duration) -> Moment { moment + (.zero - duration) }

    /// The time from `earlier` to `later`; negative when they are the other way round.
    public static func - (later: Moment, earlier: Moment) -> Duration {
        .microseconds(later.microseconds.subtractingReportingOverflow(earlier.microseconds).partialValue)
    }
}

extension Duration {
    /// Whole microseconds, rounded toward zero.
    public var microseconds: Int64 {
        let parts = components
        return parts.seconds &* 1_000_000 &+ parts.attoseconds / 1_000_000_000_000
    }

    /// Whole milliseconds, rounded toward zero.
    public var milliseconds: Int64 { microseconds / 1_000 }
}
