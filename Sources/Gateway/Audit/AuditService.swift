import FoundationEssentials
import GRPCCore
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// `plimsoll.v1.Audit` over the ledger. It hands the chain out as it is; whether it holds together is for the caller to
/// find out (P11).
struct AuditService: Plimsoll_V1_Audit.SimpleServiceProtocol {
    let ledger: Ledger

    /// Entries of one message: below 1 MiB, since a detail is a few hundred bytes long.
    private static let entriesPerMessageMax = 500
    private static let entryBytesPerMessageMax = 1_048_576

    func streamChain(
        request: Plimsoll_V1_StreamChainRequest, response: RPCWriter<Plimsoll_V1_StreamChainResponse>,
        context: ServerContext
    ) async throws {
        // P11: who looks at what others agreed to is on the record before they see it.
        if request.consentDetails { try await ledger.recordChainReading(by: context.caller.name) }
        let end = try await ledger.chainEnd()
        try await response.write(.with { $0.end = .init(end) })
        let reader = ChainReader(ledger: ledger, last: end.lastLink)
        var page = try await reader.page(after: 0)
        while let last = page.last {
            // The next page is read while this one is on its way.
            async let next = reader.page(after: last.seq)
            var heads = try await ledger.chainHeads(
                after: (page.first?.seq ?? 1) - 1, upTo: min(last.seq, end.lastHead))[...]
            var message = Plimsoll_V1_StreamChainResponse()
            var bytes = 0
            for entry in page {
                message.entries.append(.init(entry, withConsent: request.consentDetails))
                if case .here(let detail) = entry.detail { bytes += detail.text.count }
                let isLast = entry.seq == last.seq
                guard
                    isLast || message.entries.count >= Self.entriesPerMessageMax
                        || bytes >= Self.entryBytesPerMessageMax
                else { continue }
                while let head = heads.first, head.head.seq <= entry.seq {
                    message.heads.append(.init(heads.removeFirst()))
                }
                try await response.write(message)
                message = .init()
                bytes = 0
            }
            page = try await next
        }
        // What was signed for places that are gone.
        let beyond = try await ledger.chainHeads(
            after: end.lastLink, upTo: end.lastHead, limit: ChainVerifier.faultsMax)
        if !beyond.isEmpty { try await response.write(.with { $0.heads = beyond.map { .init($0) } }) }
    }

    func listEvents(
        request: Plimsoll_V1_ListEventsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListEventsResponse {
        let events = try await ledger.chainEvents(
            kind: request.kind.orNil,
            since: request.sinceMicroseconds == 0 ? nil : Moment(microseconds: request.sinceMicroseconds),
            limit: request.limit == 0 ? Ledger.chainEventsMax : Int(request.limit))
        return .with { $0.events = events.map { .init($0) } }
    }
}

/// Pages of a chain up to where it ended when the reading began.
private struct ChainReader: Sendable {
    let ledger: Ledger
    let last: Int64

    func page(after seq: Int64) async throws -> [PlimsollModel.ChainEntry] {
        seq < last ? try await ledger.chainPage(after: seq, upTo: last) : []
    }
}

extension ChainedEvent {
    /// Whether its detail says what one person agreed to or not, which nobody else sees (P9).
    fileprivate var isConsent: Bool { kind.hasPrefix("consent.") }
}

extension Plimsoll_V1_ChainEnd {
    init(_ end: ChainEnd) {
        self.init()
        lastLink = end.lastLink
        lastHead = end.lastHead
        waiting = end.waiting
        oldestWaitingMilliseconds = end.oldestWaiting.milliseconds
        unchained = end.unchained ?? 0
        lost = end.lost ?? 0
    }
}

extension Plimsoll_V1_ChainHead {
    init(_ signed: SignedHead) {
        self.init()
        seq = signed.head.seq
        hash = Data(signed.head.hash)
        atMicroseconds = signed.head.at.microseconds
        signature = Data(signed.signature.signature)
        certificate = Data(signed.signature.certificate)
    }
}

extension Plimsoll_V1_ChainEntry {
    init(_ entry: ChainEntry, withConsent: Bool) {
        self.init()
        seq = entry.seq
        event = entry.eventID
        previous = Data(entry.previous)
        hash = Data(entry.hash)
        if let event = entry.event {
            atMicroseconds = event.at.microseconds
            kind = event.kind
            eventHash = Data(event.hash)
        }
        guard case .here(let detail) = entry.detail else {
            detailState = .erased
            return
        }
        // Without its event it cannot be known whose it is.
        guard withConsent || entry.event.map({ !$0.isConsent }) ?? false else {
            let matches = entry.event.map { detail.isDetail(of: $0) } ?? false
            detailState = matches ? .withheldMatches : .withheldDiffers
            return
        }
        detailState = .sent
        salt = Data(detail.salt)
        actor = detail.actor
        self.detail = Data(detail.text)
    }
}

extension Plimsoll_V1_ChainEventRow {
    init(_ row: ChainEventRow) {
        self.init()
        event = row.event.id
        atMicroseconds = row.event.at.microseconds
        kind = row.event.kind
        seq = row.seq ?? 0
        guard let detail = row.detail else {
            detailState = .erased
            return
        }
        guard !row.event.isConsent else {
            detailState = .withheldMatches
            return
        }
        detailState = .sent
        actor = detail.actor
        self.detail = String(decoding: detail.text, as: UTF8.self)
    }
}
