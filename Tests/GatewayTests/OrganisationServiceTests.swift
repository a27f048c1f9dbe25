import Foundation
import GRPCCore
import Identity
import Ledger
import Logging
import PlimsollProtocol
import Postgres
import SwiftProtobuf
import TestSupport
import Testing

@testable import Gateway

/// Organisation and concerns over a real database, called as the interceptor calls them: with a caller. What a role may
/// see or change of its own alone is decided there.
@Suite struct OrganisationServiceTests {
    private struct House: Sendable {
        let ledger: Ledger
        let owner: Connection

        var organisation: OrganisationService { OrganisationService(ledger: ledger) }
        var concerns: ConcernService { ConcernService(ledger: ledger) }

        func context(_ name: String, _ role: Role) throws -> ServerContext {
            var context = ServerContext(
                descriptor: MethodDescriptor(fullyQualifiedService: "plimsoll.v1.Organisation", method: "Test"),
                remotePeer: "in-process", localPeer: "in-process", cancellation: .init())
            context.transportSpecific = Caller(
                identity: try PeerIdentity(
                    role: role, name: name, worker: role == .engineer ? "w1" : nil, trustDomain: "test.example"),
                serial: "5e71a1", notAfter: Date() + 3_600)
            return context
        }

        /// Every value of every row in the database, as one text.
        func everything() async throws -> String {
            let tables = try await owner.query(
                Query(
                    .unprepared(
                        """
                        select relname::text from pg_class where relnamespace = 'plimsoll'::regnamespace
                            and relkind in ('r', 'p') and not relispartition
                        """))
            ).map { try $0.text(0) }
            var text = ""
            for table in tables {
                let rows = try await owner.query(
                    Query(.unprepared("select coalesce(string_agg(t::text, ' '), '') from plimsoll.\(table) t")))
                text += try "\(table): \(rows[0].text(0))\n"
            }
            return text
        }
    }

    private func withHouse(_ body: (House) async throws -> Void) async throws {
        try await withLedger(operator: "olu", Logger(label: "test.organisation")) { test in
            _ = try await test.ledger.createProject(
                ProjectDraft(
                    name: "puzzles",
                    answerSchema: #"{"type":"string"}"#, purposes: ["taking-part"], namedPersons: ["sue", "tom"]),
                by: "olu")
            for name in ["sue", "tom"] { try await test.ledger.grantRole(.supervisor, to: name, by: "olu") }
            let house = House(ledger: test.ledger, owner: test.owner)
            let enrolled = try await house.organisation.enrolEngineers(
                request: Self.enrolment(["ann", "bob"]), context: house.context("olu", .operator))
            #expect(enrolled.people.map(\.name) == ["ann", "bob"] && enrolled.span.supervisor == "sue")
            #expect(Set(enrolled.people.map(\.token)).count == 2)
            try await body(house)
        }
    }

    private static func enrolment(_ names: [String]) -> Plimsoll_V1_EnrolEngineersRequest {
        .with {
            $0.people = names.map { name in
                .with {
                    $0.name = name
                    $0.zone = "UTC"
                }
            }
            $0.projects = ["puzzles"]
            $0.rule = "volunteers/1"
            $0.dataUsed = "none"
            $0.decidedBy = "sue"
            $0.alternativeOffered = "the usual work"
            $0.tokens = true
        }
    }

    private func code(_ body: () async throws -> Void) async -> GatewayError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return GatewayError(of: error).code
        }
    }

    @Test func aTeamOfFiftyIsRefusedByTheRule() async throws {
        try await withHouse { house in
            let names = (1...50).map { "p\($0)" }
            let error = await #expect(throws: LedgerError.self) {
                _ = try await house.organisation.enrolEngineers(
                    request: Self.enrolment(names), context: house.context("olu", .operator))
            }
            // failedPrecondition is exit code 3 of the command line.
            #expect(error?.gatewayError.status.code == .failedPrecondition)
            #expect(error?.gatewayError.message.contains("span-of-control: 52 of 20") == true)
        }
    }

    @Test func anEngineerLeavesForThemselvesAlone() async throws {
        try await withHouse { house in
            let organisation = house.organisation
            let ann = try house.context("ann", .engineer)
            func leave(_ name: String, _ context: ServerContext, reason: String = "") async -> GatewayError.Code? {
                await code {
                    _ = try await organisation.leaveProject(
                        request: .with {
                            $0.name = name
                            $0.project = "puzzles"
                            $0.reason = reason
                        }, context: context)
                }
            }
            #expect(await leave("bob", ann, reason: "x") == .notAllowed)
            #expect(await leave("", ann) == nil)
            #expect(try await leave("bob", house.context("olu", .operator)) == .badMessage)
            #expect(try await leave("bob", house.context("olu", .operator), reason: "smaller") == nil)
            let kept = try await organisation.listSelections(request: .init(), context: ann)
            #expect(kept.selections.map(\.endedBy) == ["ann"] && kept.selections[0].decidedBy == "sue")
            #expect(!kept.selections[0].endedOn.isEmpty && kept.selections[0].endReason.isEmpty)
        }
    }

    @Test func aSupervisorSetsTheirOwnTeamsLimitsAndNobodyElses() async throws {
        try await withHouse { house in
            let organisation = house.organisation
            func set(_ layer: Plimsoll_V1_LimitLayer, _ context: ServerContext) async -> GatewayError.Code? {
                await code { _ = try await organisation.setLimitLayer(request: layer, context: context) }
            }
            let team = Plimsoll_V1_LimitLayer.with {
                $0.team = "sue"
                $0.document = "day-time: 3h"
            }
            let project = Plimsoll_V1_LimitLayer.with {
                $0.project = "puzzles"
                $0.document = "day-time: 2h"
            }
            let (sue, tom) = (try house.context("sue", .supervisor), try house.context("tom", .supervisor))
            let olu = try house.context("olu", .operator)
            #expect(await set(team, tom) == .notAllowed)
            #expect(await set(team, sue) == nil)
            #expect(await set(project, sue) == .notAllowed)
            #expect(await set(project, olu) == nil)
            #expect(await set(.with { $0.document = "x" }, olu) == .badMessage)
        }
    }

    /// P9: byte for byte.
    @Test func whatASupervisorReadsOfALimitIsTheSameForEverybodyOfTheTeam() async throws {
        try await withHouse { house in
            let organisation = house.organisation
            let ann = try house.context("ann", .engineer)
            _ = try await organisation.setMyLimits(
                request: .with { $0.document = "{open-leases: 1, quiet-hours: none}" }, context: ann)
            func read(_ name: String, _ context: ServerContext) async throws -> [UInt8] {
                Array(
                    try await organisation.showEffectiveLimits(
                        request: .with { $0.name = name }, context: context
                    ).serializedData())
            }
            let sue = try house.context("sue", .supervisor)
            #expect(try await read("ann", sue) == read("bob", sue))
            #expect(try await read("ann", ann) != read("bob", house.context("bob", .engineer)))
            #expect(try await read("", ann) == read("ann", house.context("olu", .operator)))
            #expect(await code { _ = try await read("bob", ann) } == .notAllowed)
            let tom = try house.context("tom", .supervisor)
            #expect(await code { _ = try await read("ann", tom) } == .refused)
        }
    }

    @Test func aRaiseIsEndedByItsPersonAndIsNobodyElsesToSee() async throws {
        try await withHouse { house in
            let organisation = house.organisation
            _ = try await house.ledger.applyPolicy("ceiling: {day-time: 6h}", reason: "raises", by: "olu")
            let ann = try house.context("ann", .engineer)
            let bob = try house.context("bob", .engineer)
            let raise = try await organisation.askRaise(
                request: .with {
                    $0.document = "day-time: 5h"
                    $0.reason = "a sprint"
                }, context: ann)
            #expect(try await organisation.listRaises(request: .init(), context: bob).raises.isEmpty)
            let this = Plimsoll_V1_RaiseRequest.with { $0.id = raise.id }
            #expect(await code { _ = try await organisation.endRaise(request: this, context: bob) } == .notFound)
            let tom = try house.context("tom", .supervisor)
            #expect(try await organisation.listRaises(request: .init(), context: tom).raises.isEmpty)
            #expect(await code { _ = try await organisation.agreeRaise(request: this, context: tom) } == .notFound)
            let agreed = try await organisation.agreeRaise(request: this, context: house.context("sue", .supervisor))
            #expect(agreed.state == "agreed" && agreed.agreedBy == "sue")
            #expect(try await organisation.endRaise(request: this, context: ann).state == "ended")
        }
    }

    @Test func aConcernWithoutANameLeavesNoTraceOfWhoseItIs() async throws {
        try await withHouse { house in
            let before = try await house.everything()
            let raised = try await house.concerns.raiseConcern(
                request: .with {
                    $0.project = "puzzles"
                    $0.text = "Nobody listens."
                    $0.anonymous = true
                }, context: house.context("ann", .engineer))
            #expect(raised.id == 0 && !raised.token.isEmpty)
            let after = try await house.everything()
            // What is new names neither person, certificate nor token, and has no time.
            let old = Set(before.split(separator: "\n"))
            let new = after.split(separator: "\n").filter { !old.contains($0) }
            #expect(new.count == 1 && new[0].hasPrefix("concern: "), "\(new)")
            for trace in ["ann", "5e71a1", raised.token] { #expect(!new[0].contains(trace)) }
            #expect(new[0].firstMatch(of: /[0-9]{2}:[0-9]{2}/) == nil)

            let sue = try house.context("sue", .supervisor)
            let list = try await house.concerns.listConcerns(request: .init(), context: sue)
            #expect(list.addressed.map(\.text) == ["Nobody listens."] && list.addressed[0].author.isEmpty)
            for (name, role) in [("tom", Role.supervisor), ("olu", .operator), ("ann", .engineer)] {
                let others = try await house.concerns.listConcerns(request: .init(), context: house.context(name, role))
                #expect(others.addressed.isEmpty && others.own.isEmpty)
            }
            _ = try await house.concerns.answerConcern(
                request: .with {
                    $0.id = list.addressed[0].id
                    $0.text = "I do."
                }, context: sue)
            // Read out and typed.
            let shown = try await house.concerns.showConcern(
                request: .with { $0.token = raised.token.uppercased().replacing("-", with: " ") },
                context: house.context("bob", .engineer))
            #expect(shown.answers.map(\.text) == ["I do."] && shown.author.isEmpty)
            let digest = try await house.concerns.weeklyDigest(
                request: .init(), context: house.context("ann", .engineer))
            #expect(digest == (try await house.concerns.weeklyDigest(request: .init(), context: sue)))
            #expect(digest.rows.map(\.project) == ["puzzles", "the deployment", ""] && digest.smallestGroup == 10)
            #expect(
                await code {
                    _ = try await house.concerns.weeklyDigest(
                        request: .with { $0.week = "last" }, context: sue)
                } == .badMessage)
        }
    }
}
