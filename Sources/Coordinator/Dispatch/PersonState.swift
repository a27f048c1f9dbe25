import Ledger
import PlimsollModel
import QualityReview

/// An open lease as this coordinator knows it.
struct HeldLease: Sendable {
    var stored: StoredLease
    /// nil: granted by another life or coordinator; its slot is then read anew when it comes back.
    var content: TaskContent?
}

/// A person's folded state up to number `n`: what the gate needs, cached between flushes.
///
/// It is used only while the database's latest number for the person is `n` and the epoch is the one it was read
/// under; both are looked at under the person's lock in every flush.
struct PersonState: Sendable {
    let person: PersonID
    var n: Int64
    var epoch: Int64
    /// The last decision's instant: the clock never goes back for a person (P8).
    var at: Moment
    var day: LocalDay
    var dayLabels: Int
    let zone: Zone?
    let line: PersonLine
    var isEngineer: Bool
    var facts: PersonFacts
    var held: [Fence: HeldLease] = [:]
    var parked: [Fence: StoredParked] = [:]
    /// How provenances name each agreement.
    let agreementReferences: [PurposeName: String]
    var provenances: [ProjectID: ProvenanceID] = [:]

    /// Folds what was read. A role that is not granted denies like a denial.
    init(_ stored: StoredPerson, epoch: Int64, under document: PolicyDocument, lanes: (LaneID) -> StoredLane?) {
        person = stored.person
        line = PersonLine(stored.layers, under: document)
        self.epoch = epoch
        n = stored.head?.n ?? 0
        at = stored.head?.at ?? .distantPast
        day = stored.head?.day ?? LocalDay(Int32.min)
        dayLabels = stored.head?.dayLabels ?? 0
        do {
            zone = try Zone.named(stored.zone)
        } catch {
            // P2: a zone that cannot be found is a doubt; the gate refuses what needs it.
            zone = nil
        }
        isEngineer = stored.isEngineer
        var references: [PurposeName: String] = [:]
        for agreement in stored.agreements { references[agreement.purpose] = agreement.reference }
        agreementReferences = references
        facts = PersonFacts(
            zone: stored.zone, enrolled: stored.enrolled, denied: stored.denied || !stored.isEngineer,
            agreements: stored.agreements.map {
                Agreement(
                    purpose: $0.purpose, noticeID: $0.notice, noticeVersion: $0.noticeVersion, state: $0.state,
                    from: $0.from, until: $0.until)
            })
        facts.worked = stored.worked
        facts.declaredWeek = stored.declaredWeek
        facts.formerZone = stored.formerZone.map { FormerZone(name: $0.name, until: $0.changedAt + FormerZone.kept) }
        for lease in stored.leases { held[lease.fence] = HeldLease(stored: lease, content: nil) }
        for lease in stored.parked { parked[lease.fence] = lease }
        if stored.head != nil { facts.labelsByDay = DayCount(day: day, count: dayLabels) }
        refreshOpenLeases(lanes: lanes)
    }

    /// Brings the gate's list in line with what is held.
    mutating func refreshOpenLeases(lanes: (LaneID) -> StoredLane?) {
        facts.openLeases.removeAll(keepingCapacity: true)
        for lease in held.values { facts.openLeases.append(Self.open(lease.stored, lane: lanes(lease.stored.lane))) }
    }

    static func open(_ lease: StoredLease, lane: StoredLane?) -> OpenLease {
        OpenLease(
            granted: lease.grantedAt, deadline: lease.deadline, kind: lane?.kind ?? "", severity: lane?.severity ?? 0,
            project: lease.project)
    }

    /// The local date at an instant; without a known zone, the date in UTC.
    func localDay(at moment: Moment) -> LocalDay {
        zone?.day(at: moment) ?? LocalDay(Int32(clamping: moment.seconds / 86_400))
    }

    /// Moves the day's count on to `moment`'s date.
    mutating func roll(to moment: Moment) {
        at = max(at, moment)
        let today = localDay(at: at)
        if today > day {
            day = today
            dayLabels = 0
            facts.worked.forgetDetails(at: at)
        }
    }

    mutating func countLabel() {
        dayLabels += 1
        facts.labelsByDay = DayCount(day: day, count: dayLabels)
    }
}
