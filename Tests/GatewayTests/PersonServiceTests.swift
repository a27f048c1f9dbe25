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

/// What people are shown of their own data, over a real database, called as the interceptor calls it: with a caller.
@Suite struct PersonServiceTests {
    private struct Office: Sendable {
        let ledger: Ledger
        let owner: Connection
        var person: PersonService { PersonService(ledger: ledger) }
        var control: ControlService { ControlService(ledger: ledger, authority: nil) }

        func context(_ name: String, _ role: Role = .engineer) throws -> ServerContext {
            var context = ServerContext(
                descriptor: MethodDescriptor(fullyQualifiedService: "plimsoll.v1.Person", method: "Test"),
                remotePeer: "in-process", localPeer: "in-process", cancellation: .init())
            context.transportSpecific = Caller(
                identity: try PeerIdentity(
                    role: role, name: name, worker: role == .engineer ? "w1" : nil, trustDomain: "test.example"),
                serial: "0a", notAfter: Date() + 3_600)
            return context
        }

        func data(_ name: String) async throws -> [String: [String]] {
            let parts = Parts<Plimsoll_V1_DataPart>()
            try await person.showData(
                request: .init(), response: RPCWriter(wrapping: parts), context: context(name))
            var tables: [String: [String]] = [:]
            var table = ""
            for part in parts.all {
                if part.hasTable {
                    table = part.table.name
                    #expect(tables.updateValue([], forKey: table) == nil)
                    #expect(!part.table.purpose.isEmpty && !part.table.kept.isEmpty && !part.table.columns.isEmpty)
                }
                tables[table, default: []] += part.rows
            }
            return tables
        }

        func answers(_ name: String) async throws -> [Plimsoll_V1_OwnAnswer] {
            let parts = Parts<Plimsoll_V1_ListAnswersResponse>()
            try await person.listAnswers(
                request: .init(), response: RPCWriter(wrapping: parts), context: context(name))
            return parts.all.flatMap(\.answers)
        }
    }

    private final class Parts<Element: Sendable>: RPCWriterProtocol {
        private let kept = Mutex<[Element]>([])
        var all: [Element] { kept.withLock { $0 } }
        func write(_ element: Element) async throws { kept.withLock { $0.append(element) } }
        func write(contentsOf elements: some Sequence<Element>) async throws {
            for element in elements { try await write(element) }
        }
    }

    private func withOffice(_ body: (Office) async throws -> Void) async throws {
        let logger = Logger(label: "test.person", factory: { _ in SwiftLogNoOpLogHandler() })
        try await withLedger(operator: "olga", logger) { test in
            let office = Office(ledger: test.ledger, owner: test.owner)
            try await fill(office)
            try await body(office)
        }
    }

    /// Two engineers with a label each, one of whom has a late answer too; an export, and a certificate.
    private func fill(_ office: Office) async throws {
        let ledger = office.ledger
        try await Puzzles.fill(
            ledger,
            answerSchema: #"{"type":"object","properties":{"label":{"type":"string"}},"additionalProperties":false}"#,
            agreements: [("taking-part", nil), ("training", nil)])
        for (name, key) in [("ann", "t0"), ("bob", "t1")] {
            try await office.owner.execute(
                script: """
                    insert into provenance (person_id, project_id, policy_version, instructions_version, agreements)
                        select p.person_id, j.project_id, 1, 1, '{taking-part@taking-part/1#1,training@training/1#2}'
                        from person p, project j where p.name = '\(name)';
                    insert into lease (task_id, slot, person_id, fence, lane_id, project_id, granted_at, first_granted_at,
                        deadline, coordinator_id, provenance_id, why)
                    select t.task_id, 1, p.person_id, t.task_id, t.lane_id, t.project_id, clock(), clock(), clock(), 1,
                        v.provenance_id, '{}'
                    from task t, person p join provenance v using (person_id)
                    where t.external_key = '\(key)' and p.name = '\(name)';
                    insert into label (task_id, slot, person_id, fence, project_id, person_n, provenance_id, accepted_on,
                        answer_hash, answer)
                    select task_id, slot, person_id, fence, project_id, 4, provenance_id, current_date, '\\x00',
                        '{"label":"by \(name)"}' from lease;
                    """)
        }
        try await office.owner.execute(
            script: """
                insert into late_answer (task_id, person_id, fence, project_id, person_n, arrived_on, answer_hash, answer,
                    why) select t.task_id, p.person_id, 9, t.project_id, 4, current_date, '\\x01',
                    '{"label":"late by ann"}', 'expired' from task t, person p
                    where t.external_key = 't2' and p.name = 'ann';
                """)
        _ = try await ledger.exportLabels(project: "puzzles", purpose: "training", by: "olga") { _ in
        } receive: { _ in
        }
        try await ledger.recordCertificate(
            CertificateRow.Draft(
                serial: "0a", identity: "spiffe://test.example/engineer/ann/worker/w1", name: "ann",
                notBefore: Moment(seconds: 0), notAfter: Moment(seconds: 4_000_000_000)), by: "olga")
    }

    @Test func everyoneSeesAllOfTheirOwnAndNothingOfOthers() async throws {
        try await withOffice { office in
            let ann = try await office.data("ann")
            let inventory = try Inventory.shipped()
            #expect(Set(ann.keys) == Set(inventory.tables.map(\.name)))
            for table in inventory.tables where table.person != nil {
                let own = try await office.owner.query(
                    Query(
                        .unprepared(
                            """
                            select count(*) from \(table.name)
                            where \(table.person ?? "") = (select person_id from person where name = 'ann')
                            """)))[0].int8(0)
                #expect(ann[table.name]?.count == Int(own), "\(table.name)")
            }
            for table in [
                "person", "role_grant", "certificate", "enrolment", "consent_event", "label", "late_answer",
                "provenance",
                "usage", "export_person", "chain_detail",
            ] {
                #expect(ann[table]?.isEmpty == false, "\(table)")
            }
            let all = ann.values.joined().joined(separator: "\n")
            #expect(all.contains("by ann") && all.contains("late by ann") && all.contains("boss"))
            #expect(!all.contains("bob"))
            // Members in the order of the inventory, whoever asks and whenever.
            #expect(ann["person"]?.first?.hasPrefix(#"{"person_id":"#) == true)
            #expect(try await office.data("ann") == ann)
            let bob = try await office.data("bob")
            #expect(!bob.values.joined().joined().contains("by ann"))
            // Who acted is told in how many rows their name stands, and not of whom.
            let olga = try await office.data("olga")
            #expect(olga["role_grant"]?.contains { $0.contains("your_name_in") && $0.contains("granted_by") } == true)
            #expect(!olga.filter { $0.key != "chain_detail" }.values.joined().joined().contains("ann"))
        }
    }

    @Test func answersSayWhatBecameOfThem() async throws {
        try await withOffice { office in
            func states(_ name: String) async throws -> [String] {
                try await office.answers(name).map { "\($0.key) \($0.state) \($0.withdrawn.joined(separator: ","))" }
            }
            #expect(try await states("ann") == ["t0 accepted ", "t2 late-waiting "])
            #expect(try await states("bob") == ["t1 accepted "])
            #expect(try await states("olga").isEmpty)
            let late = try #require(try await office.ledger.lateAnswers(project: "puzzles").first)
            _ = try await office.ledger.judgeLateAnswer(late.id, accept: false, reason: "too vague", by: "olga")
            let judged = try #require(try await office.answers("ann").last)
            #expect(judged.state == "late-discarded" && judged.reason == "expired: too vague")
            _ = try await office.ledger.withdrawAgreement(
                purpose: "training", voice: ConsentVoice(name: "ann", certificateSerial: "0a"))
            #expect(try await states("ann").first == "t0 excluded training")
            try await office.ledger.settleWithdrawals()
            #expect(try await states("ann").first == "t0 excluded training")
        }
    }

    @Test func everyLookOfSomebodyElseIsOnTheRecord() async throws {
        try await withOffice { office in
            func seen(_ name: String) async throws -> [String] {
                try await office.person.listAccess(request: .init(), context: office.context(name)).entries
                    .map { "\($0.what) by \($0.by): \($0.detail)" }
            }
            let export = "export by olga: export 1 of puzzles for training holds 1 of your answers, under a pseudonym"
            let certificate = "certificate by olga: 0a for spiffe://test.example/engineer/ann/worker/w1"
            #expect(try await seen("ann") == [certificate, export])
            #expect(try await seen("bob") == [export])
            let olga = try office.context("olga", .operator)
            for _ in 0..<2 { _ = try await office.control.listEngineers(request: .init(), context: olga) }
            _ = try await office.control.listCertificates(request: .with { $0.name = "ann" }, context: olga)
            _ = try await office.control.listRoles(request: .with { $0.name = "bob" }, context: olga)
            _ = try await office.control.listLateAnswers(request: .with { $0.project = "puzzles" }, context: olga)
            #expect(
                try await seen("ann") == [
                    certificate, "certificate-list by olga: of yours", "engineer-list by olga: of everybody", export,
                    "late-answers by olga: of yours",
                ])
            #expect(
                try await seen("bob") == [
                    "engineer-list by olga: of everybody", export, "role-list by olga: of yours",
                ])
            // One's own look is nobody else's.
            #expect(try await seen("olga").isEmpty)
        }
    }

    /// P11: whoever is named to somebody one by one, or looked at alone, sees it.
    @Test func everyLookAtOnePersonIsSeenByThatPerson() async throws {
        try await withOffice { office in
            func looks(_ name: String) async throws -> Set<String> {
                Set(
                    try await office.person.listAccess(request: .init(), context: office.context(name)).entries
                        .filter { !["certificate", "export"].contains($0.what) }.map { "\($0.what) by \($0.by)" })
            }
            let ledger = office.ledger
            let organisation = OrganisationService(ledger: ledger)
            let (hours, concerns) = (HoursService(ledger: ledger), ConcernService(ledger: ledger))
            let (olga, boss) = (try office.context("olga", .operator), try office.context("boss", .supervisor))
            func expect(_ look: String, _ body: () async throws -> Void) async throws {
                let (ann, bob) = (try await looks("ann"), try await looks("bob"))
                try await body()
                #expect(try await looks("ann").subtracting(ann) == [look])
                #expect(try await looks("bob") == bob, "\(look) is on the record of somebody who was not looked at")
            }
            for (reader, name) in [(olga, "olga"), (boss, "boss")] {
                try await expect("limits by \(name)") {
                    _ = try await organisation.showEffectiveLimits(
                        request: .with { $0.name = "ann" }, context: reader)
                }
            }
            #expect(
                try await ledger.chainEvents(kind: "limits.shown", limit: 10).map(\.detail?.actor) == ["boss", "olga"])
            // One's own is no look, and a refused one showed nothing.
            _ = try await organisation.showEffectiveLimits(request: .init(), context: office.context("bob"))
            await #expect(throws: (any Error).self) {
                _ = try await organisation.showEffectiveLimits(
                    request: .with { $0.name = "bob" }, context: office.context("tom", .supervisor))
            }
            _ = try await ledger.applyPolicy("ceiling: {day-time: 6h}\n", reason: "raises", by: "olga")
            _ = try await ledger.askRaise("day-time: 5h\n", reason: "a sprint", by: "ann")
            for (reader, name) in [(olga, "olga"), (boss, "boss")] {
                try await expect("raise-list by \(name)") {
                    let shown = try await organisation.listRaises(request: .init(), context: reader).raises
                    #expect(shown.count == 1)
                }
            }
            try await office.owner.execute(
                script: """
                    insert into time_correction (person_id, what, starts, ends, recorded, reason, asked_at)
                    select person_id, 'remove', clock() - interval '2 hours', clock() - interval '1 hour',
                        tstzmultirange(tstzrange(clock() - interval '2 hours', clock() - interval '1 hour')), 'away', clock()
                    from person where name = 'ann'
                    """)
            for (reader, name) in [(olga, "olga"), (boss, "boss")] {
                try await expect("asked-corrections by \(name)") {
                    let shown = try await hours.listAskedCorrections(request: .init(), context: reader).corrections
                    #expect(shown.count == 1)
                }
            }
            _ = try await ledger.raiseConcern("too fast", project: nil, voice: .named("ann"))
            _ = try await ledger.raiseConcern("so say I", project: nil, voice: .withoutName(tokenHash: [1]))
            try await expect("concern by olga") {
                let shown = try await concerns.listConcerns(request: .init(), context: olga).addressed
                #expect(shown.count == 2)
            }
            // Both are in the team, and the one who answers for it is named too.
            let bossContext = try office.context("boss")
            func ofBoss() async throws -> [String] {
                try await office.person.listAccess(request: .init(), context: bossContext).entries
                    .map { "\($0.what) by \($0.by)" }
            }
            _ = try await organisation.showTeam(request: .with { $0.name = "boss" }, context: olga)
            for name in ["ann", "bob"] { #expect(try await looks(name).contains("team by olga"), "\(name)") }
            _ = try await organisation.listTeams(request: .init(), context: olga)
            #expect(try await ofBoss() == ["team by olga", "team-list by olga"])
            #expect(try await !looks("ann").contains("team-list by olga"))
            // The chain has them too, each once a day; that there is a concern under a name is nobody else's to know.
            _ = try await organisation.listTeams(request: .init(), context: olga)
            let chained = try await ledger.chainEvents(kind: "people.read", limit: 100).compactMap(\.detail).map {
                let what = try JSONValue.parse($0.text)["what"]?.stringValue
                return "\(what ?? "") by \($0.actor)"
            }
            #expect(
                chained.sorted() == [
                    "asked-corrections by boss", "asked-corrections by olga", "raise-list by boss",
                    "raise-list by olga", "team by olga", "team-list by olga",
                ])
        }
    }

    /// P13: what is taken from somebody is told to that person, with who did it and why.
    @Test func whoLosesARoleOrIsDeniedIsToldByWhomAndWhy() async throws {
        try await withOffice { office in
            let olga = try office.context("olga", .operator)
            func revoke(_ reason: String) async throws -> Plimsoll_V1_RoleGrant {
                try await office.control.revokeRole(
                    request: .with {
                        $0.name = "ann"
                        $0.role = "engineer"
                        $0.reason = reason
                    }, context: olga)
            }
            for reason in ["", " \n"] {
                let refused = await #expect(throws: LedgerError.self) { _ = try await revoke(reason) }
                #expect(refused?.code == .invalid && refused?.remedy == "say it with --reason")
            }
            #expect(try await office.ledger.roles(of: "ann").count == 1)
            #expect(try await revoke("the project has ended").role == "engineer")
            _ = try await office.ledger.deny(.person("ann"), reason: "a lost laptop", by: "olga")
            let entries = try await office.person.listAccess(request: .init(), context: office.context("ann")).entries
            let told = entries.filter { ["role-revoked", "access-denied"].contains($0.what) }
            #expect(told.map(\.by) == ["olga", "olga"])
            #expect(told.map(\.detail) == ["you: a lost laptop", "role engineer: the project has ended"])
            let event = try #require(try await office.ledger.chainEvents(kind: "role.revoked", limit: 1).first?.detail)
            #expect(String(decoding: event.text, as: UTF8.self).contains("the project has ended"))
        }
    }

    /// Who acted by number is told by name, to whom it is about; and each sees in how many rows they acted.
    @Test func whoAgreedIsShownToBothParties() async throws {
        try await withOffice { office in
            _ = try await office.ledger.applyPolicy("ceiling: {day-time: 6h}\n", reason: "raises", by: "olga")
            let raise = try await office.ledger.askRaise("day-time: 5h\n", reason: "a sprint", by: "ann")
            _ = try await office.ledger.agreeRaise(raise.id, by: "boss")
            try await office.owner.execute(
                script: """
                    insert into throughput_look (person_id, reader_id, reason, looked_at)
                    select a.person_id, b.person_id, 'planning', clock() from person a, person b
                    where a.name = 'ann' and b.name = 'boss'
                    """)
            let ann = try await office.data("ann")
            #expect(ann["limit_raise"]?.count == 1 && ann["limit_raise"]?[0].contains(#""agreed_by":"boss""#) == true)
            #expect(ann["throughput_look"]?[0].contains(#""reader_id":"boss""#) == true)
            let boss = try await office.data("boss")
            #expect(boss["limit_raise"] == [#"{"your_name_in":"agreed_by","rows":1}"#])
            #expect(boss["throughput_look"] == [#"{"your_name_in":"reader_id","rows":1}"#])
            #expect(try await office.data("bob")["limit_raise"]?.isEmpty == true)
        }
    }
}
