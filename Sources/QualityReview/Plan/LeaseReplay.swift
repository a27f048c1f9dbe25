import PlimsollModel

/// One person's leases of some days asked of the gate once more, each at the instant of its grant, under other limits.
///
/// What is refused here was never worked here: it counts neither as leased time, nor as an open lease, nor as a label
/// of its day, for what comes after it. So one break refuses what fell into it and not the day that followed. A lease
/// that would have reached a limit while it was open counts up to there, where the coordinator would have parked it.
struct LeaseReplay {
    private let past: PersonPast
    private let line: PlanLine
    private var facts: PersonFacts
    private var open: [(lease: OpenLease, labelled: Bool)] = []
    private var labels: DayCount?
    private var consentsSeen = -1

    /// Leases refused in `window`, by rule; with `project`, those of that project alone, while all count as work.
    static func refusals(
        of past: PersonPast, under line: PlanLine, in window: Range<Moment>, project: ProjectID?,
        before history: WorkHistory
    ) -> [Rule: Int64] {
        var replay = LeaseReplay(past, line, history)
        var refused: [Rule: Int64] = [:]
        for grant in past.grants where grant.ended > window.lowerBound && grant.granted < window.upperBound {
            guard grant.granted >= window.lowerBound else {
                // Open when the replay begins; what of it lies before is in the history.
                replay.goOn(with: grant, from: window.lowerBound)
                continue
            }
            guard let rule = replay.refusal(of: grant) else { continue }
            if project.map({ $0 == grant.lane.project }) ?? true { refused[rule, default: 0] += 1 }
        }
        return refused
    }

    private init(_ past: PersonPast, _ line: PlanLine, _ history: WorkHistory) {
        self.past = past
        self.line = line
        facts = past.standing
        facts.denied = false
        facts.labelsByDay = nil
        // Who was given a lease was enrolled and had the role, whatever became of it since.
        facts.enrolled.formUnion(past.grants.map(\.lane.project))
        facts.worked = history
    }

    private mutating func refusal(of grant: PastGrant) -> Rule? {
        advance(to: grant.granted)
        let limits = line.limits(in: grant.lane.project)
        let answer = Gate.decide(person: facts, lane: grant.lane, limits: limits, now: grant.granted, want: 1)
        if let refusal = answer.refusal { return refusal.rule }
        // Nearly all end before the horizon, and so before any limit.
        let isShort = answer.horizon.map { grant.ended <= $0.at } ?? false
        open.append((grant.open(until: isShort ? grant.ended : end(of: grant, from: grant.granted)), grant.labelled))
        return nil
    }

    /// A lease that is open already.
    private mutating func goOn(with grant: PastGrant, from now: Moment) {
        advance(to: now)
        open.append((grant.open(until: end(of: grant, from: now)), grant.labelled))
    }

    /// When a lease that is open at `now` would have ended: when it did, or at a limit or its lifetime before that. Its
    /// length is no limit, because leases are extended, and an extension is held against the limits as a grant is.
    private func end(of grant: PastGrant, from now: Moment) -> Moment {
        let limits = line.limits(in: grant.lane.project)
        var end = grant.ended
        if let lifetime = limits.leaseLifetime { end = min(end, grant.granted + lifetime) }
        let inLane = Gate.timeInLane(of: facts, in: grant.lane, limits: limits, now: now)
        return switch Gate.time(of: facts, limits: limits, now: now).stricter(than: inLane) {
        case .free(let until): min(end, until)
        case .over: min(end, now)
        }
    }

    /// Ends what is over by `now`, and sees what was agreed since.
    private mutating func advance(to now: Moment) {
        let over = open.filter { $0.lease.deadline <= now }.sorted { $0.lease.deadline < $1.lease.deadline }
        if !over.isEmpty {
            open.removeAll { $0.lease.deadline <= now }
            for end in over {
                facts.worked.add(
                    WorkInterval(start: end.lease.granted, end: end.lease.deadline), kind: end.lease.kind,
                    severity: end.lease.severity)
                if end.labelled { countLabel(at: end.lease.deadline) }
            }
        }
        facts.openLeases = open.map(\.lease)
        facts.labelsByDay = labels
        let standing = past.standing(at: now)
        facts.zone = standing.zone
        facts.formerZone = standing.formerZone
        let seen = past.consents.count { $0.from <= now }
        if seen != consentsSeen {
            facts.agreements = past.agreements(at: now)
            consentsSeen = seen
        }
    }

    private mutating func countLabel(at moment: Moment) {
        // Without a known zone the gate refuses whatever this says.
        guard let zone = try? Zone.named(facts.zone) else { return }
        let day = zone.day(at: moment)
        labels = DayCount(day: day, count: (labels?.day == day ? labels?.count ?? 0 : 0) + 1)
    }
}
