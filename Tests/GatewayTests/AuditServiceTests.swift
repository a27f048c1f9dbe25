import Foundation
import GRPCCore
import Identity
import Ledger
import Logging
import PlimsollModel
import PlimsollProtocol
import Postgres
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// The record over a real database, called as the interceptor calls it: with a caller.
@Suite struct AuditServiceTests {
    private static let signer: CoordinatorSigner = { CoordinatorSignature(signature: $0, certificate: [1]) }

    private struct Office: Sendable {
        let ledger: Ledger
        let seal: @Sendable () async throws -> Void

        func context(_ name: String, _ role: Role) throws -> ServerContext {
            var context = ServerContext(
                descriptor: MethodDescriptor(fullyQualifiedService: "plimsoll.v1.Audit", method: "Test"),
                remotePeer: "in-process", localPeer: "in-process", cancellation: .init())
            context.transportSpecific = Caller(
                identity: try PeerIdentity(
                    role: role, name: name, worker: role == .engineer ? "w1" : nil, trustDomain: "test.example"),
                serial: "0a", notAfter: Date() + 3_600)
            return context
        }
    }

    private func withOffice(_ body: (Office) async throws -> Void) async throws {
        try await withDatabase { conninfo in
            let logger = Logger(label: "test.audit")
            let owner = try await Connection.connect(ConnectionConfiguration(conninfo: conninfo), logger: logger)
            try await Migrator(logger: logger).run(owner)
            await owner.close()
            var configuration = ConnectionConfiguration(conninfo: conninfo + " user=plimsoll_coordinator")
            configuration.settings = Ledger.sessionSettings
            let pool = Pool(configuration: configuration, logger: logger)
            var sealing = configuration
            sealing.settings = ChainSession.settings
            let settings = sealing
            let office = Office(ledger: Ledger(pool: pool)) {
                let session = ChainSession(connection: try await Connection.connect(settings, logger: logger))
                _ = try await session.seal(headInterval: .zero, signer: Self.signer)
                await session.close()
            }
            let result: Result<Void, any Error>
            do { result = .success(try await body(office)) } catch { result = .failure(error) }
            await pool.close()
            try result.get()
        }
    }

    private func people(_ office: Office) async throws -> [String: ConsentReceipt] {
        let ledger = office.ledger
        let notice = try await ledger.publishNotice(
            NoticeDraft(
                id: "part", version: 1, locale: "en", purpose: "taking-part", text: "You take part.", data: "labels",
                recipients: "the team", retention: "a year", withdrawalMethod: "plimsoll consent withdraw",
                alternativeOffered: "the usual work", assessment: NoticeBasis(text: "DPIA 1", on: "2026-01-05"),
                consultation: NoticeBasis(text: "minutes 1", on: "2026-01-12"), isMaterial: false), by: "op")
        var receipts: [String: ConsentReceipt] = [:]
        for name in ["ann", "bob"] {
            _ = try await ledger.createPerson(named: name, zone: "UTC")
            receipts[name] = try await ledger.giveAgreement(
                notice: "part", version: 1, sha256: notice.sha256,
                voice: ConsentVoice(name: name, certificateSerial: "0a"))
        }
        return receipts
    }

    private final class Sink: RPCWriterProtocol, Sendable {
        typealias Element = Plimsoll_V1_StreamChainResponse
        private let messages = Mutex<[Element]>([])
        var all: [Element] { messages.withLock { $0 } }
        func write(_ element: Element) async throws { messages.withLock { $0.append(element) } }
        func write(contentsOf elements: some Sequence<Element>) async throws {
            for element in elements { try await write(element) }
        }
    }

    private func stream(_ office: Office, consent: Bool) async throws -> [Plimsoll_V1_StreamChainResponse] {
        let sink = Sink()
        try await AuditService(ledger: office.ledger).streamChain(
            request: .with { $0.consentDetails = consent }, response: RPCWriter(wrapping: sink),
            context: try office.context("olu", .operator))
        return sink.all
    }

    @Test func theChainComesWholeAndWithoutSayingWhoAgreed() async throws {
        try await withOffice { office in
            _ = try await people(office)
            try await office.seal()
            let messages = try await stream(office, consent: false)
            #expect(messages.first?.end.lastLink == 3 && messages.first?.end.waiting == 0)
            let entries = messages.flatMap(\.entries)
            #expect(entries.map(\.seq) == [1, 2, 3] && messages.flatMap(\.heads).map(\.seq) == [3])
            #expect(entries.map(\.detailState) == [.sent, .withheldMatches, .withheldMatches])
            let bytes = try messages.flatMap { Array(try $0.serializedBytes() as Data) }
            for name in ["ann", "bob"] { #expect(bytes.firstRange(of: Array(name.utf8)) == nil) }
            // Whoever reads who agreed is on the record, before the answer.
            let full = try await stream(office, consent: true)
            #expect(full.flatMap(\.entries).allSatisfy { $0.detailState == .sent })
            #expect(full.first?.end.waiting == 1)
            let listed = try await AuditService(ledger: office.ledger).listEvents(
                request: .init(), context: try office.context("olu", .operator))
            #expect(
                listed.events.map(\.kind) == ["chain.read", "consent.given", "consent.given", "notice.published"])
            #expect(listed.events.map(\.actor) == ["olu", "", "", "op"])
            #expect(listed.events.map(\.seq) == [0, 3, 2, 1])
        }
    }

    @Test func aReceiptIsItsSubjectsAlone() async throws {
        try await withOffice { office in
            let receipts = try await people(office)
            let service = ReceiptsService(ledger: office.ledger, signer: Self.signer)
            let id = try #require(receipts["ann"]?.receiptID.uuidString.lowercased())
            func get(_ id: String, as name: String, form: String = "") async throws -> Plimsoll_V1_ReceiptDocument {
                try await service.getReceipt(
                    request: .with {
                        $0.receipt = id
                        $0.form = form
                    }, context: try office.context(name, .engineer))
            }
            let check: ReceiptCheck.SignatureCheck = { signature, text, _ in
                signature.signature == text ? nil : "another text"
            }
            let early = try await get(id, as: "ann")
            #expect(!early.proven)
            let unproven = try ReceiptCheck(Array(early.document), check: check)
            #expect(unproven.faults.isEmpty && unproven.proof == nil && unproven.id == id)
            try await office.seal()
            for form in ["", "ts27560", "kantara"] {
                let document = try await get(id, as: "ann", form: form)
                #expect(document.proven)
                let checked = try ReceiptCheck(Array(document.document), check: check)
                #expect(checked.faults.isEmpty, "\(checked.faults)")
                #expect(checked.proof?.seq == 2 && checked.proof?.leaves.count == 1)
                // Of the other person's event there is a hash and nothing else.
                #expect(!String(decoding: document.document, as: UTF8.self).contains("bob"))
            }
            let list = try await service.listReceipts(
                request: .init(), context: try office.context("ann", .engineer))
            #expect(list.receipts.map(\.receiptID) == [id])
            func refusal(_ id: String, as name: String, form: String = "") async throws -> GatewayError? {
                await #expect(throws: GatewayError.self) { _ = try await get(id, as: name, form: form) }
            }
            let never = UUID().uuidString.lowercased()
            let theirs = try await refusal(id, as: "bob")
            let nobodys = try await refusal(never, as: "bob")
            #expect(theirs?.code == .notFound && nobodys?.code == .notFound)
            #expect(theirs?.message.replacing(id, with: "") == nobodys?.message.replacing(never, with: ""))
            #expect(try await refusal("no uuid", as: "ann")?.code == .notFound)
            #expect(try await refusal(id, as: "ann", form: "pdf")?.code == .badMessage)
        }
    }
}
