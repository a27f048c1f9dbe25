import Ledger
import PlimsollModel
import QualityReview

/// An open lease as this coordinator knows it.
struct HeldLease: Sendable {
    var stored: StoredLease
    /// nil: granted by another life or coordinator; its slot is then read anew when it comes back.
    var content: TaskContent?
    /// Its worker was told that a limit parks it at its deadline. Not known of another life's or coordinator's.
    var parks = false
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
    /// The zone that counts beside it for some days, where it is known.
    let formerZone: Zone?
    let line: PersonLine
    var isEngineer: Bool
    var facts: PersonFacts
    var held: [Fence: HeldLease] = [:]
    var parked: [Fence: StoredParked] = [:]
    /// How provenances name each agreement.
    let agreementReferences: [PurposeName: String]
    /// What a grant stands on, as far as one was asked for: the agreements are those of project and severity.
    var provenances: [ProvenanceScope: ProvenanceID] = [:]

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
        // As above: where it is in no table the gate refuses.
        formerZone = stored.formerZone.flatMap { try? Zone.named($0.name) }
        isEngineer = stored.isEngineer
        var references: [PurposeName: String] = [:]
        for agreement in stored.agreements { references[agreement.purpose] = agreement.reference }
        agreementReferences = references
        facts = PersonFacts(person: stored) { lanes($0)?.leased }
        for lease in stored.leases { held[lease.fence] = HeldLease(stored: lease, content: nil) }
        for lease in stored.parked { parked[lease.fence] = lease }
    }

    /// Brings the gate's list in line with what is held.
    mutating func refreshOpenLeases(lanes: (LaneID) -> StoredLane?) {
        facts.openLeases.removeAll(keepingCapacity: true)
        for lease in held.values {
            facts.openLeases.append(OpenLease(lease.stored, in: lanes(lease.stored.lane)?.leased))
        }
    }

    /// The local date at an instant; without a known zone, the date in UTC.
    func localDay(at moment: Moment) -> LocalDay {
        zone?.day(at: moment) ?? LocalDay(Int32(clamping: moment.seconds / 86_400))
    }

    /// The date that an answer of this instant carries: the person's local one, never before the day's count.
    var labelDay: LocalDay { max(day, localDay(at: at)) }

    /// Moves the day's count on to `moment`'s date. While a former zone counts too, a date begins when it has begun in
    /// both: going east is no new day for what was counted already.
    mutating func roll(to moment: Moment) {
        at = max(at, moment)
        var today = localDay(at: at)
        if let formerZone, let former = facts.formerZone, at < former.until {
            today = min(today, formerZone.day(at: at))
        }
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
