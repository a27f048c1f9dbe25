import PlimsollModel
import Postgres

/// What the chain records (P11).
public enum ChainKind: String, Sendable, CaseIterable {
    case consentGiven = "consent.given"
    case consentRefused = "consent.refused"
    case consentWithdrawn = "consent.withdrawn"
    case noticePublished = "notice.published"
    case policyApplied = "policy.applied"
    case policyPlanned = "policy.planned"
    case certificateIssued = "certificate.issued"
    case denied = "access.denied"
    case roleGranted = "role.granted"
    case roleRevoked = "role.revoked"
    case engineerEnrolled = "engineer.enrolled"
    case engineerMoved = "engineer.moved"
    case engineerLeft = "engineer.left"
    case teamCreated = "team.created"
    case teamSet = "team.set"
    case limitsSet = "limits.set"
    case limitsCleared = "limits.cleared"
    case limitsShown = "limits.shown"
    case raiseAsked = "raise.asked"
    case raiseAgreed = "raise.agreed"
    case raiseEnded = "raise.ended"
    case concernRaised = "concern.raised"
    case concernAnswered = "concern.answered"
    case cordPaused = "cord.paused"
    case projectCreated = "project.created"
    case projectSet = "project.set"
    case projectState = "project.state"
    case tasksImported = "tasks.imported"
    case importCancelled = "import.cancelled"
    case taskCancelled = "task.cancelled"
    case taskRequeued = "task.requeued"
    /// That an export began to hand answers out; the next, that it is whole. Whose answers: `export_person`.
    case labelsExportBegun = "labels.export-begun"
    case labelsExported = "labels.exported"
    case lateAnswerJudged = "late-answer.judged"
    /// That somebody looked at what is held of others, at what, the first time on a day.
    case peopleRead = "people.read"
    /// That somebody read what others agreed to. Earlier builds allowed it.
    case chainRead = "chain.read"
    case timeAdded = "time.added"
    case timeRemovalAsked = "time.removal-asked"
    case timeRemovalAgreed = "time.removal-agreed"
    case timeRemovalRefused = "time.removal-refused"
    case timeRemovalWithdrawn = "time.removal-withdrawn"
    case hoursDeclared = "person.hours-declared"
    case zoneChanged = "person.zone-changed"
    case throughputShown = "throughput.shown"
    case personErased = "person.erased"
    case readOnly = "deployment.read-only"
}

enum ChainStatements {
    /// The event, its erasable part and the mark that it waits for the sealer, at once. The sealer chains it later, so
    /// no lock waits for the chain.
    static let append = Statement(
        "chain_append",
        """
        with event as (insert into chain_event (at, kind, hash) values (clock(), $1, $2) returning event_id),
        waiting as (insert into chain_unsealed (event_id) select event_id from event)
        insert into chain_detail (event_id, salt, actor, detail, subject_id) select event_id, $3, $4, $5, $6 from event
        """)
}

/// Random bytes of a chain event's salt, so that a hash tells nothing about a value that could be guessed.
private let saltBytes = 16

/// Puts one event on the record, in the caller's transaction (P11). The hash is SHA-256 over salt and detail; names
/// and values lie only in the detail, which can be erased. The actor is part of the detail, its first member. `subject`
/// is the person it is about, by which erasure finds it.
func appendChainEvent(
    _ kind: ChainKind, actor: String, about subject: PersonID? = nil, detail: JSONValue,
    on connection: isolated Connection
) async throws {
    var object = JSONObject()
    object["actor"] = .string(actor)
    for member in detail.objectValue?.members ?? [] { object[member.key] = member.value }
    let text = JSONValue.object(object).encode()
    var generator = SystemRandomNumberGenerator()
    let salt = (0..<saltBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    let hash = ChainedEvent.hash(salt: salt, detail: text)
    _ = try await connection.query(
        Query(
            ChainStatements.append, .text(kind.rawValue), .bytea(hash), .bytea(salt), .text(actor),
            .json(text), .int8(subject?.rawValue)))
}

extension JSONValue {
    /// A list of texts.
    static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
    static func integer(_ value: Int64) -> JSONValue { .number(JSONNumber(value)) }
}
