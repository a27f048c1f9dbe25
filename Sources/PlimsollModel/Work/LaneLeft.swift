/// What a lane holds for one person.
public enum LaneLeft: Sendable, Hashable {
    /// A task that this person may be given, with its effort estimate.
    case ready(effortSeconds: Int)
    /// Every task that is left to this person is leased to others, or parked by them.
    case inOtherHands
    case nothing
    /// Nothing was found in as many steps as are looked.
    case unknown
}
