import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
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
        /// What only the owner of the database can do, and only on purpose.
        let tamper: @Sendable (String) async throws -> Void

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
            let office = Office(
                ledger: Ledger(pool: pool),
                seal: {
                    let session = ChainSession(connection: try await Connection.connect(settings, logger: logger))
                    _ = try await session.seal(headInterval: .zero, signer: Self.signer)
                    await session.close()
                },
                tamper: { sql in
                    let owner = try await Connection.connect(
                        ConnectionConfiguration(conninfo: conninfo), logger: logger)
                    try await owner.execute(
                        script: "set search_path = plimsoll; set session_replication_role = replica; \(sql)")
                    await owner.close()
                })
            let result: Result<Void, any Error>
            do { result = .success(try await body(office)) } catch { result = .failure(error) }
            await pool.close()
            try result.get()
        }
    }

    private func people(_ office: Office, exist: Bool = false) async throws -> [String: ConsentReceipt] {
        let ledger = office.ledger
        let notice = try await ledger.publishNotice(
            NoticeDraft(
                id: "part", version: 1, locale: "en", purpose: "taking-part", text: "You take part.", data: "labels",
                recipients: "the team", retention: "a year", withdrawalMethod: "plimsoll consent withdraw",
                alternativeOffered: "the usual work", assessment: NoticeBasis(text: "DPIA 1", on: "2026-01-05"),
                consultation: NoticeBasis(text: "minutes 1", on: "2026-01-12"), isMaterial: false), by: "op")
        var receipts: [String: ConsentReceipt] = [:]
        for name in ["ann", "bob"] {
            if !exist { _ = try await ledger.createPerson(named: name, zone: "UTC") }
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

    private func stream(_ office: Office) async throws -> [Plimsoll_V1_StreamChainResponse] {
        let sink = Sink()
        try await AuditService(ledger: office.ledger).streamChain(
            request: .init(), response: RPCWriter(wrapping: sink), context: try office.context("olu", .operator))
        return sink.all
    }

    private func list(
        _ office: Office, kind: String = "", since: Moment? = nil
    ) async throws -> [Plimsoll_V1_ChainEventRow] {
        try await AuditService(ledger: office.ledger).listEvents(
            request: .with {
                $0.kind = kind
                $0.sinceMicroseconds = since?.microseconds ?? 0
            }, context: try office.context("olu", .operator)
        ).events
    }

    /// P9 and P11: nobody reads what others agreed to, and an edit of it is found all the same.
    @Test func theChainComesWholeAndWithoutSayingWhoAgreed() async throws {
        try await withOffice { office in
            _ = try await people(office)
            try await office.seal()
            let messages = try await stream(office)
            #expect(messages.first?.end.lastLink == 3 && messages.first?.end.waiting == 0)
            let entries = messages.flatMap(\.entries)
            #expect(entries.map(\.seq) == [1, 2, 3] && messages.flatMap(\.heads).map(\.seq) == [3])
            #expect(entries.map(\.detailState) == [.sent, .withheldMatches, .withheldMatches])
            for entry in entries.dropFirst() {
                // Its place, its leaf and its date; not what it is, nor when.
                #expect(entry.kind.isEmpty && entry.atMicroseconds == 0 && entry.eventHash.isEmpty)
                #expect(entry.leaf.count == 32 && entry.on.count == 10 && entry.salt.isEmpty && entry.detail.isEmpty)
                let link = ChainLink(
                    seq: entry.seq, previous: Array(entry.previous), leaf: Array(entry.leaf))
                #expect(link.hash == Array(entry.hash))
            }
            let bytes = try messages.flatMap { Array(try $0.serializedBytes() as Data) }
            for word in ["ann", "bob", "consent.given"] {
                #expect(bytes.firstRange(of: Array(word.utf8)) == nil, "\(word)")
            }
            // Whatever the owner of the database does to such a detail, its event or its link, it is told.
            for sql in [
                "update chain_detail set actor = 'eve' where event_id = 2",
                "update chain_detail set detail = '{\"actor\":\"ann\",\"purpose\":\"all\"}' where event_id = 2",
                "update chain_detail set salt = '\\x0102' where event_id = 2",
            ] {
                try await office.tamper("create table kept as select * from chain_detail; \(sql)")
                let states = try await stream(office).flatMap(\.entries).map(\.detailState)
                #expect(states == [.sent, .withheldDiffers, .withheldMatches], "\(sql)")
                try await office.tamper(
                    "delete from chain_detail; insert into chain_detail select * from kept; drop table kept")
            }
            try await office.tamper("update chain_event set kind = 'consent.refused' where event_id = 2")
            let edited = try await stream(office).flatMap(\.entries)[1]
            let link = ChainLink(seq: edited.seq, previous: Array(edited.previous), leaf: Array(edited.leaf))
            #expect(link.hash != Array(edited.hash))
        }
    }

    /// P9: of what somebody did for themselves an operator sees that there is something on the record, and the date.
    @Test func whatPeopleDoForThemselvesIsListedByNumberAndDateAlone() async throws {
        try await withOffice { office in
            let ledger = office.ledger
            _ = try await ledger.createProject(
                ProjectDraft(
                    name: "puzzles", answerSchema: #"{"type":"string"}"#, purposes: ["taking-part"],
                    namedPersons: ["sue"]), by: "op")
            try await ledger.grantRole(.supervisor, to: "sue", by: "op")
            _ = try await ledger.applyPolicy("ceiling: {day-time: 6h}", reason: "raises", by: "op")
            for name in ["ann", "bob"] {
                _ = try await ledger.enrolEngineer(
                    name, zone: "UTC", projects: ["puzzles"],
                    selection: SelectionRecord(
                        rule: "volunteers/1", dataUsed: "none", decidedBy: "sue", alternativeOffered: "the usual work"),
                    by: "op")
            }
            let before = try await list(office)
            #expect(before.allSatisfy { !$0.kind.isEmpty && $0.on.isEmpty })
            _ = try await people(office, exist: true)
            try await ledger.setLimitLayer(.person("ann"), "day-time: 1h", by: "ann")
            try await ledger.clearLimitLayer(.person("ann"), by: "ann")
            let now = Moment(seconds: Int64(Date().timeIntervalSince1970))
            _ = try await ledger.addTime(
                CorrectionDraft(
                    from: (now - .seconds(7_200)).rfc3339, to: (now - .seconds(3_600)).rfc3339, reason: "offline"),
                by: "ann")
            _ = try await ledger.declareHours(.hours(3), by: "ann")
            _ = try await ledger.setZone("Europe/Berlin", by: "ann")
            _ = try await ledger.raiseConcern("too fast", project: "puzzles", voice: .named("ann"))
            let raise = try await ledger.askRaise("day-time: 5h\n", reason: "a sprint", by: "ann")
            _ = try await ledger.endRaise(raise.id, by: "ann")
            _ = try await ledger.refuseAgreement(
                purpose: "taking-part", voice: ConsentVoice(name: "bob", certificateSerial: "0a"))
            _ = try await ledger.leaveProject("puzzles", person: "ann", reason: nil, by: "ann")
            _ = try await ledger.leaveProject("puzzles", person: "bob", reason: "the project ends", by: "op")
            let all = try await list(office)
            let own = all.filter { $0.kind.isEmpty }
            #expect(own.count == 12)
            for row in own {
                #expect(row.atMicroseconds == 0 && row.actor.isEmpty && row.detail.isEmpty && row.on.count == 10)
                #expect(row.event > 0 && row.detailState == .withheldMatches)
            }
            // What was done to bob is there with name and reason (P13).
            #expect(all.contains { $0.kind == "engineer.left" && $0.actor == "op" && $0.detail.contains("bob") })
            #expect(!all.contains { $0.actor == "ann" || $0.actor == "bob" })
            // No kind and no second finds them.
            for kind in ["consent.*", "concern.raised", "time.added", "person.zone-changed", "raise.asked"] {
                let refused = await #expect(throws: LedgerError.self) { _ = try await list(office, kind: kind) }
                #expect(refused?.code == .refused, "\(kind)")
            }
            for kind in ["limits.*", "raise.*", "person.*"] {
                #expect(try await list(office, kind: kind).isEmpty, "\(kind)")
            }
            #expect(try await list(office, kind: "engineer.left").count == 1)
            let latest = try #require(all.map(\.atMicroseconds).max())
            #expect(
                try await list(office, since: Moment(microseconds: latest + 1)).map(\.event) == own.map(\.event))
        }
    }

    /// P11: whoever looks at the record is in it by the first look of a day, before they see anything; and since it
    /// names people, each of them is told who looked.
    @Test func aLookAtTheRecordIsOnItOnceADay() async throws {
        try await withOffice { office in
            // It stands still, so that no midnight comes between two looks.
            func setDay(_ day: String) async throws {
                try await office.tamper(
                    """
                    create or replace function clock() returns timestamptz language sql volatile parallel restricted
                        as $$ select timestamptz '\(day) 12:00+00' $$
                    """)
            }
            func looks() async throws -> [String] {
                try await list(office).map { row in
                    let what = try JSONValue.parse(row.detail)["what"]?.stringValue ?? "nothing"
                    return "\(row.kind): \(row.actor), \(what)"
                }
            }
            try await setDay("2026-03-02")
            for name in ["ann", "bob"] { _ = try await office.ledger.createPerson(named: name, zone: "UTC") }
            // The first is among what it looks at: it was recorded before.
            let first = try await list(office)
            #expect(first.map(\.kind) == ["people.read"])
            let look = try #require(first.first)
            #expect(look.actor == "olu" && look.detailState == .sent && look.atMicroseconds > 0)
            #expect(try JSONValue.parse(look.detail) == ["actor": "olu", "what": "audit-list"])
            // A second look of the day adds nothing, whatever it asks for.
            for kind in ["", "people.read", "policy.applied"] { _ = try await list(office, kind: kind) }
            #expect(try await looks() == ["people.read: olu, audit-list"])
            // Another way of looking does, and another reader.
            for _ in 0..<2 { _ = try await stream(office) }
            for _ in 0..<2 {
                _ = try await AuditService(ledger: office.ledger).listEvents(
                    request: .init(), context: try office.context("oda", .operator))
            }
            let day = [
                "people.read: oda, audit-list", "people.read: olu, audit-verify", "people.read: olu, audit-list",
            ]
            #expect(try await looks() == day)
            try await setDay("2026-03-03")
            for _ in 0..<2 { #expect(try await looks() == ["people.read: olu, audit-list"] + day) }

            for name in ["ann", "bob"] {
                let told = try await office.ledger.access(of: name).map { "\($0.on) \($0.what) \($0.by) \($0.detail)" }
                #expect(
                    told == [
                        "2026-03-03 audit-list olu of everybody", "2026-03-02 audit-list oda of everybody",
                        "2026-03-02 audit-list olu of everybody", "2026-03-02 audit-verify olu of everybody",
                    ], "\(name)")
            }
            // Whoever cannot record does not read.
            try await office.tamper("revoke insert on read_access from plimsoll_coordinator")
            let listed = await #expect(throws: LedgerError.self) { _ = try await list(office) }
            let verified = await #expect(throws: LedgerError.self) { _ = try await stream(office) }
            #expect(listed?.code == .schema && verified?.code == .schema)
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

extension OverTLS {
    /// P9 and P11 over mutual TLS: the record is an operator's to read, and nobody else's.
    @Suite struct AuditRightsTests {
        private static let reads: [@Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Void] = [
            { client in _ = try await Plimsoll_V1_Audit.Client(wrapping: client).listEvents(.init()) },
            { client in
                try await Plimsoll_V1_Audit.Client(wrapping: client).streamChain(.init()) { response in
                    for try await _ in response.messages {}
                }
            },
        ]

        @Test func nobodyButAnOperatorReadsTheRecord() async throws {
            try await withLiveGateway(
                prepare: { ledger in
                    for (name, role) in [("ann", RoleName.engineer), ("sue", .supervisor), ("rob", .reviewer)] {
                        try await ledger.grantRole(role, to: name, by: "olu")
                    }
                }
            ) { live in
                // Ann's second certificate is of a role that nobody has granted to her.
                let others = [
                    ("ann", Role.engineer), ("sue", .supervisor), ("rob", .reviewer), ("ann", .operator),
                ]
                for (name, role) in others {
                    for read in Self.reads {
                        let refused = await #expect(throws: RPCError.self) {
                            try await live.deployment.withClient(name, role, at: live.port, read)
                        }
                        #expect(refused?.code == .permissionDenied, "\(name) as \(role)")
                    }
                }
                func looks() async throws -> [String] {
                    try await live.owner.query(
                        Query(.unprepared("select distinct reader || ' ' || what from read_access order by 1"))
                    ).map { try $0.text(0) }
                }
                #expect(try await looks().isEmpty)
                for read in Self.reads {
                    try await live.deployment.withClient("olu", .operator, at: live.port, read)
                }
                #expect(try await looks() == ["olu audit-list", "olu audit-verify"])
            }
        }
    }
}
