/// What an engineer sets for themselves: lower limits, in force at once, and their own quiet hours, which nobody else
/// opens.
public struct PersonalLimits: Sendable, Hashable {
    /// What the engineer says of quiet hours.
    public enum OwnQuietHours: Sendable, Hashable {
        /// Those of policy, team and project stand.
        case asTheyAre
        /// These instead of all others; nil: none at all.
        case own(QuietHours?)
    }

    /// Tightens only; its quiet hours are always nil.
    public var limits: WorkloadLimits
    public var quietHours: OwnQuietHours

    public init(limits: WorkloadLimits = WorkloadLimits(), quietHours: OwnQuietHours = .asTheyAre) {
        self.limits = limits
        self.limits.quietHours = nil
        self.quietHours = quietHours
    }

    /// Reads a layer as `PolicyDocument.layer(yaml:)` does, where besides `quiet-hours: none` opens them all. Throws
    /// `ModelError` with `badPolicy`, line and column.
    public init(yaml text: String) throws(ModelError) {
        var limits = WorkloadLimits()
        var reader = try PolicyReader(text)
        let named = reader.fill(&limits, PolicyField<WorkloadLimits>.limits, from: reader.top, of: "limits") {
            $0.key == PolicyDocument.quietHoursKey
        }
        try reader.finish()
        let ownsQuietHours = named.contains(PolicyDocument.quietHoursKey)
        self.init(limits: limits, quietHours: ownsQuietHours ? .own(limits.quietHours) : .asTheyAre)
    }
}
