import Coordinator
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
import TestSupport
import Testing

@testable import Gateway

extension OverTLS {
    /// A person's own time over mutual TLS, with a coordinator and its database: who may, and that a refused look says
    /// nothing (P9).
    @Suite struct HoursServiceTests {
        typealias Client = Plimsoll_V1_Hours.Client<HTTP2ClientTransport.Posix>

        private struct House: Sendable {
            let deployment: Deployment
            let ledger: Ledger
            let owner: Connection
            let port: Int

            /// Calls as this person in this role, over a connection of its own.
            func call<Result: Sendable>(
                _ name: String, _ role: Role = .engineer, _ body: @Sendable (Client) async throws -> Result
            ) async throws -> Result {
                try await deployment.withClient(name, role, at: port) { try await body(Client(wrapping: $0)) }
            }

            /// The status that a call ends with; nil: it did not fail.
            func status<Result: Sendable>(
                _ name: String, _ role: Role = .engineer, _ body: @Sendable (Client) async throws -> Result
            ) async throws -> RPCError? {
                try await failure { try await call(name, role, body) }
            }

            func look(_ name: String, by reader: String, _ role: Role = .supervisor) async throws -> RPCError? {
                try await status(reader, role) { client in
                    try await client.showEngineerThroughput(
                        .with {
                            $0.name = name
                            $0.reason = "planning"
                        })
                }
            }
        }

        /// sue answers for ann, bob and cid, tom for dan; everybody takes part.
        private func withHouse(_ body: @escaping @Sendable (House) async throws -> Void) async throws {
            try await withLiveGateway(prepare: Self.people) { live in
                try await body(
                    House(
                        deployment: live.deployment, ledger: live.ledger, owner: live.owner, port: live.port))
            }
        }

        private static func people(_ ledger: Ledger) async throws {
            _ = try await ledger.createProject(
                ProjectDraft(
                    name: "puzzles", answerSchema: #"{"type":"string"}"#, purposes: ["taking-part"],
                    namedPersons: ["sue"]), by: "olu")
            for purpose in ["taking-part", PurposeName.throughputToSupervisor.rawValue] {
                _ = try await ledger.publishNotice(noticeDraft(purpose), by: "olu")
            }
            for name in ["sue", "tom"] { try await ledger.grantRole(.supervisor, to: name, by: "olu") }
            for (name, supervisor) in [("ann", "sue"), ("bob", "sue"), ("cid", "sue"), ("dan", "tom")] {
                _ = try await ledger.enrolEngineer(
                    name, zone: "UTC", projects: ["puzzles"],
                    selection: SelectionRecord(
                        rule: "volunteers/1", dataUsed: "none", decidedBy: supervisor,
                        alternativeOffered: "the usual work"), by: "olu")
                try await agree(ledger, name, "taking-part")
            }
        }

        /// Two hours ago, an hour long: in UTC, whatever the hour.
        private static let stretch: Plimsoll_V1_CorrectHoursRequest = .with {
            let now = Moment(seconds: Int64(Date().timeIntervalSince1970))
            $0.from = (now - .seconds(7_200)).rfc3339
            $0.to = (now - .seconds(3_600)).rfc3339
            $0.reason = "the network was gone"
        }

        @Test func timeIsOnesOwnAndTheSecondPartyAnswersForThem() async throws {
            try await withHouse { house in
                let added = try await house.call("ann") { try await $0.addHours(Self.stretch) }
                #expect(added.state == "counted" && added.recordedSeconds == 0 && added.from.hasSuffix("+00:00"))
                let asked = try await house.call("ann") { try await $0.removeHours(Self.stretch) }
                #expect(asked.state == "waiting" && asked.recordedSeconds == 3_600)
                #expect(try await house.call("bob") { try await $0.listCorrections(.init()) }.corrections.isEmpty)
                let answer = Plimsoll_V1_AnswerCorrectionRequest.with {
                    $0.id = asked.id
                    $0.agree = true
                }
                // An engineer is no second party; nor a supervisor of others, for whom it is as one that is not there.
                let byEngineer = try await house.status("ann") { try await $0.answerCorrection(answer) }
                #expect(byEngineer?.code == .permissionDenied)
                let toms = try await house.call("tom", .supervisor) { try await $0.listAskedCorrections(.init()) }
                #expect(toms.corrections.isEmpty)
                let byOther = try await house.status("tom", .supervisor) { try await $0.answerCorrection(answer) }
                let none = try await house.status("tom", .supervisor) { client in
                    try await client.answerCorrection(
                        .with {
                            $0.id = 999
                            $0.agree = true
                        })
                }
                #expect(byOther?.code == .notFound && none?.code == .notFound)
                #expect(byOther?.message.replacing("\(asked.id)", with: "999") == none?.message)
                let bySupervisor = try await house.status("sue", .supervisor) { try await $0.addHours(Self.stretch) }
                #expect(bySupervisor?.code == .permissionDenied)
                let shown = try await house.call("sue", .supervisor) { try await $0.listAskedCorrections(.init()) }
                #expect(shown.corrections.map(\.name) == ["ann"] && shown.corrections[0].recordedSeconds == 3_600)
                // What is asked and nothing else: the message has no field for it.
                let agreed = try await house.call("sue", .supervisor) { try await $0.answerCorrection(answer) }
                #expect(agreed.state == "agreed")
                let own = try await house.call("ann") { try await $0.listCorrections(.init()) }
                #expect(own.corrections.map(\.state) == ["agreed", "counted"])
                #expect(own.corrections[0].answeredBy == "sue")
                let late = try await house.status("ann") { client in
                    try await client.withdrawCorrection(.with { $0.id = asked.id })
                }
                #expect(late?.code == .aborted)
            }
        }

        @Test func hoursZoneAndThroughputAreOnesOwn() async throws {
            try await withHouse { house in
                let declared = try await house.call("ann") { client in
                    try await client.declareHours(.with { $0.weekSeconds = 43_200 })
                }
                #expect(declared.weekSeconds == 43_200 && declared.beforeSeconds == 0)
                let zone = try await house.call("ann") { try await $0.setZone(.with { $0.zone = "Europe/Lisbon" }) }
                #expect(zone.zone == "Europe/Lisbon" && zone.formerZone == "UTC" && !zone.formerUntil.isEmpty)
                func set(_ zone: String, _ name: String = "ann", _ role: Role = .engineer) async throws -> RPCError? {
                    try await house.status(name, role) { try await $0.setZone(.with { $0.zone = zone }) }
                }
                let unknown = try await set("Europe/Lisboa")
                #expect(unknown?.code == .invalidArgument && unknown?.message.contains("Europe/Lisbon") == true)
                let third = try await set("Asia/Tokyo")
                #expect(third?.code == .failedPrecondition && third?.message.contains("plimsoll me zone UTC") == true)
                _ = try await house.call("ann") { try await $0.addHours(Self.stretch) }
                let own = try await house.call("ann") { try await $0.showThroughput(.init()) }
                #expect(own.days.map(\.leasedSeconds).reduce(0, +) == 3_600)
                #expect(try await house.call("bob") { try await $0.showThroughput(.init()) }.days.isEmpty)
                for role in [Role.supervisor, .operator] {
                    let name = role == .operator ? "olu" : "sue"
                    let look = try await house.status(name, role) { try await $0.showThroughput(.init()) }
                    #expect(look?.code == .permissionDenied)
                    #expect(try await set("UTC", name, role)?.code == .permissionDenied)
                }
            }
        }

        /// P9, over the wire: code, words and metadata, whatever the cause.
        @Test func aRefusedLookIsTheSameByteForByte() async throws {
            try await withHouse { house in
                let purpose = PurposeName.throughputToSupervisor.rawValue
                _ = try await house.ledger.refuseAgreement(
                    purpose: purpose, voice: ConsentVoice(name: "bob", certificateSerial: "0a"))
                try await agree(house.ledger, "cid", purpose)
                #expect(try await house.look("cid", by: "sue") == nil)
                #expect(try await house.look("cid", by: "tom") != nil)
                _ = try await house.ledger.withdrawAgreement(
                    purpose: purpose, voice: ConsentVoice(name: "cid", certificateSerial: "0a"))
                try await agree(house.ledger, "dan", purpose)
                var refusals: [String] = []
                // Never asked, refused, withdrawn, of another team, nobody, oneself.
                for name in ["ann", "bob", "cid", "dan", "nobody", "sue"] {
                    let error = try #require(try await house.look(name, by: "sue"))
                    refusals.append("\(error.code) \(error.message) \(error.metadata)")
                }
                let byOperator = try #require(try await house.look("dan", by: "olu", .operator))
                refusals.append("\(byOperator.code) \(byOperator.message) \(byOperator.metadata)")
                #expect(Set(refusals).count == 1, "\(Set(refusals))")
                #expect(refusals[0].contains("no throughput is shown to you under that name"))
                #expect(try await house.look("dan", by: "tom") == nil)
                #expect(try await house.look("cid", by: "ann", .engineer)?.code == .permissionDenied)
                let rows = try await house.owner.query(Query(.unprepared("select count(*) from throughput_look")))
                #expect(try rows[0].int8(0) == 2)
                // Each look is the engineer's to see.
                let access = try await house.ledger.access(of: "cid").filter { $0.what == "throughput" }
                #expect(access.map(\.by) == ["sue"] && access[0].detail == "your labels by date: planning")
            }
        }
    }
}
