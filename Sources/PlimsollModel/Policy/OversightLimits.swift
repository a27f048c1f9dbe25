/// Limits of a deployment that are about groups and tasks, not about one person's load. Nil always means no limit.
public struct OversightLimits: Sendable, Hashable {
    /// Engineers of one supervisor above which `doctor` and the enrolment warn.
    public var spanWarn: Int?
    /// Engineers of one supervisor above which nobody more is enrolled. There always is one.
    public var spanMax: Int
    /// The smallest group about which figures on operations are shown (k).
    public var groupOperations: Int
    /// The smallest group about which figures on agreements and wellbeing are shown (k).
    public var groupWellbeing: Int
    /// Expiries and lost streams since a task's last label, from at least two people, after which it is quarantined.
    public var redelivery: Int?

    /// How many percent of a project's engineers pull the cord before it stops; never fewer than `groupOperations`.
    public var cordShare: Int

    public init(
        spanWarn: Int?, spanMax: Int, groupOperations: Int, groupWellbeing: Int, redelivery: Int?, cordShare: Int = 10
    ) {
        self.spanWarn = spanWarn
        self.spanMax = spanMax
        self.groupOperations = groupOperations
        self.groupWellbeing = groupWellbeing
        self.redelivery = redelivery
        self.cordShare = cordShare
    }

    public static let defaults = OversightLimits(
        spanWarn: 12, spanMax: 20, groupOperations: 5, groupWellbeing: 10, redelivery: 5)
}
