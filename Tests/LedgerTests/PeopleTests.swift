import Coordinator
import Foundation
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

@Suite struct PeopleTests {
    @Test func theFirstOperatorIsNamedOnceAndTheLastCannotGo() async throws {
        try await withLedger { fixture in
            try await Ledger.nameFirstOperator("ada", fixture.owner)
            try await Ledger.nameFirstOperator("ada", fixture.owner)
            let second = await #expect(throws: LedgerError.self) {
                try await Ledger.nameFirstOperator("bob", fixture.owner)
            }
            #expect(second?.code == .refused)
            let last = await #expect(throws: LedgerError.self) {
                try await fixture.ledger.revokeRole(.operator, from: "ada", reason: "a test", by: "ada")
            }
            #expect(last?.code == .refused)
            try await fixture.ledger.grantRole(.operator, to: "bob", by: "ada")
            try await fixture.ledger.revokeRole(.operator, from: "ada", reason: "a test", by: "bob")
            #expect(try await fixture.ledger.roles().filter { $0.role == .operator }.map(\.name) == ["bob"])
            let gone = await #expect(throws: LedgerError.self) {
                try await fixture.ledger.revokeRole(.reviewer, from: "bob", reason: "a test", by: "bob")
            }
            #expect(gone?.code == .notFound)
        }
    }

    @Test func anEnrolmentNeedsItsWholeSelectionRecord() async throws {
        try await withLedger { fixture in
            _ = try await fixture.ledger.createProject(draft(), by: "op")
            var incomplete = record
            incomplete.alternativeOffered = ""
            incomplete.decidedBy = " "
            let bad = incomplete
            let error = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.enrolEngineer(
                    "ann", zone: "UTC", projects: ["puzzles"], selection: bad, by: "op")
            }
            #expect(error?.message.contains("decided by, alternative offered") == true)
            for (zone, code) in [(nil, LedgerError.Code.invalid), ("Mars/Base", .invalid)] as [(String?, _)] {
                let zoneless = await #expect(throws: LedgerError.self) {
                    _ = try await fixture.ledger.enrolEngineer(
                        "ann", zone: zone, projects: ["puzzles"], selection: record, by: "op")
                }
                #expect(zoneless?.code == code)
            }
            #expect(try await fixture.number("select count(*) from person where name <> 'boss'") == 0)
            let unknown = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.enrolEngineer(
                    "ann", zone: "UTC", projects: ["other"], selection: record, by: "op")
            }
            #expect(unknown?.code == .notFound)
        }
    }

    @Test func anEnrolmentTokenWorksOnce() async throws {
        try await withLedger { fixture in
            _ = try await fixture.ledger.createProject(draft(), by: "op")
            let hash = [UInt8](repeating: 7, count: 32)
            _ = try await fixture.ledger.enrolEngineer(
                "ann", zone: "UTC", projects: ["puzzles"], selection: record, tokenHash: hash, by: "op")
            _ = try await fixture.ledger.createPerson(named: "ben", zone: "UTC")
            func issue(_ serial: String, to name: String, _ token: [UInt8]) async throws {
                try await fixture.ledger.recordCertificate(
                    CertificateRow.Draft(
                        serial: serial, identity: "spiffe://test/engineer/\(name)/worker/w1", name: name,
                        notBefore: Moment(microseconds: 0), notAfter: Moment(microseconds: 4_000_000_000_000_000)),
                    tokenHash: token, by: "op")
            }
            func refused(_ serial: String, to name: String, _ token: [UInt8]) async {
                let error = await #expect(throws: LedgerError.self) { try await issue(serial, to: name, token) }
                #expect(error?.code == .refused)
            }
            // What is refused uses nobody's token up, and records no certificate.
            await refused("a0", to: "ben", hash)
            try await issue("a1", to: "ann", hash)
            await refused("a2", to: "ann", hash)
            await refused("a3", to: "ann", [1, 2, 3])
            #expect(try await fixture.texts("select serial from certificate") == ["a1"])
        }
    }

    @Test func aProjectWithoutNamedPersonsPurposesOrAClosedSchemaIsRefused() async throws {
        try await withLedger { fixture in
            func refused(_ change: (inout ProjectDraft) -> Void, _ words: String) async {
                var bad = draft()
                change(&bad)
                let project = bad
                let error = await #expect(throws: LedgerError.self, "\(words)") {
                    _ = try await fixture.ledger.createProject(project, by: "op")
                }
                #expect(
                    error?.code == .invalid && error?.message.contains(words) == true, "\(String(describing: error))")
            }
            await refused({ $0.namedPersons = [] }, "named person")
            await refused({ $0.purposes = [] }, "purpose")
            await refused(
                { $0.answerSchema = #"{"type":"object","properties":{"a":{"type":"string"}}}"# }, "answer schema")
            await refused({ $0.answerSchema = nil }, "answer schema")
            await refused({ $0.overlap = 65 }, "overlap")
            await refused({ $0.name = "Bad Name" }, "no name for a project")
            let project = try await fixture.ledger.createProject(draft(), by: "op")
            #expect(project.instructionsVersion == 1 && project.purposes == ["taking-part"])
            var change = ProjectDraft(name: "puzzles")
            change.instructions = "Look twice."
            change.weight = 3
            let set = try await fixture.ledger.setProject(change, by: "op")
            #expect(set.instructionsVersion == 2 && set.weight == 3 && set.effortSeconds == 60)
            change.overlap = 2
            let clash = change
            let error = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.setProject(clash, by: "op")
            }
            #expect(error?.code == .conflict)
        }
    }

    @Test func aPolicyIsCheckedBeforeItHoldsAndKeepsItsHistory() async throws {
        try await withLedger { fixture in
            let before = try await fixture.ledger.epochVersion()
            let bad = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.applyPolicy(
                    "format: 1\nlimits: {no-such-limit: 3}\n", reason: "x", by: "op")
            }
            #expect(bad?.code == .invalid && bad?.message.contains("line 2") == true)
            let row = try await fixture.ledger.applyPolicy(
                "format: 1\nlimits: {open-leases: 5}\n", reason: "more room", by: "op")
            #expect(row.version == 2)
            #expect(try await fixture.ledger.policy().parsed().limits.openLeases == 5)
            #expect(try await fixture.ledger.policy(version: 1).author == "plimsoll")
            #expect(try await fixture.ledger.policyHistory().map(\.version) == [2, 1])
            #expect(try await fixture.ledger.epochVersion() == before + 1)
            #expect(try await fixture.number("select count(*) from chain_event where kind = 'policy.applied'") == 1)
            // The hash of an event is that of its salt and its erasable part.
            #expect(
                try await fixture.number(
                    """
                    select count(*) from chain_event e join chain_detail d using (event_id)
                    where e.hash <> sha256(d.salt || convert_to(d.detail::text, 'UTF8'))
                    """) == 0)
        }
    }

    @Test func aDeniedCertificateEndsWorkOnlyWhenItWasTheLast() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(2))
            try await fixture.lease("t0", to: "ann")
            let now = Moment(
                microseconds: try await fixture.number(
                    "select (extract(epoch from clock()) * 1000000)::bigint"))
            for serial in ["0a", "0b"] {
                try await fixture.ledger.recordCertificate(
                    CertificateRow.Draft(
                        serial: serial, identity: "spiffe://x/engineer/ann/worker/\(serial)", name: "ann",
                        notBefore: now, notAfter: now + .hours(24)), by: "op")
            }
            #expect(try await fixture.ledger.deny(.serial("0a"), reason: "lost", by: "op").leasesEnded == 0)
            #expect(try await fixture.ledger.deny(.serial("0b"), reason: "lost", by: "op").leasesEnded == 1)
            #expect(try await fixture.ledger.certificates(of: "ann").map(\.isDenied) == [true, true])
            #expect(try await fixture.ledger.isDenied(name: "ann", serial: "0a"))
            #expect(try await !fixture.ledger.isDenied(name: "ann", serial: "0c"))
        }
    }

    /// As when the tables of time zones have lost one since it was set.
    @Test func aZoneThatNobodyKnowsAnyMoreIsLeftBehindAtOnce() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            try await fixture.withoutQuietHours()
            try await fixture.importTasks(tasks(1))
            func isAvailable() async throws -> Bool {
                try await Availability(ledger: ledger).engineers().contains { $0.name == "ann" && $0.isAvailable }
            }
            func former() async throws -> String? { try await ledger.standing(of: "ann").person.formerZone?.name }
            func lose(_ column: String) async throws {
                try await fixture.owner.execute(script: "update person set \(column) = 'Mars/Base' where name = 'ann'")
            }
            try await lose("zone")
            #expect(try await !isAvailable())
            let changed = try await ledger.setZone("Europe/Lisbon", by: "ann")
            #expect(changed.zone == "Europe/Lisbon" && changed.former == nil)
            #expect(try await former() == nil)
            #expect(try await isAvailable())
            // The new one is a zone like any other: it counts beside the next.
            let next = try await ledger.setZone("Asia/Tokyo", by: "ann")
            #expect(next.former?.zone == "Europe/Lisbon")
            #expect(try await former() == "Europe/Lisbon")
            // Where it counts beside the present one already, setting that one again, or a third, ends it.
            for zone in ["Asia/Tokyo", "America/New_York"] {
                try await lose("former_zone")
                #expect(try await !isAvailable())
                let kept = zone == "Asia/Tokyo" ? nil : "Asia/Tokyo"
                #expect(try await ledger.setZone(zone, by: "ann").former?.zone == kept)
                #expect(try await former() == kept)
                #expect(try await isAvailable())
            }
            // The present one may be lost too: then the one before counts on, as long as it would have.
            try await lose("zone")
            let third = try await ledger.setZone("Asia/Seoul", by: "ann")
            #expect(third.zone == "Asia/Seoul" && third.former?.zone == "Asia/Tokyo")
            let again = try await ledger.setZone("Asia/Seoul", by: "ann")
            #expect(third.former?.until == again.former?.until)
            #expect(try await isAvailable())
            try await fixture.expectNoGaps()
        }
    }

    @Test func standingIsWhatAFlushWouldRead() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(2))
            try await fixture.lease("t0", to: "ann")
            let standing = try await fixture.ledger.standing(of: "ann")
            #expect(standing.person.isEngineer && !standing.person.denied)
            #expect(standing.person.agreements.map(\.state) == [.given])
            #expect(standing.person.leases.count == 1 && standing.lanes.values.map(\.kind) == ["puzzle"])
            #expect(standing.projects.map(\.name) == ["puzzles"])
            #expect(standing.line.limits.openLeases == 3)
            await #expect(throws: LedgerError.self) { _ = try await fixture.ledger.standing(of: "bob") }
        }
    }
}
