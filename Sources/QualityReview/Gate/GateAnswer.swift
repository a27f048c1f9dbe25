public import PlimsollModel

/// What the gate decided.
public enum GateDecision: Sendable, Hashable {
    /// Up to `count` leases, each ending at `deadline` at the latest.
    case granted(count: Int, deadline: Moment)
    case refused(Refusal)
}

/// The last moment at which a lease may end, whatever its task's estimate is.
public struct LeaseHorizon: Sendable, Hashable {
    public let at: Moment
    /// The limit that is reached then; nil: a lease is no longer.
    public let rule: Rule?

    public init(at: Moment, rule: Rule?) {
        self.at = at
        self.rule = rule
    }

    /// The longest estimate that fits before it.
    public func longestEffort(from now: Moment) -> Duration { at - now }

    /// When a lease of a task with this estimate ends.
    public func deadline(effortSeconds: Int, from now: Moment) -> Moment {
        min(at, now + LeaseLength.of(effortSeconds: effortSeconds))
    }

    /// The rule that sets this deadline; nil: the lease's own length or its lifetime does.
    public func rule(at deadline: Moment) -> Rule? { deadline == at ? rule : nil }

    /// Whether a lease that ends at `deadline` is parked there, because a limit is reached, and does not end. `since`:
    /// when it was first granted, parked time left out.
    public func parks(at deadline: Moment, since: Moment, lifetime: Duration?) -> Bool {
        deadline == at && Gate.parks(at: rule) && LeaseLength.mayPark(at: deadline, since: since, lifetime: lifetime)
    }
}

/// The gate's answer for one person and one lane.
public struct GateAnswer: Sendable, Hashable {
    public let decision: GateDecision
    /// The rule that brought a grant's deadline forward; nil: the lease has its full length.
    public let bound: Rule?
    /// Of a grant: how far a longer task of the same lane may go.
    public let horizon: LeaseHorizon?

    public init(decision: GateDecision, bound: Rule? = nil, horizon: LeaseHorizon? = nil) {
        self.decision = decision
        self.bound = bound
        self.horizon = horizon
    }

    /// Whether anything may be leased.
    public var isGranted: Bool {
        if case .granted = decision { true } else { false }
    }

    /// Why not; nil for a grant.
    public var refusal: Refusal? {
        if case .refused(let refusal) = decision { refusal } else { nil }
    }
}
