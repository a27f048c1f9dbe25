public import PlimsollModel

/// What one plan of a policy looks at, fixed when it was put on the record.
public struct PlanFrame: Sendable {
    /// The version in force.
    public let inForce: PolicyRow
    /// The last full hour of the database's clock.
    public let now: Moment
    /// The last midnight, UTC.
    public let midnight: Moment
    /// Every document that was planned or in force at a plan since that midnight, written out in full, in the order in
    /// which they came first.
    public let documents: [PolicyDocument]
    /// Which of them is in force, and which is the proposed one.
    public let inForcePlace: Int
    public let proposedPlace: Int
    /// How many more can be planned before the next midnight.
    public let plansLeft: Int
    /// Those that are not closed, by name.
    public let projects: [StoredProject]
    /// All, closed ones included.
    public let lanes: [LaneID: PlannedLane]
    /// Purposes of closed projects too, of which there may be leases in the days replayed.
    public let closed: [ProjectID: StoredProject]
    /// Only this project.
    public let only: ProjectID?
    /// Whose past is looked at.
    public let people: [PersonID]

    /// What the tasks of a lane are.
    public struct PlannedLane: Sendable, Hashable {
        public let project: ProjectID
        public let kind: String
        public let severity: Int
    }
}

/// One person's last four weeks as the ledger keeps them. No name.
public struct StoredPast: Sendable {
    public let person: PersonID
    public let zone: String
    public let formerZone: (name: String, changedAt: Moment)?
    public let declaredWeek: Duration
    /// Has the role, and is not denied.
    public let mayWork: Bool
    public let enrolled: Set<ProjectID>
    public internal(set) var layers: PersonLimitLayers
    /// Every consent event, in the order of their numbers.
    public internal(set) var consents: [StoredAgreement] = []
    public internal(set) var grants: [Grant] = []
    /// Leased time that is over, of which kind (empty: not known any more) and severity.
    public internal(set) var worked: [(interval: WorkInterval, kind: String, severity: Int)] = []
    public internal(set) var totals: [DayTotal] = []
    /// Labels of the local date that was the latest at the frame's hour.
    public internal(set) var labels: (day: LocalDay, count: Int)?

    /// A stretch that a lease was open; one that came back from being parked is another.
    public struct Grant: Sendable, Hashable {
        public let granted: Moment
        /// Of an open lease, its deadline.
        public let ended: Moment
        public let labelled: Bool
        public let lane: LaneID
        public let effortSeconds: Int
    }
}
