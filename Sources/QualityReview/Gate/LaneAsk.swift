public import PlimsollModel

/// What a lane asks of a person: the gate decides once for all its tasks that are no longer than its answer's horizon.
public struct LaneAsk: Sendable, Hashable {
    public var project: ProjectID
    public var kind: String
    /// 0...3.
    public var severity: Int
    /// The effort estimate of one task in seconds; 0 asks how far any may go.
    public var effortSeconds: Int
    /// Every purpose that the project needs. A severity above 1 adds its own without being named here.
    public var purposes: [PurposeName]
    /// Whether the project is paused, by hand or by the cord.
    public var paused: Bool
    /// Purposes that no notice is in force for, so that nobody can agree to them: what a refusal says, and no decision.
    public var withoutNotice: Set<PurposeName>

    public init(
        project: ProjectID, kind: String, severity: Int, effortSeconds: Int, purposes: [PurposeName],
        paused: Bool = false, withoutNotice: Set<PurposeName> = []
    ) {
        self.project = project
        self.kind = kind
        self.severity = severity
        self.effortSeconds = effortSeconds
        self.purposes = purposes
        self.paused = paused
        self.withoutNotice = withoutNotice
    }

    /// The estimate, cut far beyond any lease so that no sum overflows.
    var effort: Duration { .seconds(min(max(0, effortSeconds), Self.effortSecondsMax)) }
    private static let effortSecondsMax = 1_000_000
}
