public import PlimsollModel

/// A lease that was granted: what its holder was asked for, and how long it was open.
public struct PastGrant: Sendable, Hashable {
    public var granted: Moment
    /// Its end; of one that is still open, its deadline.
    public var ended: Moment
    /// Whether it ended with a label.
    public var labelled: Bool
    public var lane: LaneAsk

    public init(granted: Moment, ended: Moment, labelled: Bool, lane: LaneAsk) {
        self.granted = granted
        self.ended = ended
        self.labelled = labelled
        self.lane = lane
    }
}

/// Leased time that is over; an empty kind: it is known no more.
public struct PastWork: Sendable, Hashable {
    public var interval: WorkInterval
    public var kind: String
    public var severity: Int

    public init(interval: WorkInterval, kind: String, severity: Int) {
        self.interval = interval
        self.kind = kind
        self.severity = severity
    }
}

/// What is known of one person's last four weeks, so that a policy can be asked what it would have done to them.
public struct PersonPast: Sendable {
    /// What is asked of no earlier time than now: zone, enrolments, denial, hours elsewhere, totals of days long ago,
    /// and the day's labels as of the hour looked at. Agreements, open leases and intervals of work are not in here.
    public let standing: PersonFacts
    /// Every state of each purpose that there was, in the order in which they were recorded.
    public let consents: [Agreement]
    /// By the instant of the grant.
    public let grants: [PastGrant]
    /// By its start.
    public let worked: [PastWork]

    public init(standing: PersonFacts, consents: [Agreement], grants: [PastGrant], worked: [PastWork]) {
        self.standing = standing
        self.consents = consents
        self.grants = grants.sorted { $0.granted < $1.granted }
        self.worked = worked.sorted { $0.interval.start < $1.interval.start }
    }

    /// Leased time before an instant; what reaches over it is cut there.
    func history(before moment: Moment) -> WorkHistory {
        var history = WorkHistory()
        history.totals = standing.worked.totals
        for work in worked where work.interval.start < moment {
            let part = WorkInterval(start: work.interval.start, end: min(work.interval.end, moment))
            history.add(part, kind: work.kind, severity: work.severity)
        }
        return history
    }

    /// The latest state of each purpose that was recorded by then.
    func agreements(at moment: Moment) -> [Agreement] {
        var latest: [PurposeName: Agreement] = [:]
        for agreement in consents where agreement.from <= moment { latest[agreement.purpose] = agreement }
        return Array(latest.values)
    }

    /// The person as they stood at an instant, without work, leases or agreements.
    func standing(at moment: Moment) -> PersonFacts {
        guard let former = standing.formerZone, moment < former.until - FormerZone.kept else { return standing }
        var facts = standing
        facts.zone = former.name
        facts.formerZone = nil
        return facts
    }

    /// Everything that the gate would have known at an instant.
    func facts(at moment: Moment) -> PersonFacts {
        var facts = standing(at: moment)
        facts.agreements = agreements(at: moment)
        facts.worked = history(before: moment)
        facts.openLeases = grants.filter { $0.granted <= moment && $0.ended > moment }.map(\.open)
        return facts
    }
}

extension PastGrant {
    var open: OpenLease { open(until: ended) }

    func open(until end: Moment) -> OpenLease {
        OpenLease(granted: granted, deadline: end, kind: lane.kind, severity: lane.severity, project: lane.project)
    }
}

/// A person's limits under one document, with everything that team, projects, the person and a raise say.
public struct PlanLine: Sendable, Hashable {
    /// In a project without limits of its own.
    public var base: WorkloadLimits
    public var projects: [ProjectID: WorkloadLimits]

    public init(base: WorkloadLimits, projects: [ProjectID: WorkloadLimits] = [:]) {
        self.base = base
        self.projects = projects
    }

    func limits(in project: ProjectID) -> WorkloadLimits { projects[project] ?? base }
}
