/// One accepted label as an export shows it: with its provenance, a date instead of a time, a pseudonym instead of a
/// name (P10).
public struct LabelRow: Sendable, Hashable {
    /// The task's name outside.
    public var taskKey: String
    public var taskID: Int64
    public var kind: String
    /// The task's payload, a JSON object.
    public var payload: [UInt8]
    /// 1 to the project's overlap.
    public var slot: Int
    /// Stands for one person in this export and in no other.
    public var annotator: String
    /// The answer as JSON.
    public var answer: [UInt8]
    /// The local date of acceptance, `2026-03-30`.
    public var acceptedOn: String
    /// The agreements the label stood on, each as `purpose@notice version`.
    public var agreements: [String]
    public var policyVersion: Int64
    public var instructionsVersion: Int64

    public init(
        taskKey: String, taskID: Int64, kind: String, payload: [UInt8], slot: Int, annotator: String, answer: [UInt8],
        acceptedOn: String, agreements: [String], policyVersion: Int64, instructionsVersion: Int64
    ) {
        self.taskKey = taskKey
        self.taskID = taskID
        self.kind = kind
        self.payload = payload
        self.slot = slot
        self.annotator = annotator
        self.answer = answer
        self.acceptedOn = acceptedOn
        self.agreements = agreements
        self.policyVersion = policyVersion
        self.instructionsVersion = instructionsVersion
    }
}
