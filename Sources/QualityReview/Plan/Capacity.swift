import PlimsollModel

/// What one person could be leased from an instant on, if they worked whenever they may: the most that their limits and
/// agreements leave of the day and the week.
struct Capacity {
    /// Whether anything could be leased at that instant.
    var mayBeLeased = false
    /// Seconds until the end of the local date, and of the ISO week.
    var today: Int64 = 0
    var week: Int64 = 0

    /// Among these lanes, under this line. `facts` are as of `now`.
    init(of facts: PersonFacts, in lanes: [LaneAsk], under line: PlanLine, now: Moment) {
        let open = lanes.compactMap { lane in
            Gate.openEnd(of: lane, to: facts, now: now).map { OpenLane(ask: lane, until: $0) }
        }
        // In an unknown zone nothing is leased.
        guard !open.isEmpty, let zone = try? Zone.named(facts.zone) else { return }
        mayBeLeased = open.contains { lane in
            let limits = line.limits(in: lane.ask.project)
            return Gate.decide(person: facts, lane: lane.ask, limits: limits, now: now, want: 1).isGranted
        }
        let dayEnd = zone.bounds(at: now).end
        let weekEnd = zone.weekBounds(at: now).end
        var facts = facts
        // Leases open now go on as work does, until a limit.
        for lease in facts.openLeases where lease.granted < now {
            facts.worked.add(
                WorkInterval(start: lease.granted, end: min(now, lease.deadline)), kind: lease.kind,
                severity: lease.severity)
        }
        facts.openLeases = []
        var at = now
        while at < weekEnd {
            switch Self.longest(of: facts, in: open, under: line, now: at) {
            case .work(let lane, let until):
                let end = min(until, weekEnd)
                facts.worked.add(WorkInterval(start: at, end: end), kind: lane.kind, severity: lane.severity)
                week += (end - at).microseconds / 1_000_000
                today += max(0, (min(end, dayEnd) - at).microseconds) / 1_000_000
                at = end
            case .rest(let until): at = until
            case .nothing: return
            }
        }
    }

    /// A lane in which they may work until an agreement ends.
    private struct OpenLane {
        let ask: LaneAsk
        let until: Moment
    }

    private enum Step {
        case work(LaneAsk, until: Moment)
        case rest(until: Moment)
        /// Not by time, or no more.
        case nothing
    }

    /// The lane that lets them work longest; where none does, until when they rest.
    private static func longest(
        of facts: PersonFacts, in lanes: [OpenLane], under line: PlanLine, now: Moment
    ) -> Step {
        var best: (lane: LaneAsk, until: Moment)?
        var again: Moment?
        // Mostly the same for all lanes, and the dearer part.
        var whole: (limits: WorkloadLimits, answer: Gate.TimeAnswer)?
        for lane in lanes where lane.until > now {
            let limits = line.limits(in: lane.ask.project)
            if whole?.limits != limits {
                whole = (limits, Gate.time(of: facts, limits: limits, now: now))
            }
            let inLane = Gate.timeInLane(of: facts, in: lane.ask, limits: limits, now: now)
            switch whole?.answer.stricter(than: inLane) ?? inLane {
            case .free(let until):
                let end = min(until, lane.until)
                if best.map({ end > $0.until }) ?? true { best = (lane.ask, end) }
            case .over(let refusal):
                if let until = refusal.until { again = min(again ?? until, until) }
            }
        }
        if let best { return .work(best.lane, until: max(best.until, now + Gate.shortestStep)) }
        return again.map { .rest(until: max($0, now + Gate.shortestStep)) } ?? .nothing
    }
}
