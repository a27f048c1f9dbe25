public import Ledger
public import PlimsollModel
public import QualityReview

extension PersonFacts {
    /// Folds what was read of a person, for whoever asks the gate: dispatchers and what people see of themselves alike.
    /// A role that is not granted denies like a denial. `lanes` says what an open lease is about; a lane that is not
    /// known counts for no kind.
    public init(person: StoredPerson, lanes: (LaneID) -> LeasedLane?) {
        self.init(
            zone: person.zone, enrolled: person.enrolled, denied: person.denied || !person.isEngineer,
            agreements: person.agreements.map { Agreement($0) },
            openLeases: person.leases.map { OpenLease($0, in: lanes($0.lane)) },
            labelsByDay: person.head.map { DayCount(day: $0.day, count: $0.dayLabels) })
        worked = person.worked
        declaredWeek = person.declaredWeek
        formerZone = person.formerZone.map { FormerZone(name: $0.name, changedAt: $0.changedAt) }
    }
}

extension OpenLease {
    init(_ lease: StoredLease, in lane: LeasedLane?) {
        self.init(
            granted: lease.grantedAt, deadline: lease.deadline, kind: lane?.kind ?? "", severity: lane?.severity ?? 0,
            project: lease.project)
    }
}

extension Agreement {
    public init(_ stored: StoredAgreement) {
        self.init(
            purpose: stored.purpose, noticeID: stored.notice, noticeVersion: stored.noticeVersion, state: stored.state,
            from: stored.from, until: stored.until, endsAs: stored.endsAs)
    }
}

extension FormerZone {
    public init(name: String, changedAt: Moment) { self.init(name: name, until: changedAt + Self.kept) }
}

extension LaneAsk {
    /// What a project asks of somebody who takes a task of this kind and severity.
    public init(_ project: StoredProject, kind: String, severity: Int, effortSeconds: Int) {
        self.init(
            project: project.id, kind: kind, severity: severity, effortSeconds: max(effortSeconds, 0),
            purposes: project.purposes, paused: project.state != "open", withoutNotice: project.withoutNotice)
    }

    /// What a project asks in these lanes, at its usual estimate; where it has none, what it would ask.
    public static func usual(_ project: StoredProject, in lanes: Set<LeasedLane>) -> [LaneAsk] {
        let lanes = lanes.isEmpty ? [LeasedLane(kind: "", severity: 0)] : lanes
        return lanes.sorted { ($0.kind, $0.severity) < ($1.kind, $1.severity) }.map {
            LaneAsk(project, kind: $0.kind, severity: $0.severity, effortSeconds: project.effortSeconds)
        }
    }
}
