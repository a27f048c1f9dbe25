import Foundation
import GRPCCore
import Identity
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// Takes a chain from a coordinator and verifies it here, against the deployment's authority and a head file.
struct ChainAudit: Sendable {
    let trust: TrustBundle
    /// A head file; nil: none is compared with.
    let heads: String?

    struct Result: Sendable {
        var verifier: ChainVerifier
        var end: ChainEnd
        /// From the first answer to the last.
        var time: Duration
        /// Of that, how long this side computed.
        var computing: Duration
    }

    func run(_ client: ControlClient, progress: Progress?) async throws -> Result {
        // Before the coordinator says where the chain ends: what is in the file by then is before that end.
        let length = try heads.map { try HeadFileReader.length(of: $0) }
        return try await client.audit.streamChain(.init()) { response in
            try await verify(response.messages, headBytes: length ?? 0, progress: progress)
        }
    }

    private func verify(
        _ messages: some AsyncSequence<Plimsoll_V1_StreamChainResponse, any Error>, headBytes: UInt64,
        progress: Progress?
    ) async throws -> Result {
        let signatures = CoordinatorSignatures(trust: trust)
        let reader = try heads.map { try HeadFileReader(path: $0, bytesMax: headBytes) }
        var verifier = ChainVerifier { signatures.fault(of: $0) }
        var end: ChainEnd?
        let clock = ContinuousClock()
        let began = clock.now
        var computing = Duration.zero
        for try await message in messages {
            let at = clock.now
            if message.hasEnd {
                end = ChainEnd(message.end)
            } else if let last = message.entries.last {
                for head in message.heads { verifier.expect(SignedHead(head)) }
                try witness(&verifier, reader, upTo: last.seq)
                for entry in message.entries { verifier.add(ChainEntry(entry)) }
                progress?.update(done: Int(verifier.events))
            } else {
                // What comes last without links: heads for links that are gone, and what was erased since.
                verifier.endOfLinks()
                for head in message.heads { verifier.expect(SignedHead(head)) }
                verifier.excuse(message.erasedSince)
            }
            computing += clock.now - at
        }
        guard let end else { throw CommandFailure(.failed, "the coordinator did not say where the chain ends") }
        guard verifier.lastLink == end.lastLink else {
            throw CommandFailure(
                .failed, "the coordinator sent links up to \(verifier.lastLink) of \(end.lastLink)",
                next: "verify again")
        }
        verifier.endOfLinks()
        try witness(&verifier, reader, upTo: .max)
        verifier.finish(end)
        return Result(verifier: verifier, end: end, time: clock.now - began, computing: computing)
    }

    private func witness(_ verifier: inout ChainVerifier, _ reader: HeadFileReader?, upTo seq: Int64) throws {
        while let line = try reader?.next(upTo: seq) {
            if let head = line.head {
                verifier.expectWitness(head, line: line.number)
            } else {
                verifier.noteUnreadableWitness(line: line.number)
            }
        }
    }
}

extension CoordinatorSignatures {
    /// Nil: a coordinator of the deployment signed the head, when its certificate was valid.
    func fault(of head: SignedHead) -> String? {
        fault(of: head.signature, over: head.head.text, at: head.head.at)
    }

    func fault(of signature: CoordinatorSignature, over text: [UInt8], at moment: Moment) -> String? {
        do {
            try verify(
                signature: signature.signature, certificate: signature.certificate, over: text,
                at: Date(timeIntervalSince1970: Double(moment.microseconds) / 1_000_000))
            return nil
        } catch {
            return error.message
        }
    }
}

extension SignedHead {
    init(_ head: Plimsoll_V1_ChainHead) {
        self.init(
            head: ChainHead(
                seq: head.seq, hash: Array(head.hash), at: Moment(microseconds: head.atMicroseconds)),
            signature: CoordinatorSignature(signature: Array(head.signature), certificate: Array(head.certificate)))
    }
}

extension ChainEnd {
    init(_ end: Plimsoll_V1_ChainEnd) {
        self.init(
            lastLink: end.lastLink, lastHead: end.lastHead, waiting: end.waiting,
            oldestWaiting: .milliseconds(end.oldestWaitingMilliseconds),
            unchained: end.unchained == 0 ? nil : end.unchained, lost: end.lost == 0 ? nil : end.lost)
    }
}

extension ChainEntry {
    init(_ entry: Plimsoll_V1_ChainEntry) {
        let event =
            entry.eventHash.isEmpty
            ? nil
            : ChainedEvent(
                id: entry.event, at: Moment(microseconds: entry.atMicroseconds), kind: entry.kind,
                hash: Array(entry.eventHash))
        let detail: Detail =
            switch entry.detailState {
            case .erased: .erased
            case .withheldMatches: .withheld(matches: true)
            case .withheldDiffers: .withheld(matches: false)
            default:
                .here(
                    ChainDetail(salt: Array(entry.salt), actor: entry.actor, text: Array(entry.detail)))
            }
        self.init(
            seq: entry.seq, eventID: entry.event, previous: Array(entry.previous), hash: Array(entry.hash),
            event: event, withheldLeaf: entry.leaf.isEmpty ? nil : Array(entry.leaf), detail: detail,
            documentHash: entry.documentHash.isEmpty ? nil : Array(entry.documentHash))
    }
}
