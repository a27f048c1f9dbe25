public import PlimsollModel

/// What a policy would do, beside what the one in force does: figures about many people, and never about few.
public struct PolicyPlan: Sendable, Hashable {
    /// The same figure under both.
    public struct Pair: Sendable, Hashable {
        public let inForce: ShownFigure
        public let proposed: ShownFigure
    }

    /// What could be leased at one instant.
    public struct Capacity: Sendable, Hashable {
        /// Nil: all projects together.
        public let project: ProjectID?
        /// People enrolled.
        public let people: ShownFigure
        /// Those of them who could be leased something.
        public let mayBeLeased: Pair
        /// Hours that could still be leased on the local date and in the ISO week of each, if all worked whenever they
        /// may.
        public let hoursToday: Pair
        public let hoursThisWeek: Pair
    }

    /// What a rule would have refused.
    public struct Refused: Sendable, Hashable {
        public let rule: Rule
        public let figure: Pair
    }

    /// All together first, then each project.
    public let capacity: [Capacity]
    /// Leases granted in the days replayed.
    public let leases: ShownFigure
    /// Of them refused, by rule, in the order of rules; rules that are shown under neither policy are left out.
    public let refused: [Refused]
    /// The sum of the figures that are shown.
    public let refusedInAll: Pair
    /// Hours leased in the weeks replayed.
    public let hours: ShownFigure
    /// Of them beyond a limit on time.
    public let beyond: [Refused]
    public let beyondInAll: Pair
}

/// What one figure of a plan is about.
enum PlanCell: Sendable, Hashable {
    /// Of a project; nil: of all together.
    case enrolled(ProjectID?)
    case mayBeLeased(ProjectID?)
    /// Seconds.
    case today(ProjectID?)
    case thisWeek(ProjectID?)
    case leases
    case refused(Rule)
    /// Seconds.
    case hours
    case beyond(Rule)
}
