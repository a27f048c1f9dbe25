import Foundation
import PlimsollModel
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// What a withdrawal owes beyond its own short transaction (P3).
@Suite struct WithdrawalTests {
    /// One export as whoever took it has it.
    struct Taken: Sendable {
        var id: Int64 = 0
        var totals = ExportTotals()
        var rows: [ExportedLabelRow] = []

        /// The records of one task's author, as a superseding manifest would name them.
        func records(_ keys: Set<String>) -> Set<DroppedRecord> {
            Set(
                rows.filter { keys.contains($0.key) }.map {
                    DroppedRecord(taskKey: $0.key, slot: $0.slot, annotator: $0.annotator)
                })
        }
    }

    private actor Basket {
        var taken = Taken()
        func begin(_ id: Int64) { taken.id = id }
        func add(_ rows: [ExportedLabelRow]) { taken.rows += rows }
    }

    @Test func earlierExportsAreToldWhatToDropUnderTheirOwnNames() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(
                overlap: 2, purposes: ["taking-part", "training", "evaluation"], people: ["ann", "bob"])
            try await fixture.importTasks(tasks(4))
            for key in ["t0", "t1"] { try await fixture.answer(try await fixture.lease(key, to: "ann")) }
            for key in ["t1", "t2"] {
                try await fixture.answer(try await fixture.lease(key, to: "bob", slot: 2))
            }
            let training = try await take(fixture, "training")
            let evaluation = try await take(fixture, "evaluation")
            #expect(training.rows.count == 4 && evaluation.rows.count == 4)
            // An answer that came after an export is none of it.
            try await fixture.answer(try await fixture.lease("t3", to: "ann"))
            try await fixture.withdraw("ann", "training")
            #expect(try await fixture.number("select count(*) from owed_drop") == 1)
            #expect(try await ledger.supersededExports().isEmpty)
            try await ledger.settleWithdrawals()
            let first = try await ledger.supersededExports(project: "puzzles")
            #expect(first.map(\.export) == [training.id])
            #expect(first[0].number == 2 && first[0].dropped == 2 && first[0].labels == 4)
            let named = try await dropped(fixture, training.id)
            #expect(named == training.records(["t0"]).union(training.records(["t1"]).filter { $0.slot == 1 }))
            #expect(try await dropped(fixture, evaluation.id).isEmpty)
            // Without taking part there is no label, whatever the use; a manifest names all that its export must drop.
            try await fixture.withdraw("bob", "taking-part")
            try await ledger.settleWithdrawals()
            let second = try await ledger.supersededExports()
            #expect(second.map(\.export) == [evaluation.id, training.id])
            #expect(second.map(\.number) == [2, 3] && second.map(\.dropped) == [2, 4])
            #expect(try await dropped(fixture, training.id) == training.records(["t0", "t1", "t2"]))
            // Withdrawing again adds nothing, and an export of after the withdrawal need drop nothing.
            let later = try await take(fixture, "evaluation")
            try await fixture.withdraw("bob", "taking-part")
            try await ledger.settleWithdrawals()
            #expect(try await ledger.supersededExports().map(\.number) == [2, 3])
            #expect(later.rows.map(\.key) == ["t0", "t1", "t3"])
            #expect(try await fixture.number("select count(*) from owed_drop") == 0)
            await #expect(throws: LedgerError.self) { _ = try await dropped(fixture, 4_711) }
        }
    }

    @Test func aSeverityIsWithdrawnForItsOwnTasksAlone() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            _ = try await ledger.publishNotice(noticeDraft("severe", purpose: "severity-2"), by: "op")
            try await fixture.give("ann", "severe")
            let drafts = [("mild", 0), ("hard", 2)].map {
                TaskDraft(key: $0.0, kind: "puzzle", severity: $0.1, priority: 0, payload: Array("{}".utf8))
            }
            try await fixture.importTasks(drafts)
            for key in ["mild", "hard"] { try await fixture.answer(try await fixture.lease(key, to: "ann")) }
            let before = try await take(fixture, "taking-part")
            let late = """
                insert into late_answer (task_id, person_id, fence, project_id, person_n, arrived_on, answer_hash, answer,
                    why) select task_id, person_id, 99, project_id, 1, current_date, '\\x01', '{}', 'expired' from label
                """
            try await fixture.owner.execute(script: late)
            try await fixture.withdraw("ann", "severity-2")
            let after = try await take(fixture, "taking-part")
            #expect(after.rows.map(\.key) == ["mild"] && after.totals.excluded == 1)
            try await ledger.settleWithdrawals()
            #expect(try await dropped(fixture, before.id) == before.records(["hard"]))
            #expect(try await dropped(fixture, after.id).isEmpty)
            #expect(
                try await fixture.texts(
                    """
                    select t.external_key from late_answer a join task t using (task_id) where state = 'waiting'
                    """) == ["mild"])
            #expect(try await fixture.number("select count(*) from excluded_label") == 1)
        }
    }

    // MARK: While an export runs

    /// Of labels of ann and bob, an export for `purpose` during which something comes in between: it is not sealed, and
    /// the next one is whole, without ann. Whose labels may have left stays on record: of `recorded` of the two.
    private func interrupted(
        _ fixture: LedgerFixture, purposes: [String] = ["taking-part"], for purpose: String = "taking-part",
        recorded: Int64 = 2, by act: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await fixture.project(purposes: purposes, people: ["ann", "bob"])
        try await fixture.importTasks(tasks(2))
        try await fixture.answer(try await fixture.lease("t0", to: "ann"))
        try await fixture.answer(try await fixture.lease("t1", to: "bob"))
        let error = await #expect(throws: LedgerError.self) {
            _ = try await fixture.ledger.exportLabels(project: "puzzles", purpose: purpose, by: "op") { _ in
            } receive: { _ in
                try await act()
            }
        }
        #expect(error?.code == .stale)
        #expect(try await fixture.number("select count(*) from export where finished_at is not null") == 0)
        #expect(try await fixture.number("select count(*) from chain_event where kind = 'labels.exported'") == 0)
        #expect(try await fixture.number("select count(*) from export_person") == recorded)
        #expect(try await take(fixture, purpose).rows.map(\.key) == ["t1"])
    }

    @Test func aWithdrawalWhileAnExportStreamsIsSeenWhenItIsSealed() async throws {
        try await withLedger { fixture in
            try await interrupted(fixture) { try await fixture.withdraw("ann", "taking-part") }
            try await fixture.ledger.settleWithdrawals()
            #expect(try await fixture.ledger.supersededExports().isEmpty)
            #expect(try await fixture.number("select count(*) from owed_drop") == 0)
        }
    }

    /// Labels stand on what was agreed to, whatever the project asks by now.
    @Test func soIsOneFromAPurposeThatTheProjectAsksForNoMore() async throws {
        try await withLedger { fixture in
            try await interrupted(fixture, purposes: ["taking-part", "training"], for: "training") {
                try await fixture.owner.execute(script: "delete from project_purpose where purpose = 'training'")
                try await fixture.withdraw("ann", "training")
            }
        }
    }

    /// An erasure takes the provenances too, by which the withdrawal in it could have been counted.
    @Test func anErasureWhileAnExportStreamsIsSeenWhenItIsSealed() async throws {
        try await withLedger { fixture in
            try await interrupted(fixture, recorded: 1) {
                _ = try await fixture.ledger.erase(
                    purpose: nil, voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
            }
        }
    }

    /// What is erased under one use is in the exports for the others, too.
    @Test func soIsAnErasureUnderAnotherUse() async throws {
        try await withLedger { fixture in
            try await interrupted(fixture, purposes: ["taking-part", "training", "research"], for: "training") {
                try await fixture.owner.execute(script: "delete from project_purpose where purpose = 'research'")
                _ = try await fixture.ledger.erase(
                    purpose: "research", voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
            }
        }
    }

    /// The hardest order: the withdrawal takes its number while the export streams, and commits while it is sealed.
    @Test func theSealingWaitsForAWithdrawalUnderWay() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(1))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            let withdrawal = try await fixture.coordinator()
            let export = Task {
                _ = try await fixture.ledger.exportLabels(project: "puzzles", purpose: "taking-part", by: "op") { _ in
                } receive: { _ in
                    try await withdrawal.execute(
                        script: """
                            begin;
                            select from person where name = 'ann' for no key update;
                            select pg_advisory_xact_lock_shared(\(SealLock.key));
                            insert into exclusion
                                select person_id, 'taking-part', 1000, clock() from person where name = 'ann';
                            """)
                }
            }
            #expect(
                try await eventually {
                    try await fixture.number(
                        """
                        select count(*) from pg_locks where locktype = 'advisory' and not granted
                            and database = (select oid from pg_database where datname = current_database())
                        """) > 0
                })
            try await withdrawal.execute(script: "commit")
            let error = await #expect(throws: LedgerError.self) { _ = try await export.value }
            #expect(error?.code == .stale)
            await withdrawal.close()
        }
    }

    /// An erasure that found no export to spoil: the export that begins beside it looks when it is over.
    @Test func anExportBeginsAfterAnErasureUnderWay() async throws {
        try await withLedger { fixture in
            try await fixture.project(purposes: ["taking-part", "training"], people: ["ann", "bob"])
            try await fixture.importTasks(tasks(2))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            try await fixture.answer(try await fixture.lease("t1", to: "bob"))
            try await fixture.withdraw("ann", "training")
            try await fixture.ledger.settleWithdrawals()
            let erasure = try await fixture.coordinator()
            try await erasure.execute(
                script: """
                    begin;
                    select from person where name = 'ann' for no key update;
                    select pg_advisory_xact_lock_shared(\(SealLock.key));
                    select * from erase_answers((select person_id from person where name = 'ann'), 'training', 500);
                    """)
            let export = Task { try await take(fixture, "taking-part") }
            #expect(
                try await eventually {
                    try await fixture.number(
                        """
                        select count(*) from pg_locks where locktype = 'advisory' and not granted
                            and database = (select oid from pg_database where datname = current_database())
                        """) > 0
                })
            #expect(try await fixture.number("select count(*) from export") == 0)
            try await erasure.execute(script: "commit")
            #expect(try await export.value.rows.map(\.key) == ["t1"])
            await erasure.close()
        }
    }

    // MARK: Slots

    @Test func theSlotOfAWithdrawnLabelGoesToSomebodyElse() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(purposes: ["taking-part", "training"], people: ["ann", "bob"])
            try await fixture.importTasks(tasks(2))
            for key in ["t0", "t1"] { try await fixture.answer(try await fixture.lease(key, to: "ann")) }
            try await fixture.owner.execute(
                script: """
                    delete from span;
                    insert into closed_task select task_id, lane_id, 'quarantined', clock(), 'test' from task
                        where external_key = 't1';
                    """)
            try await fixture.withdraw("ann", "training")
            // The withdrawal itself touches no label, however many there are.
            #expect(try await fixture.number("select count(*) from label") == 2)
            #expect(try await ledger.settleWithdrawals() == 1)
            #expect(try await fixture.number("select count(*) from label") == 0)
            #expect(try await fixture.number("select count(*) from excluded_label where answer->>'label' = 'a'") == 2)
            #expect(try await fixture.number("select count(*) from owed_refill") == 0)
            // Never asked again: as if declined, without a reason or a time.
            #expect(
                try await fixture.number(
                    "select count(*) from declined join person p using (person_id) where p.name = 'ann'") == 2)
            #expect(
                try await fixture.texts(
                    """
                    select t.external_key || ' ' || s.slot from span s join task t on t.lane_id = s.lane_id
                        and t.task_id between s.first_task and s.last_task
                    """) == ["t0 1"])
            #expect(
                try await fixture.texts(
                    "select sum(done) || ' ' || sum(leased) || ' ' || sum(quarantined) from tally") == ["0 0 1"])
            // The other use of the same answer is as it was, beside the answer that comes in its place.
            try await fixture.answer(try await fixture.lease("t0", to: "bob"))
            #expect(try await take(fixture, "taking-part").rows.map(\.key) == ["t0", "t0", "t1"])
            let training = try await take(fixture, "training")
            #expect(training.rows.count == 1 && training.totals.excluded == 2)
        }
    }

    @Test func withoutRefillTheSlotStaysEmpty() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            let set = try await ledger.setProject(ProjectDraft(name: "puzzles", refill: false), by: "op")
            #expect(!set.refill)
            try await fixture.importTasks(tasks(1))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            try await fixture.owner.execute(script: "delete from span")
            try await fixture.withdraw("ann", "taking-part")
            try await ledger.settleWithdrawals()
            #expect(try await fixture.number("select count(*) from label") == 1)
            #expect(try await fixture.number("select count(*) from span") == 0)
            #expect(try await fixture.number("select count(*) from owed_refill") == 0)
            #expect(try await take(fixture, "taking-part").rows.isEmpty)
            // Nothing was said in between, so it stays so.
            let again = try await ledger.setProject(ProjectDraft(name: "puzzles", weight: 2), by: "op")
            #expect(!again.refill)
        }
    }

    @Test func manyLabelsAreSetAsideInSteps() async throws {
        try await withLedger { fixture in
            let count = 1_200
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(count))
            try await fixture.manyLabels(of: "ann")
            try await fixture.withdraw("ann", "taking-part")
            #expect(try await fixture.number("select count(*) from label") == Int64(count))
            #expect(try await fixture.ledger.settleWithdrawals() == 3)
            #expect(try await fixture.number("select count(*) from label") == 0)
            #expect(try await fixture.number("select count(*) from excluded_label") == Int64(count))
            #expect(try await fixture.number("select sum(done)::bigint from tally") == 0)
        }
    }

    /// P1 and P5 against plain SQL: the way around the append-only table moves nothing that nobody withdrew.
    @Test func nothingIsSetAsideThatNobodyWithdrew() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(1))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            let coordinator = try await fixture.coordinator()
            let moved = try await coordinator.query(
                Query(
                    .unprepared(
                        "select s.* from person p cross join lateral set_aside_labels(p.person_id, 10) s")))
            #expect(moved.isEmpty)
            let erased = try await coordinator.query(
                Query(
                    .unprepared(
                        "select s.* from person p cross join lateral erase_answers(p.person_id, null, 10) s")))
            #expect(erased.isEmpty)
            #expect(try await fixture.number("select count(*) from label") == 1)
            await coordinator.close()
        }
    }

    // MARK: Readers

    /// Every statement that reads what people answered, by name. One that looks whether a slot is taken, or whether a
    /// person had the task, reads no answer; the others apply exclusions.
    @Test func everyReaderOfLabelsAppliesExclusions() throws {
        let lookers: Set = [
            "flush_settled", "flush_free", "flush_standings", "feed_look", "feed_touched", "feed_other_hands",
            "feed_adopt", "reason_hands",
            "cancel_rest", "requeue_free", "late_free_slot", "task_waiting", "erasure_agreed",
        ]
        // Those without a name of their own are called by how they are made: the export's cursor and the author's own.
        let appliers: Set = ["export_declare", "owed_records", "throughput_labels"]
        var seen: Set<String> = []
        for (name, text) in try Self.statements() {
            let reads = text.contains(/\b(from|join)\s+(label|kept_label|excluded_label)\b/)
            guard reads else { continue }
            seen.insert(name)
            let answers = text.contains(/\b(l|label|x|y|b)\.answer\b/)
            #expect(
                lookers.contains(name) || appliers.contains(name) || (!answers && text.contains("count(*)")),
                "\(name) reads labels: does it apply exclusions?")
            #expect(!answers || appliers.contains(name), "\(name) reads answers: does it apply exclusions?")
        }
        #expect(seen.isSuperset(of: appliers.subtracting(["export_declare"])) && seen.isSuperset(of: lookers))
    }

    /// The statements of the Ledger, as its sources have them; one without a name is called by its constant.
    private static func statements() throws -> [(name: String, text: String)] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources/Ledger")
        let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        var found: [(String, String)] = []
        for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
            let source = try String(contentsOf: file, encoding: .utf8)
            for match in source.matches(
                of: /Statement(?:\.unprepared)?\(\s*(?:"([a-z_]+)",\s*)?(?:figures\(\s*of:\s*)?"""(.*?)"""/
                    .dotMatchesNewlines())
            {
                found.append((match.1.map(String.init) ?? "export_declare", String(match.2)))
            }
        }
        return found
    }

    // MARK: Helpers

    private func take(_ fixture: LedgerFixture, _ purpose: String) async throws -> Taken {
        let basket = Basket()
        let totals = try await fixture.ledger.exportLabels(project: "puzzles", purpose: purpose, by: "op") {
            await basket.begin($0.id)
        } receive: {
            await basket.add($0)
        }
        var taken = await basket.taken
        taken.totals = totals
        return taken
    }

    private func dropped(_ fixture: LedgerFixture, _ export: Int64) async throws -> Set<DroppedRecord> {
        let records = Records()
        try await fixture.ledger.droppedRecords(of: export) { _ in
        } receive: {
            await records.add($0)
        }
        return await records.all
    }

    private actor Records {
        var all: Set<DroppedRecord> = []
        func add(_ records: [DroppedRecord]) { all.formUnion(records) }
    }
}

extension LedgerFixture {
    @discardableResult
    func withdraw(_ person: String, _ purpose: String) async throws -> ConsentReceipt {
        try await ledger.withdrawAgreement(
            purpose: purpose, voice: ConsentVoice(name: person, certificateSerial: "ab01"))
    }

    /// A label of every task, by one person, as flushes would write them.
    func manyLabels(of person: String) async throws {
        try await lease("t0", to: person)
        try await owner.execute(
            script: """
                delete from span;
                insert into lease (task_id, slot, person_id, fence, lane_id, project_id, granted_at, first_granted_at,
                    deadline, coordinator_id, provenance_id, why)
                select t.task_id, 1, l.person_id, l.fence + t.task_id, l.lane_id, l.project_id, l.granted_at,
                    l.first_granted_at, l.deadline, l.coordinator_id, l.provenance_id, l.why
                from lease l join task t on t.lane_id = l.lane_id and t.task_id <> l.task_id;
                insert into usage (person_id, n, at, day, day_labels, coordinator_id)
                    select person_id, max(n) + 1, clock(), current_date, 1, 7 from usage group by 1;
                insert into tally (project_id, at, leased, done) select project_id, clock(), -1, count(*) from lease
                    group by 1;
                insert into label (task_id, slot, person_id, fence, project_id, person_n, provenance_id, accepted_on,
                    answer_hash, answer)
                select task_id, slot, person_id, fence, project_id,
                    (select max(n) from usage u where u.person_id = l.person_id), provenance_id, current_date, '\\x00',
                    '{"label":"a"}' from lease l;
                """)
    }
}
