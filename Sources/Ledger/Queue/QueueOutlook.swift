public import PlimsollModel

/// What the gate says of a project's queue. The ledger asks no gate itself: whoever may, answers.
public protocol QueueOutlook: Sendable {
    /// How many of those enrolled others see as available, counted no further than `most` (P9).
    func available(in project: ProjectID, upTo most: Int) async throws -> Int
    /// What waits and is leased to nobody, whoever it is.
    func tooLong(in project: ProjectID) async throws -> [TooLong]
}

/// Tasks that take longer than anybody is ever leased at once.
public struct TooLong: Sendable, Hashable {
    /// Empty: of any kind.
    public let kind: String
    public let severity: Int
    /// The longest estimate that waits; nil: not known, but no longer than `LaneStanding.longFrom`.
    public let effort: Duration?
    /// The longest that is leased to anybody; zero: none at all is.
    public let longest: Duration
    /// The limit that says so, as the policy names it.
    public let limit: String

    public init(kind: String, severity: Int, effort: Duration?, longest: Duration, limit: String) {
        self.kind = kind
        self.severity = severity
        self.effort = effort
        self.longest = longest
        self.limit = limit
    }

    /// Which tasks, and that nobody is leased them; without a full stop.
    public var sentence: String {
        let what = kind.isEmpty ? "tasks" : "tasks of kind \(kind) and severity \(severity)"
        guard longest > .zero else { return "\(what) are leased to nobody under this policy (\(limit))" }
        guard let effort else {
            return "\(what) that take longer than \(DurationText.readable(longest)) are leased to nobody (\(limit))"
        }
        return "\(what) with an estimate of \(DurationText.readable(effort)) are leased to nobody: "
            + "the longest that fits is \(DurationText.readable(longest)) (\(limit))"
    }

    /// What to do about tasks that are there already.
    public static let remedy =
        "cancel them and import smaller ones or another estimate (plimsoll task cancel, task import), or apply a "
        + "policy that allows them (plimsoll policy show)"
}
