import Foundation
import PlimsollModel
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// P6: an answer whose lease was gone waits for a human, and becomes a label where everything allows it.
@Suite struct LateAnswerTests {
    /// A late answer of a person to a task, by plain SQL.
    private func late(_ key: String, by person: String, _ fixture: LedgerFixture) async throws -> Int64 {
        try await fixture.owner.execute(
            script: """
                insert into late_answer (task_id, person_id, fence, project_id, person_n, arrived_on, answer_hash, answer,
                    why)
                select t.task_id, p.person_id, 4242, t.project_id,
                    (select max(n) from usage u where u.person_id = p.person_id), current_date, '\\x01',
                    '{"label":"b"}', 'deadline'
                from task t, person p where t.external_key = '\(key)' and p.name = '\(person)';
                insert into tally (project_id, at, late) select project_id, clock(), 1 from project;
                """)
        return try await fixture.number("select max(late_id) from late_answer")
    }

    @Test func acceptingMakesALabelWhereASlotIsFree() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(overlap: 1, people: ["ann", "bob"])
            try await fixture.importTasks(tasks(3))
            let id = try await late("t0", by: "ann", fixture)
            #expect(try await ledger.lateAnswers(project: "puzzles").map(\.key) == ["t0"])
            #expect(try await ledger.judgeLateAnswer(id, accept: true, reason: "", by: "ann") == .notPossible)
            #expect(try await ledger.judgeLateAnswer(id, accept: true, reason: "", by: "rev") == .accepted)
            #expect(try await fixture.texts("select answer::text from label") == [#"{"label":"b"}"#])
            #expect(try await fixture.number("select count(*) from lease") == 0)
            #expect(try await fixture.texts("select sum(done) || ' ' || sum(late) from tally") == ["1 0"])
            let again = await #expect(throws: LedgerError.self) {
                _ = try await ledger.judgeLateAnswer(id, accept: true, reason: "", by: "rev")
            }
            #expect(again?.code == .notFound)
            let second = try await late("t0", by: "bob", fixture)
            #expect(try await ledger.judgeLateAnswer(second, accept: true, reason: "", by: "rev") == .noSlot)
            #expect(
                try await ledger.judgeLateAnswer(second, accept: false, reason: "too late", by: "rev") == .discarded)
        }
    }

    @Test func nothingBecomesALabelInReadOnlyModeOrOfSomebodyWithoutTheRole() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(overlap: 1, people: ["ann"])
            try await fixture.importTasks(tasks(1))
            let id = try await late("t0", by: "ann", fixture)
            _ = try await ledger.setReadOnly(true, reason: "a test", by: "op")
            let refused = await #expect(throws: LedgerError.self) {
                _ = try await ledger.judgeLateAnswer(id, accept: true, reason: "", by: "rev")
            }
            #expect(refused?.code == .refused && refused?.message.contains("read-only") == true)
            _ = try await ledger.setReadOnly(false, reason: "a test", by: "op")
            try await ledger.revokeRole(.engineer, from: "ann", reason: "a test", by: "op")
            #expect(try await ledger.judgeLateAnswer(id, accept: true, reason: "", by: "rev") == .notPossible)
            #expect(try await fixture.number("select count(*) from label") == 0)
            try await ledger.grantRole(.engineer, to: "ann", by: "op")
            #expect(try await ledger.judgeLateAnswer(id, accept: true, reason: "", by: "rev") == .accepted)
        }
    }

    @Test func whatIsWithdrawnCannotBeAccepted() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(2))
            let id = try await late("t0", by: "ann", fixture)
            _ = try await fixture.ledger.withdrawAgreement(
                purpose: "taking-part", voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
            let gone = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.judgeLateAnswer(id, accept: true, reason: "", by: "rev")
            }
            #expect(gone?.code == .notFound)
            try await fixture.give("ann", "taking-part")
            #expect(try await fixture.ledger.lateAnswers(project: "puzzles").isEmpty)
        }
    }

    @Test func theDoctorLooksAtEverything() async throws {
        try await withLedger { fixture in
            let rows = try await fixture.ledger.diagnose()
            #expect(rows.first { $0.name == "schema" }?.state == .ok)
            #expect(rows.first { $0.name == "database" }?.finding.contains("as plimsoll_coordinator") == true)
            #expect(rows.first { $0.name == "server" }?.finding.hasPrefix("PostgreSQL ") == true)
            #expect(rows.first { $0.name == "replication" }?.finding == "none, synchronous_commit = on")
            #expect(rows.first { $0.name == "oldest transaction" }?.state == .ok)
            #expect(rows.first { $0.name == "coordinator's clock" }?.state == .ok)
            #expect(rows.allSatisfy { ($0.state == .ok) == $0.remedy.isEmpty })
            #expect(rows.first { $0.name == "durability" }?.state == .failed)
            #expect(rows.first { $0.name == "coordinators" }?.state == .warning)
            #expect(rows.first { $0.name == "policy" }?.state == .ok)
            #expect(rows.first { $0.name == "partitions" }?.state == .ok)
            #expect(rows.count >= 9)
        }
    }

    @Test(arguments: [
        (0, "", DiagnosisRow.State.ok), (2, "", .ok), (1, "a", .ok), (0, "a", .failed),
    ])
    func theDoctorSaysWhatAnAckSurvives(_ standbys: Int64, _ names: String, _ state: DiagnosisRow.State) {
        let row = Ledger.replicationRow(standbys: standbys, synchronous: names, commit: "on")
        #expect(row.state == state, "\(row)")
        #expect((row.state == .ok) == row.remedy.isEmpty)
    }
}
