import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// Read-only mode takes no import and every word of a person, a concern and the cord among them (P3).
@Suite struct ReadOnlyTests {
    @Test func importsAreRefusedAndNoWordOfAPersonIs() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            let before = try await ledger.epochVersion()
            let on = try await ledger.setReadOnly(true, reason: "the disk moves", by: "op")
            #expect(on.isReadOnly && on.epoch == before + 1 && on.reason == "the disk moves" && on.by == "op")
            #expect(try await ledger.deployment() == on)
            let refused = await #expect(throws: LedgerError.self) { _ = try await fixture.importTasks(tasks(1)) }
            #expect(refused?.code == .refused)
            _ = try await fixture.withdraw("ann", "taking-part")
            try await fixture.give("ann", "taking-part")
            let diagnosis = try await ledger.diagnose().first { $0.name == "read-only mode" }
            #expect(diagnosis?.state == .warning && diagnosis?.finding.contains("the disk moves") == true)
            // Asking for what is so changes nothing.
            #expect(try await ledger.setReadOnly(true, reason: "again", by: "op").reason == "the disk moves")
            #expect(
                try await fixture.number("select count(*) from chain_event where kind = 'deployment.read-only'") == 1)
            let off = try await ledger.setReadOnly(false, reason: "it has moved", by: "op")
            #expect(!off.isReadOnly)
            try await fixture.importTasks(tasks(1))
            let nothing = await #expect(throws: LedgerError.self) {
                _ = try await ledger.setReadOnly(true, reason: "", by: "op")
            }
            #expect(nothing?.code == .invalid)
        }
    }

    @Test func concernsAreRaisedAndAnsweredAndTheCordStopsAProject() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            let boss = ConcernReader(name: "Ada Boss", isOperator: false)
            let many = ["ann", "bob", "cid", "dan", "eve", "fay"]
            try await fixture.project(people: many)
            try await fixture.project("maps", people: ["gil"])
            _ = try await ledger.setReadOnly(true, reason: "the disk moves", by: "op")

            let token = [UInt8](repeating: 9, count: 32)
            let (named, _) = try await ledger.raiseConcern("Too fast.", project: "puzzles", voice: .named("ann"))
            let (nameless, _) = try await ledger.raiseConcern(
                "It wears me out.", project: "puzzles", voice: .withoutName(tokenHash: token))
            #expect(Set(try await ledger.concerns(for: boss).map(\.id)) == [named, nameless])
            for concern in [named, nameless] { try await ledger.answerConcern(concern, "We stop at noon.", by: boss) }
            #expect(try await ledger.ownConcerns(of: "ann").map { $0.answers.map(\.text) } == [["We stop at noon."]])
            #expect(try await ledger.concern(tokenHash: token).answers.map(\.text) == ["We stop at noon."])

            // Where few work it is a concern; where enough pull it the project stands still, and goes on when told to.
            #expect(try await ledger.pullCord(project: "maps", by: "gil") == .concern)
            #expect(try await ledger.concerns(for: boss).first?.kind == .cord)
            for person in many.prefix(4) {
                #expect(try await ledger.pullCord(project: "puzzles", by: person) == .counted)
            }
            #expect(try await ledger.pullCord(project: "puzzles", by: "eve") == .paused)
            #expect(try await ledger.project(named: "puzzles").state == .paused)
            try await ledger.resumeCord(project: "puzzles", by: boss)
            #expect(try await ledger.project(named: "puzzles").state == .open)
            #expect(try await ledger.deployment().isReadOnly)
        }
    }

    /// An erasure goes to its end: the withdrawals in it, what they owe, the answers and the name.
    @Test func aWithdrawalAndAnErasureGoThroughAndLeaveNothing() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(purposes: ["taking-part", "training"], people: ["zaphira", "bob"])
            try await fixture.importTasks(tasks(5))
            try await fixture.answer(try await fixture.lease("t0", to: "zaphira"), #"{"label":"canary-label"}"#)
            try await fixture.answer(try await fixture.lease("t1", to: "bob"), #"{"label":"canary-other"}"#)
            try await fixture.lease("t2", to: "zaphira")
            try await fixture.lease("t3", to: "bob")
            try await fixture.owner.execute(
                script: """
                    insert into late_answer (task_id, person_id, fence, project_id, person_n, arrived_on, answer_hash,
                        answer, why)
                    select t.task_id, p.person_id, 77, t.project_id, 1, current_date, '\\x01',
                        '{"label":"canary-late"}', 'expired'
                    from task t, person p where t.external_key = 't4' and p.name = 'zaphira';
                    insert into tally (project_id, at, late) select project_id, clock(), 1 from project;
                    """)
            _ = try await ledger.exportLabels(project: "puzzles", purpose: "training", by: "op") { _ in
            } receive: { _ in
            }
            let canaries = ["zaphira", "canary-label", "canary-late", "canary-other"]
            let before = try DatabaseDump.text(of: fixture.conninfo)
            for word in canaries { #expect(before.contains(word), "\(word) is not there to be looked for") }
            _ = try await ledger.setReadOnly(true, reason: "the disk moves", by: "op")

            let receipt = try await fixture.withdraw("bob", "training")
            #expect(receipt.state == .withdrawn && receipt.leasesEnded == 1)
            let erased = try await ledger.erase(
                purpose: nil, voice: ConsentVoice(name: "zaphira", certificateSerial: "ab01"))
            #expect(erased.receipts.map(\.purpose) == ["taking-part", "training"])
            #expect(erased.receipts.map(\.leasesEnded) == [1, 0])
            #expect(erased.labels == 1 && erased.lateAnswers == 1 && erased.pseudonym != nil)
            // Of one use alone: what stands on it goes, and the person stays.
            let partly = try await ledger.erase(
                purpose: "training", voice: ConsentVoice(name: "bob", certificateSerial: "ab01"))
            #expect(partly.labels == 1 && partly.pseudonym == nil)

            let after = try DatabaseDump.text(of: fixture.conninfo)
            for word in canaries { #expect(!after.contains(word), "\(word) is still there") }
            #expect(after.contains("bob"))
            for table in ["lease", "parked", "kept_label", "late_answer", "owed_drop", "owed_refill"] {
                #expect(try await fixture.number("select count(*) from \(table)") == 0, "\(table)")
            }
            #expect(
                try await fixture.texts(
                    "select sum(leased) || ' ' || sum(done) || ' ' || sum(late) from tally") == ["0 0 0"])
            // Whoever took them before is told which, and the deployment is as it was.
            #expect(try await ledger.supersededExports().map(\.dropped) == [2])
            #expect(try await ledger.deployment().isReadOnly)
        }
    }

    /// An import that began before the switch does not commit after it.
    @Test func anImportThatIsUnderWayMeetsTheSwitch() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: [])
            let (pieces, sender) = AsyncThrowingStream.makeStream(of: ImportPiece.self)
            let outcome = Task { try await ledger.importTasks(pieces, by: "op") }
            sender.yield(ImportPiece(request: ImportRequest(project: "puzzles", source: "test")))
            // It has begun once it has asked whether it may.
            #expect(
                try await eventually {
                    try await fixture.number(
                        """
                        select count(*) from pg_stat_activity
                        where query = 'select read_only from deployment' and datname = current_database()
                        """) > 0
                })
            _ = try await ledger.setReadOnly(true, reason: "a test", by: "op")
            sender.yield(ImportPiece(tasks: tasks(100)))
            sender.yield(ImportPiece(total: 100))
            sender.finish()
            let error = await #expect(throws: LedgerError.self) { _ = try await outcome.value }
            #expect(error?.code == .refused)
            #expect(try await fixture.number("select count(*) from task") == 0)
        }
    }
}
