public import PlimsollModel

/// What the gate decided.
public enum GateDecision: Sendable, Hashable {
    /// Up to `count` leases, each ending at `deadline` at the latest.
    case granted(count: Int, deadline: Moment)
    case refused(Refusal)
}

/// The gate's answer for one person and one lane.
public struct GateAnswer: Sendable, Hashable {
    public let decision: GateDecision
    /// The rule that brought a grant's deadline forward; nil: the lease has its full length.
    public let bound: Rule?

    public init(decision: GateDecision, bound: Rule? = nil) {
        self.decision = decision
        self.bound = bound
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
