import Coordinator
import Synchronization

/// A worker's stream at a coordinator's own interface. What comes is collected as it comes, asked for or not.
final class Hand: Sendable {
    /// What the worker has been told.
    struct Heard: Sendable {
        /// Since the last ``Hand/forget()``.
        var replies: [StreamReply] = []
        var revoked: Set<LeaseReference> = []
        /// How often it was told that a limit is near.
        var warnings = 0
        var end: StreamEnd.Code??
    }

    private struct Box {
        var heard = Heard()
        var isOverdue = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isOver: Bool { heard.end != nil || isOverdue }
    }

    let stream: AttachedStream
    private let box = Mutex(Box())

    init(_ stream: AttachedStream) {
        self.stream = stream
        // Ends with the stream.
        Task { [weak self] in
            do {
                for try await reply in stream.replies { self?.add(reply) }
                self?.finish(nil)
            } catch {
                self?.finish((error as? StreamEnd)?.code)
            }
        }
    }

    deinit { stream.detach() }

    var isOpen: Bool { box.withLock { $0.heard.end == nil } }
    var endCode: StreamEnd.Code? { box.withLock { $0.heard.end ?? nil } }
    var warnings: Int { box.withLock { $0.heard.warnings } }
    /// Whether somebody waited for an answer that did not come.
    var isOverdue: Bool { box.withLock { $0.isOverdue } }

    func send(_ body: (inout StreamRequest) -> Void) {
        var request = StreamRequest()
        body(&request)
        stream.receive(request)
    }

    /// A life sign.
    func heartbeat() { stream.receive(StreamRequest()) }

    /// What came before counts as no answer to what is asked now.
    func forget() { box.withLock { $0.heard.replies = [] } }

    /// Waits until what was heard answers; nil when the stream ended or nothing came for long.
    func answer<R: Sendable>(_ find: @Sendable (Heard) -> R?) async -> R? {
        while true {
            let (found, isOver) = box.withLock { (find($0.heard), $0.isOver) }
            if let found { return found }
            if isOver { return nil }
            await withCheckedContinuation { continuation in
                let isLate = box.withLock { box in
                    if box.isOver || find(box.heard) != nil { return true }
                    box.waiting.append(continuation)
                    return false
                }
                if isLate { continuation.resume() }
            }
        }
    }

    /// Nothing came for too long: whoever waits stops.
    func giveUp() { wake { $0.isOverdue = true } }

    private func add(_ reply: StreamReply) {
        wake { box in
            box.heard.replies.append(reply)
            for revocation in reply.revokes { box.heard.revoked.insert(revocation.lease) }
            box.heard.warnings += reply.notifications.count { $0.kind == .breakAhead }
        }
    }

    private func finish(_ code: StreamEnd.Code?) { wake { $0.heard.end = .some(code) } }

    private func wake(_ body: (inout Box) -> Void) {
        let waiting = box.withLock { box in
            body(&box)
            defer { box.waiting = [] }
            return box.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
