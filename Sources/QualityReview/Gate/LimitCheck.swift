public import PlimsollModel

/// What one limit says to one ask.
enum LimitFinding {
    /// Does not apply.
    case clear
    /// At most `count` leases, none open later than `until`; `again` is when the limit lets go by itself after that.
    /// `gauge` is how full a limit that can be measured is; it is full only where the limit refuses.
    case allows(
        count: Int = .max, until: Moment = .distantFuture, again: Moment? = nil, scope: String? = nil,
        gauge: Gauge? = nil)
    case refuses(Refusal, gauge: Gauge? = nil)

    /// The same, as a zone says it that counts no more from `moment` on.
    func ending(at moment: Moment) -> LimitFinding {
        switch self {
        case .clear: .clear
        case .refuses(let refusal, let gauge): .refuses(refusal.ending(at: moment), gauge: gauge)
        case .allows(let count, let until, let again, let scope, let gauge):
            .allows(
                count: count, until: until < moment ? until : .distantFuture, again: min(again ?? moment, moment),
                scope: scope, gauge: gauge)
        }
    }

    /// The stricter of two findings of one limit: a refusal before a grant, what lasts longer, what ends earlier. Where
    /// both end before `end`, until which a task takes, the limit lets go when both do.
    func stricter(than other: LimitFinding, for end: Moment) -> LimitFinding {
        switch (self, other) {
        case (.refuses(let mine, _), .refuses(let theirs, _)): mine.outlasts(theirs) ? self : other
        case (.refuses, _): self
        case (_, .refuses): other
        case (.clear, _): other
        case (_, .clear): self
        case (
            .allows(let count, let until, let again, let scope, let gauge),
            .allows(let otherCount, let otherUntil, let otherAgain, _, _)
        ):
            if (until, count) > (otherUntil, otherCount) {
                other.stricter(than: self, for: end)
            } else if otherUntil < end {
                .allows(
                    count: count, until: until, again: again.flatMap { mine in otherAgain.map { max(mine, $0) } },
                    scope: scope, gauge: gauge)
            } else {
                self
            }
        }
    }
}

extension Refusal {
    /// The same, but not for longer than until `moment`.
    func ending(at moment: Moment) -> Refusal { letting(go: min(until ?? moment, moment)) }

    /// The same with another moment at which to ask again; nil: time alone does not help.
    func letting(go moment: Moment?) -> Refusal {
        Refusal(rule: rule, value: value, limit: limit, until: moment, scope: scope)
    }

    /// Whether this one lets go later than the other; one without a time ends by an act alone, and so last.
    public func outlasts(_ other: Refusal) -> Bool {
        (until ?? .distantFuture) > (other.until ?? .distantFuture)
    }
}

/// What is asked of the gate, with everything that its checks look at.
struct GateQuestion {
    let person: PersonFacts
    let lane: LaneAsk
    let limits: WorkloadLimits
    let now: Moment
    let load: WorkLoad
    /// The person's zone, and for some days after a change the former one too; empty where one of them is unknown.
    let zones: [Zone]

    init(person: PersonFacts, lane: LaneAsk, limits: WorkloadLimits, now: Moment) {
        self.person = person
        self.lane = lane
        self.limits = limits
        self.now = now
        load = WorkLoad(of: person, at: now)
        zones = Self.zones(of: person, at: now)
    }

    private static func zones(of person: PersonFacts, at now: Moment) -> [Zone] {
        do {
            let zone = try Zone.named(person.zone)
            guard let former = person.formerZone, now < former.until else { return [zone] }
            return [zone, try Zone.named(former.name)]
        } catch {
            // P2: what day it is cannot be told, and a doubt is no lease; see `LimitCheck.knownZone`.
            return []
        }
    }

    /// The stricter finding of a limit over the zones that count: after a change of zone the former one counts too, but
    /// no longer than it is kept.
    func inEachZone(_ find: (Zone) -> LimitFinding) -> LimitFinding {
        guard let zone = zones.first else { return .clear }
        let finding = find(zone)
        guard zones.count > 1, let former = person.formerZone else { return finding }
        return finding.stricter(than: find(zones[1]).ending(at: former.until), for: now + lane.effort)
    }

    /// The refusal of a task that takes `effort` by a limit that is reached at `moment` already. Where it lets go at no
    /// later moment it is as far away as it ever is, and waiting does not help.
    func tooNear(_ effort: Duration, _ moment: Moment, again: Moment? = nil, scope: String) -> Refusal {
        Refusal(
            rule: .limitTooNear, value: DurationText.readable(effort), limit: DurationText.readable(moment - now),
            until: again.flatMap { $0 > now ? $0 : nil }, scope: scope)
    }

    /// When leased time ends if nothing but `deadline` ends it, for rules that count from there.
    func end(before deadline: Moment) -> Moment { load.openSince == nil ? load.lastEnd ?? now : deadline }
}

/// One limit as a pure function. A new limit is a new value in `Gate.checks`.
struct LimitCheck: Sendable {
    let rule: Rule
    let find: @Sendable (GateQuestion) -> LimitFinding
}
