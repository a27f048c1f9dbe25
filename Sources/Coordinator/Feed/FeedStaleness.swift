import Ledger
import PlimsollModel

/// What the feeder has to read anew. Wake-ups name what changed, so that one lane's news does not cost a look at all.
struct FeedStaleness {
    /// The epoch, withdrawals, what is past its time.
    var isNewsDue = false
    /// Of every lane, or of these alone, what came to it.
    var areAllLanesDue = false
    var lanes: Set<LaneID> = []

    static let everything = FeedStaleness(isNewsDue: true, areAllLanesDue: true)

    var isEmpty: Bool { !isNewsDue && choice == nil }

    var choice: LaneChoice? {
        if areAllLanesDue { return .all }
        return lanes.isEmpty ? nil : .named(lanes)
    }

    mutating func formUnion(_ other: FeedStaleness) {
        isNewsDue = isNewsDue || other.isNewsDue
        areAllLanesDue = areAllLanesDue || other.areAllLanesDue
        lanes.formUnion(other.lanes)
    }
}
