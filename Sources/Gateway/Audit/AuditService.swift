import FoundationEssentials
import GRPCCore
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// `plimsoll.v1.Audit` over the ledger. It hands the chain out as it is; whether it holds together is for the caller to
/// find out (P11). Of what people did for themselves it compares the details with their hashes itself and keeps them,
/// because nobody else sees them, whatever their role (P9).
struct AuditService: Plimsoll_V1_Audit.SimpleServiceProtocol {
    let ledger: Ledger

    /// Entries of one message: below 1 MiB, since a detail is a few hundred bytes long.
    private static let entriesPerMessageMax = 500
    private static let entryBytesPerMessageMax = 1_048_576

    func streamChain(
        request: Plimsoll_V1_StreamChainRequest, response: RPCWriter<Plimsoll_V1_StreamChainResponse>,
        context: ServerContext
    ) async throws {
        // This look is not among what it looks at.
        let end = try await ledger.chainEnd()
        try await ledger.recordRead(.auditVerify, by: context.caller.name)
        try await response.write(.with { $0.end = .init(end) })
        let reader = ChainReader(ledger: ledger, last: end.lastLink)
        var page = try await reader.page(after: 0)
        while let last = page.last {
            // The next page is read while this one is on its way. Not `async let`, see Sources/README.md.
            let next = Task { try await reader.page(after: last.seq) }
            defer { next.cancel() }
            var heads = try await ledger.chainHeads(
                after: (page.first?.seq ?? 1) - 1, upTo: min(last.seq, end.lastHead))[...]
            var message = Plimsoll_V1_StreamChainResponse()
            var bytes = 0
            for entry in page {
                message.entries.append(.init(entry))
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
            page = try await next.value
        }
        // What was signed for places that are gone.
        let beyond = try await ledger.chainHeads(
            after: end.lastLink, upTo: end.lastHead, limit: ChainVerifier.faultsMax)
        let erased = try await ledger.erasedSince(end.lastLink)
        guard !beyond.isEmpty || !erased.isEmpty else { return }
        try await response.write(
            .with {
                $0.heads = beyond.map { .init($0) }
                $0.erasedSince = erased
            })
    }

    func listEvents(
        request: Plimsoll_V1_ListEventsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListEventsResponse {
        try await ledger.recordRead(.auditList, by: context.caller.name)
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

extension Plimsoll_V1_DetailState {
    /// Of a detail that is kept back.
    fileprivate init(withheld detail: ChainDetail, of event: ChainedEvent) {
        self = detail.isDetail(of: event) ? .withheldMatches : .withheldDiffers
    }
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
    init(_ entry: ChainEntry) {
        self.init()
        seq = entry.seq
        event = entry.eventID
        previous = Data(entry.previous)
        hash = Data(entry.hash)
        var detail: ChainDetail?
        if case .here(let here) = entry.detail { detail = here }
        guard let event = entry.event else {
            // Whose the detail was cannot be known.
            detailState = detail == nil ? .erased : .withheldDiffers
            return
        }
        let isPersonal = event.isPersonal(detail)
        if isPersonal {
            leaf = Data(event.leaf)
            on = WireDate.text(event.at)
        } else {
            atMicroseconds = event.at.microseconds
            kind = event.kind
            eventHash = Data(event.hash)
        }
        guard let detail else {
            detailState = .erased
            return
        }
        guard !isPersonal else {
            detailState = .init(withheld: detail, of: event)
            return
        }
        detailState = .sent
        salt = Data(detail.salt)
        actor = detail.actor
        self.detail = Data(detail.text)
        documentHash = Data(entry.documentHash ?? [])
    }
}

extension Plimsoll_V1_ChainEventRow {
    init(_ row: ChainEventRow) {
        self.init()
        event = row.event.id
        seq = row.seq ?? 0
        if row.isPersonal {
            on = WireDate.text(row.event.at)
            detailState = row.detail.map { .init(withheld: $0, of: row.event) } ?? .erased
            return
        }
        atMicroseconds = row.event.at.microseconds
        kind = row.event.kind
        guard let detail = row.detail else {
            detailState = .erased
            return
        }
        detailState = .sent
        actor = detail.actor
        self.detail = String(decoding: detail.text, as: UTF8.self)
    }
}
