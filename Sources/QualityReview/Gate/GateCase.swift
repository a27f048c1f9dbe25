public import PlimsollModel

/// One question to the gate with the answer that somebody expects of it: what tests of a policy are made of.
public struct GateCase: Sendable {
    public var name: String
    public var person: PersonFacts
    public var lane: LaneAsk
    public var limits: WorkloadLimits
    public var now: Moment
    public var want: Int
    public var expected: Expectation

    public enum Expectation: Sendable, Hashable {
        /// Nil: whatever deadline or count.
        case granted(deadline: Moment?, count: Int?)
        /// Nil: by whatever rule, until whenever.
        case refused(Rule?, until: Until?)
    }

    public enum Until: Sendable, Hashable {
        case moment(Moment)
        /// It changes by an act, not by time.
        case never
    }

    public init(
        name: String, person: PersonFacts, lane: LaneAsk, limits: WorkloadLimits, now: Moment, want: Int = 1,
        expected: Expectation
    ) {
        self.name = name
        self.person = person
        self.lane = lane
        self.limits = limits
        self.now = now
        self.want = want
        self.expected = expected
    }

    /// What the gate of the coordinator says.
    public func answer() -> GateAnswer {
        Gate.decide(person: person, lane: lane, limits: limits, now: now, want: want)
    }

    /// Whether that is what was expected.
    public func holds(_ answer: GateAnswer) -> Bool {
        switch (expected, answer.decision) {
        case (.granted(let deadline, let count), .granted(let given, let until)):
            (deadline ?? until) == until && (count ?? given) == given
        case (.refused(let rule, let until), .refused(let refusal)):
            (rule ?? refusal.rule) == refusal.rule && Self.fits(until, refusal.until)
        default: false
        }
    }

    private static func fits(_ expected: Until?, _ found: Moment?) -> Bool {
        switch expected {
        case nil: true
        case .never: found == nil
        case .moment(let moment): found == moment
        }
    }
}
