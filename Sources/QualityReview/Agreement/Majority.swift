/// Majority vote over the answers to one task.
public enum Majority {
    /// What to do when several answers share the most votes.
    public enum TieRule<Answer: Hashable & Sendable>: Sendable {
        /// The tied answer that stands first in this list wins; one that is not in it loses to all that are. When none
        /// of the tied is in the list, the tie stays undecided.
        case prefer([Answer])
        /// A tie is reported, not broken.
        case undecided
    }

    /// How a vote ended.
    public struct Outcome<Answer: Hashable & Sendable>: Sendable, Hashable {
        /// The winner; nil without votes, or for a tie that the rule leaves undecided.
        public let answer: Answer?
        /// Votes of the leading answer, or of each tied one.
        public let votes: Int
        /// All votes.
        public let total: Int
        /// Whether several answers led, also when the rule then chose one.
        public let isTie: Bool
    }

    /// Counts one vote for each answer given. Costs one pass over them.
    public static func decide<Answer: Hashable & Sendable>(
        _ answers: some Sequence<Answer>, ties: TieRule<Answer>
    ) -> Outcome<Answer> {
        var counts: [Answer: Int] = [:]
        var total = 0
        for answer in answers {
            counts[answer, default: 0] += 1
            total += 1
        }
        let most = counts.values.max() ?? 0
        let leaders = Set(counts.lazy.filter { $0.value == most }.map(\.key))
        let winner: Answer? =
            if leaders.count == 1 {
                leaders.first
            } else if case .prefer(let order) = ties {
                order.first(where: leaders.contains)
            } else {
                nil
            }
        return Outcome(answer: winner, votes: most, total: total, isTie: leaders.count > 1)
    }
}
