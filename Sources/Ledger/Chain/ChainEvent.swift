import Crypto
import PlimsollModel
import Postgres

/// What the chain records (P11).
public enum ChainKind: String, Sendable, CaseIterable {
    case consentGiven = "consent.given"
    case consentRefused = "consent.refused"
    case consentWithdrawn = "consent.withdrawn"
    case noticePublished = "notice.published"
    case policyApplied = "policy.applied"
    case certificateIssued = "certificate.issued"
    case denied = "access.denied"
    case roleGranted = "role.granted"
    case roleRevoked = "role.revoked"
    case engineerEnrolled = "engineer.enrolled"
    case projectCreated = "project.created"
    case projectSet = "project.set"
    case projectState = "project.state"
    case tasksImported = "tasks.imported"
    case importCancelled = "import.cancelled"
    case taskCancelled = "task.cancelled"
    case taskRequeued = "task.requeued"
    case labelsExported = "labels.exported"
    case lateAnswerJudged = "late-answer.judged"
}

enum ChainStatements {
    /// Both rows at once. The sealer chains them later, so no lock waits for the chain.
    static let append = Statement(
        "chain_append",
        """
        with event as (insert into chain_event (at, kind, hash) values (clock(), $1, $2) returning event_id)
        insert into chain_detail (event_id, salt, actor, detail) select event_id, $3, $4, $5 from event
        """)
}

/// Random bytes of a chain event's salt, so that a hash tells nothing about a value that could be guessed.
private let saltBytes = 16

/// Puts one event on the record, in the caller's transaction (P11). The hash is SHA-256 over salt and detail; names
/// and values lie only in the detail, which can be erased. The actor is part of the detail.
func appendChainEvent(
    _ kind: ChainKind, actor: String, detail: JSONValue, on connection: isolated Connection
) async throws {
    var object = JSONObject()
    object["actor"] = .string(actor)
    for member in detail.objectValue?.members ?? [] { object[member.key] = member.value }
    let text = JSONValue.object(object).encode()
    var generator = SystemRandomNumberGenerator()
    let salt = (0..<saltBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    let hash = SHA256.hash(data: salt + text)
    _ = try await connection.query(
        Query(
            ChainStatements.append, .text(kind.rawValue), .bytea(Array(hash)), .bytea(salt), .text(actor),
            .json(text)))
}

extension JSONValue {
    /// A list of texts.
    static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
    static func integer(_ value: Int64) -> JSONValue { .number(JSONNumber(value)) }
}
