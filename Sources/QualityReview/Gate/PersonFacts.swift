public import PlimsollModel

/// What the gate must know of a person, as read under the person's lock (P2, P7, P8).
public struct PersonFacts: Sendable {
    /// The person's IANA time zone. One that is unknown counts as a doubt: where a limit needs it, no lease.
    public var zone: String
    /// The zone before the last change, while the stricter of both holds; nil: none.
    public var formerZone: FormerZone?
    /// Projects with an enrolment that has its selection record.
    public var enrolled: Set<ProjectID>
    /// Whether the person, or the serial in use, is on the deny-list.
    public var denied: Bool
    /// The state for each purpose, in any order; a purpose without an entry was never asked.
    public var agreements: [Agreement]
    /// Leases open now; parked ones are not.
    public var openLeases: [OpenLease]
    /// The latest local date on which labels were accepted, and how many; nil: none ever.
    public var labelsByDay: DayCount?
    /// Leased time that is over.
    public var worked = WorkHistory()
    /// Hours a week that the person says they work elsewhere; for the law's mean alone.
    public var declaredWeek = Duration.zero

    public init(
        zone: String, enrolled: Set<ProjectID> = [], denied: Bool = false, agreements: [Agreement] = [],
        openLeases: [OpenLease] = [], labelsByDay: DayCount? = nil
    ) {
        self.zone = zone
        self.enrolled = enrolled
        self.denied = denied
        self.agreements = agreements
        self.openLeases = openLeases
        self.labelsByDay = labelsByDay
    }
}

/// A zone that a person has left, and until when it counts beside the new one.
public struct FormerZone: Sendable, Hashable {
    public var name: String
    public var until: Moment

    /// How long after the change.
    public static let kept = Zone.formerKept

    public init(name: String, until: Moment) {
        self.name = name
        self.until = until
    }
}

/// A lease that a person holds now.
public struct OpenLease: Sendable, Hashable {
    public var granted: Moment
    public var deadline: Moment
    public var kind: String
    /// 0...3.
    public var severity: Int
    public var project: ProjectID

    public init(granted: Moment, deadline: Moment, kind: String, severity: Int, project: ProjectID) {
        self.granted = granted
        self.deadline = deadline
        self.kind = kind
        self.severity = severity
        self.project = project
    }
}

/// How many labels of a person were accepted on one local date of theirs.
public struct DayCount: Sendable, Hashable {
    public var day: LocalDay
    public var count: Int

    public init(day: LocalDay, count: Int) {
        self.day = day
        self.count = count
    }
}
