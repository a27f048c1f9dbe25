import Ledger
import PlimsollModel

/// Names one stream within this process.
struct StreamID: Hashable, Sendable {
    let number: Int
}

/// One worker's connection as the dispatcher knows it. It outlives the transport by the stream's time to live, so that
/// the worker can come back and present its leases.
struct StreamState: Sendable {
    let id: StreamID
    let person: PersonID
    let serial: String
    /// The worker process; 0: it did not say.
    let session: Int64
    let inFlightMax: Int
    /// nil: every project of the person.
    let project: ProjectID?
    let replies: AsyncThrowingStream<StreamReply, any Error>.Continuation
    /// Leases wanted and neither granted nor answered by an idle.
    var want = 0
    /// Leases this stream holds.
    var held: Set<Fence> = []
    /// Items received and not settled.
    var unsettled = 0
    /// Project and instructions versions that were sent.
    var told: [ProjectID: Int64] = [:]
    var lastSeen: ContinuousClock.Instant
    var isAttached = true
    /// The epoch under which its holder was last found to be let in; 0: not since it opened.
    var admittedUnder: Int64 = 0
    var isLeaving = false
}
