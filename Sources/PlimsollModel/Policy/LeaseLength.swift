/// How long a lease lasts when no limit is nearer.
public enum LeaseLength {
    /// A lease lasts this many times the effort estimate,
    public static let effortFactor = 3
    /// but at least this long,
    public static let shortest = Duration.minutes(2)
    /// and at most this long.
    public static let longest = Duration.minutes(50)

    /// The length for an effort estimate in seconds; an estimate below zero counts as zero.
    public static func of(effortSeconds: Int) -> Duration {
        let longestSeconds = Int(longest.components.seconds)
        // Cut before multiplying, so that no estimate can overflow.
        let effort = max(0, min(effortSeconds, longestSeconds))
        return min(longest, max(shortest, .seconds(effort * effortFactor)))
    }
}

extension LeaseLength {
    /// Of its lifetime a lease that is parked has at least so much left: with less its coming back would be of no use.
    public static let leastParked = Duration.seconds(30)

    /// Whether a lease with this lifetime may be parked at `moment`. `since`: when it was first granted, parked time left
    /// out.
    public static func mayPark(at moment: Moment, since: Moment, lifetime: Duration?) -> Bool {
        lifetime.map { since + $0 - moment >= leastParked } ?? true
    }

    /// How `limit-too-near` names this length.
    public static let scope = "lease-length"
}
