import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import TestSupport
import Testing

@testable import Gateway

extension OverTLS {
    /// P3 and P9 over mutual TLS: whoever is shut out still says no, and sees and erases what is held of them.
    @Suite struct RightsTests {
        typealias Transport = GRPCClient<HTTP2ClientTransport.Posix>

        /// How somebody comes to be shut out.
        enum End: String, CaseIterable {
            case personDenied, roleRevoked
        }

        private static let purposes = ["taking-part", "training"]

        private static func people(_ ledger: Ledger) async throws {
            _ = try await ledger.createProject(
                ProjectDraft(
                    name: "puzzles", answerSchema: #"{"type":"string"}"#, purposes: purposes, namedPersons: ["sue"]),
                by: "olu")
            for purpose in purposes { _ = try await ledger.publishNotice(noticeDraft(purpose), by: "olu") }
            try await ledger.grantRole(.supervisor, to: "sue", by: "olu")
            for name in ["ann", "bob"] {
                _ = try await ledger.enrolEngineer(
                    name, zone: "UTC", projects: ["puzzles"],
                    selection: SelectionRecord(
                        rule: "volunteers/1", dataUsed: "none", decidedBy: "sue", alternativeOffered: "the usual work"),
                    by: "olu")
                for purpose in purposes { try await agree(ledger, name, purpose) }
            }
        }

        /// What everybody may always do, in the order in which a person does it, by name.
        private static let rights: [(String, @Sendable (Transport) async throws -> Void)] = [
            (
                "consent list",
                { client in
                    let list = try await Plimsoll_V1_WorkQueue.Client(wrapping: client).listAgreements(.init())
                    #expect(list.notices.count == 2)
                }
            ),
            (
                "consent withdraw",
                { client in
                    let receipt = try await Plimsoll_V1_WorkQueue.Client(wrapping: client)
                        .withdrawAgreement(.with { $0.purpose = "training" })
                    #expect(receipt.state == "withdrawn")
                }
            ),
            (
                "consent refuse",
                { client in
                    let receipt = try await Plimsoll_V1_WorkQueue.Client(wrapping: client)
                        .refuseAgreement(.with { $0.purpose = "training" })
                    #expect(receipt.state == "refused")
                }
            ),
            (
                "consent receipt",
                { client in
                    let receipts = Plimsoll_V1_Receipts.Client(wrapping: client)
                    let list = try await receipts.listReceipts(.init()).receipts
                    #expect(list.map(\.state) == ["given", "given", "withdrawn", "refused"])
                    let one = try await receipts.getReceipt(.with { $0.receipt = list[2].receiptID })
                    #expect(!one.document.isEmpty)
                }
            ),
            (
                "me data",
                { client in
                    let tables = try await Plimsoll_V1_Person.Client(wrapping: client).showData(.init()) { response in
                        try await response.messages.reduce(into: Set<String>()) { names, part in
                            if part.hasTable { names.insert(part.table.name) }
                        }
                    }
                    #expect(tables.contains("consent_event"))
                }
            ),
            (
                "me answers",
                { client in
                    try await Plimsoll_V1_Person.Client(wrapping: client).listAnswers(.init()) { response in
                        for try await _ in response.messages {}
                    }
                }
            ),
            (
                "me access",
                { client in
                    let entries = try await Plimsoll_V1_Person.Client(wrapping: client).listAccess(.init()).entries
                    // P13: by whom, and why.
                    #expect(entries.contains { $0.by == "olu" && $0.detail.hasSuffix("a test") })
                }
            ),
            (
                "me erase",
                { client in
                    let erased = try await Plimsoll_V1_Person.Client(wrapping: client).erase(.init())
                    #expect(erased.receipts.map(\.purpose) == ["taking-part"] && erased.pseudonym.hasPrefix("erased-"))
                }
            ),
        ]

        private func holder(_ live: LiveGateway, _ name: String) throws -> Deployment.Holder {
            try live.deployment.engineer(name)
        }

        private func status(
            _ live: LiveGateway, _ holder: Deployment.Holder, _ body: @Sendable (Transport) async throws -> Void
        ) async throws -> RPCError? {
            try await failure { try await live.deployment.withClient(holder, at: live.port, body) }
        }

        private static let work: [@Sendable (Transport) async throws -> Void] = [
            { client in _ = try await Plimsoll_V1_WorkQueue.Client(wrapping: client).showMe(.init()) },
            { client in
                _ = try await Plimsoll_V1_WorkQueue.Client(wrapping: client).giveAgreement(
                    .with { $0.notice = "training" })
            },
        ]

        @Test(arguments: End.allCases)
        func whoIsShutOutKeepsTheRightsOverTheirData(end: End) async throws {
            try await withLiveGateway(prepare: Self.people) { live in
                let ann = try holder(live, "ann")
                switch end {
                case .personDenied: _ = try await live.ledger.deny(.person("ann"), reason: "a test", by: "olu")
                case .roleRevoked:
                    try await live.ledger.revokeRole(.engineer, from: "ann", reason: "a test", by: "olu")
                }
                // No work, no agreement; and a word on what stays, and who did it.
                for call in Self.work {
                    let refused = try #require(try await status(live, ann, call), "\(end)")
                    #expect(refused.code == .permissionDenied, "\(refused)")
                    #expect(refused.message.contains("me data, me answers, me access and me erase"), "\(refused)")
                    if end == .roleRevoked {
                        #expect(refused.message.contains("by olu on 20") && refused.message.contains(": a test"))
                    }
                }
                for (name, right) in Self.rights {
                    #expect(try await status(live, ann, right) == nil, "\(end): \(name)")
                }
                // Now nobody has the name.
                #expect(try await status(live, ann, Self.rights[4].1)?.code == .permissionDenied)
                #expect(try await live.ledger.person(named: "ann") == nil)
                // Nobody else lost anything.
                #expect(try await status(live, holder(live, "bob"), Self.work[0]) == nil)
            }
        }

        /// Who stole a key says and sees nothing with it, and the person goes on with another.
        @Test func aDeniedCertificateSpeaksForNobody() async throws {
            try await withLiveGateway(prepare: Self.people) { live in
                let stolen = try holder(live, "ann")
                let own = try holder(live, "ann")
                _ = try await live.ledger.deny(.serial(stolen.serial), reason: "a test", by: "olu")
                for (name, right) in Self.rights {
                    let refused = try #require(try await status(live, stolen, right), "\(name)")
                    #expect(refused.code == .permissionDenied, "\(name)")
                    #expect(refused.message.contains("this certificate was stopped"), "\(name)")
                }
                #expect(try await live.ledger.receipts(of: "ann").count == 2)
                // And a name that nobody has, and a certificate that is nobody's own path.
                let never = try #require(try await status(live, holder(live, "eve"), Self.rights[0].1))
                #expect(never.code == .permissionDenied && never.message.contains("nobody here has the name eve"))
                let supervisor = try live.deployment.issue(
                    PeerIdentity(role: .supervisor, name: "ann", trustDomain: Deployment.trustDomain))
                #expect(try await status(live, supervisor, Self.rights[1].1)?.code == .permissionDenied)
                for (name, right) in Self.rights where name != "me access" {
                    #expect(try await status(live, own, right) == nil, "\(name)")
                }
            }
        }
    }
}
