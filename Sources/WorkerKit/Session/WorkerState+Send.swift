import FoundationEssentials
import PlimsollProtocol
import SwiftProtobuf

extension WorkerState {
    /// Takes an answer for sending; it is repeated until it is settled (P5). One that stands for the lease already
    /// wins. Also for a lease that is lost: the coordinator keeps it for a human (P6).
    mutating func answer(_ key: LeaseKey, _ bytes: [UInt8]) {
        guard phase != .ended, answers[key] == nil else { return }
        requests[key] = nil
        answers[key] = PendingAnswer(bytes: bytes)
    }

    /// Takes a request about a lease that is held and not answered; others are ignored.
    mutating func ask(_ request: LeaseRequest, for key: LeaseKey) {
        guard phase != .ended, leases[key] != nil, answers[key] == nil, requests[key] == nil else { return }
        requests[key] = PendingRequest(request: request)
    }

    /// Wants nothing for a while; a longer pause wins. Wants that are open stay open.
    mutating func pause(until moment: Duration) { pausedUntil = max(pausedUntil ?? .zero, moment) }

    /// How many more leases to want now.
    var credit: Int {
        guard !leaving, moveAt == nil, askAgainAt == nil, pausedUntil == nil else { return 0 }
        // An answer that is under way frees its place in the same flush, so it may carry the next want. So may a
        // request that ends the lease.
        let busy = leases.keys.count { key in answers[key] == nil && !(requests[key]?.request.endsLease ?? false) }
        var credit = terms.inFlight - busy - wanted
        if let most = configuration.answersMax {
            credit = min(credit, most - settledAnswers - answers.count - busy - wanted)
        }
        return max(0, credit)
    }

    /// Everything that is to be said now, as one message; nil when there is nothing.
    mutating func nextMessage(now: Duration) -> Plimsoll_V1_WorkerMessage? {
        tick(now: now)
        guard phase == .open, order == .keep else { return nil }
        var message = Plimsoll_V1_WorkerMessage()
        var isEmpty = true
        if heartbeatAt <= now {
            message.heartbeat = true
            heartbeatAt = now + terms.heartbeat
            isEmpty = false
        }
        if leaving, leavingSentAt == nil {
            message.leaving = true
            leavingSentAt = now
            isEmpty = false
        }
        let credit = self.credit
        if credit > 0 {
            message.want = UInt32(credit)
            // A want is a question: the silence is counted from it.
            if wanted == 0 { heardAt = now }
            wanted += credit
            isEmpty = false
        }
        addAnswers(to: &message, now: now)
        addRequests(to: &message, now: now)
        isEmpty =
            isEmpty && message.submits.isEmpty && message.declines.isEmpty && message.releases.isEmpty
            && message.parks.isEmpty && message.extends.isEmpty
        // The goodbye may have been the last thing to say.
        if message.leaving { tick(now: now) }
        return isEmpty ? nil : message
    }

    private mutating func addAnswers(to message: inout Plimsoll_V1_WorkerMessage, now: Duration) {
        guard !answers.isEmpty else { return }
        var bytes = 0
        let due = answers.filter { $0.value.sentAt == nil && $0.value.notBefore <= now }.keys.sorted()
        for key in due.prefix(terms.itemsMax) {
            guard let answer = answers[key] else { continue }
            bytes += answer.bytes.count
            guard bytes <= limits.messageBytesMax || message.submits.isEmpty else { return }
            answers[key]?.sentAt = now
            message.submits.append(
                .with {
                    $0.task = key.task
                    $0.fence = key.fence
                    $0.answer = Data(answer.bytes)
                })
        }
    }

    private mutating func addRequests(to message: inout Plimsoll_V1_WorkerMessage, now: Duration) {
        guard !requests.isEmpty else { return }
        for key in requests.filter({ $0.value.sentAt == nil && $0.value.notBefore <= now }).keys.sorted().prefix(
            terms.itemsMax)
        {
            requests[key]?.sentAt = now
            var reference = key.reference
            switch requests[key]?.request {
            case .decline(let reason):
                reference.reason = reason
                message.declines.append(reference)
            case .release: message.releases.append(reference)
            case .park: message.parks.append(reference)
            case .extend: message.extends.append(reference)
            case nil: break
            }
        }
    }
}

extension LeaseRequest {
    /// Whether the lease is no longer open when the request is granted.
    var endsLease: Bool { self != .extend }
    /// Saying no and giving back are always granted.
    var isNeverRefused: Bool {
        switch self {
        case .decline, .release: true
        case .park, .extend: false
        }
    }
}
