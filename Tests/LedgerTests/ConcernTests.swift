import Foundation
import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// Concerns, the cord and the weekly digest.
@Suite struct ConcernTests {
    private let named = ConcernReader(name: "Ada Boss", isOperator: false)
    private let op = ConcernReader(name: "op", isOperator: true)

    private func code(_ body: () async throws -> Void) async -> LedgerError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? LedgerError)?.code
        }
    }

    /// The clock of this test's database.
    private func clock(_ fixture: LedgerFixture, _ text: String) async throws {
        try await fixture.owner.execute(
            script: """
                create or replace function plimsoll.clock() returns timestamptz language sql volatile parallel restricted
                    as $$ select timestamptz '\(text)' $$
                """)
    }

    @Test func withoutANameNothingOfWhoOrWhenIsKept() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann", "bob"])
            let events = try await fixture.number("select count(*) from chain_event")
            let hash = [UInt8](repeating: 9, count: 32)
            let (id, due) = try await fixture.ledger.raiseConcern(
                "It wears me out.", project: "puzzles", voice: .withoutName(tokenHash: hash))
            let row = try await fixture.texts("select to_jsonb(c)::text from concern c")
            #expect(row.count == 1 && !row[0].contains("ann") && row[0].contains(#""person_id": null"#))
            // Dates, and no time at all, in any column of the row.
            #expect(row[0].firstMatch(of: /[0-9][0-9]:[0-9][0-9]/) == nil, "\(row[0])")
            #expect(
                try await fixture.texts(
                    """
                    select column_name || ' ' || data_type from information_schema.columns
                    where table_schema = 'plimsoll' and table_name in ('concern', 'concern_answer', 'cord', 'cord_key',
                        'cord_pause') and (data_type like 'timestamp%' or data_type like 'time%')
                    """
                ).isEmpty)
            // Its neighbours in the chain would tell when.
            #expect(try await fixture.number("select count(*) from chain_event") == events)

            let ledger = fixture.ledger
            #expect(try await ledger.concern(tokenHash: hash).answers.isEmpty)
            #expect(await code { _ = try await ledger.concern(tokenHash: [1]) } == .notFound)
            #expect(await code { try await ledger.answerConcern(id, "Hm.", by: op) } == .notFound)
            #expect(await code { try await ledger.answerConcern(id, " ", by: named) } == .invalid)
            try await ledger.answerConcern(id, "We stop at noon.", by: named)
            let read = try await ledger.concern(tokenHash: hash)
            #expect(read.answers.map(\.text) == ["We stop at noon."] && read.answers[0].by == "Ada Boss")
            #expect(read.author == nil && read.dueOn == due)
            #expect(
                try await fixture.texts(
                    "select kind from chain_event join chain_detail using (event_id) where event_id > \(events) order by 1"
                )
                    == ["concern.answered"])
        }
    }

    @Test func aConcernEscalatesDailyAndOverdueComesFirst() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            var change = ProjectDraft(name: "puzzles")
            change.namedPersons = ["first", "second"]
            _ = try await ledger.setProject(change, by: "op")
            // A Friday, late; in UTC, since none of the named is known here.
            try await clock(fixture, "2026-03-06 23:30+00")
            let (old, due) = try await ledger.raiseConcern("Old.", project: "puzzles", voice: .named("ann"))
            #expect(due.description == "2026-03-09")
            func reached(_ name: String) async throws -> [Int64] {
                try await ledger.concerns(for: ConcernReader(name: name, isOperator: name == "op")).map(\.id)
            }
            for (time, first, second, operators) in [
                ("2026-03-08 12:00+00", true, false, false), ("2026-03-09 23:59+00", true, false, false),
                ("2026-03-10 00:01+00", true, true, false), ("2026-03-11 00:01+00", true, true, true),
            ] {
                try await clock(fixture, time)
                #expect(try await reached("first") == (first ? [old] : []), "\(time)")
                #expect(try await reached("second") == (second ? [old] : []), "\(time)")
                #expect(try await reached("op") == (operators ? [old] : []), "\(time)")
                #expect(try await reached("ann").isEmpty)
            }
            let (new, _) = try await ledger.raiseConcern("New.", project: "puzzles", voice: .named("ann"))
            let (deployment, _) = try await ledger.raiseConcern("All.", project: nil, voice: .named("ann"))
            #expect(try await reached("first") == [old, new])
            #expect(try await reached("op") == [old, deployment])
            try await ledger.answerConcern(old, "Yes.", by: ConcernReader(name: "second", isOperator: false))
            #expect(try await reached("first") == [new, old])
            // Whoever answered still sees it; for others it is over.
            #expect(try await reached("second") == [old])
            #expect(try await reached("op") == [deployment])
            #expect(Set(try await ledger.ownConcerns(of: "ann").map(\.id)) == [old, new, deployment])
            #expect(try await ledger.ownConcerns(of: "ann")[0].answers.map(\.by) == ["second"])
        }
    }

    @Test func fewPeoplesCordIsAConcernOfTheSameDay() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann", "bob", "cid", "dan"])
            #expect(try await ledger.pullCord(project: "puzzles", by: "ann") == .concern)
            #expect(try await ledger.pullCord(project: "puzzles", by: "ann") == .concern)
            let concerns = try await ledger.concerns(for: named)
            #expect(concerns.map(\.kind) == [.cord])
            #expect(concerns[0].dueOn == concerns[0].raisedOn && concerns[0].author == nil)
            try await ledger.answerConcern(concerns[0].id, "What is it?", by: named)
            #expect(try await ledger.pullCord(project: "puzzles", by: "ann") == .concern)
            #expect(try await ledger.concerns(for: named).count == 2)
            #expect(await code { _ = try await ledger.pullCord(project: "puzzles", by: "zoe") } == .refused)
        }
    }

    @Test func enoughCordsPauseAProjectAndAreForgotten() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            let people = ["ann", "bob", "cid", "dan", "eve", "fay"]
            try await fixture.project(people: people)
            try await fixture.owner.execute(script: "update deployment set read_only = true")
            let epoch = try await ledger.epochVersion()
            for person in people.prefix(4) {
                #expect(try await ledger.pullCord(project: "puzzles", by: person) == .counted)
                // Once a person.
                #expect(try await ledger.pullCord(project: "puzzles", by: person) == .counted)
            }
            #expect(try await ledger.project(named: "puzzles").state == .open)
            #expect(try await ledger.epochVersion() == epoch)
            // Nothing tells whose cords they are.
            let rows = try await fixture.texts("select encode(hash, 'escape') from cord")
            #expect(rows.count == 4 && !rows.contains { row in people.contains { row.contains($0) } })
            // Asking to resume what goes on does not sweep the cords away.
            _ = try await ledger.setProjectState("puzzles", to: .open, by: "op")
            #expect(try await fixture.number("select count(*) from cord") == 4)
            let before = try await ledger.epochVersion()

            #expect(try await ledger.pullCord(project: "puzzles", by: "eve") == .paused)
            #expect(try await ledger.project(named: "puzzles").state == .paused)
            #expect(try await ledger.epochVersion() == before + 1)
            #expect(try await ledger.cords(for: named).map(\.project) == ["puzzles"])
            #expect(try await ledger.cords(for: op).map(\.project) == ["puzzles"])
            #expect(try await ledger.cords(for: ConcernReader(name: "sue", isOperator: false)).isEmpty)
            #expect(try await ledger.concerns(for: named).map(\.kind) == [.cord])
            #expect(
                await code {
                    try await ledger.resumeCord(
                        project: "puzzles", by: ConcernReader(name: "sue", isOperator: false))
                } == .notFound)
            try await ledger.resumeCord(project: "puzzles", by: named)
            #expect(try await ledger.project(named: "puzzles").state == .open)
            #expect(
                try await fixture.number(
                    """
                    select (select count(*) from cord) + (select count(*) from cord_key)
                        + (select count(*) from cord_pause)
                    """) == 0)
            // A name of neither is in the chain.
            let chain = try await fixture.texts(
                "select detail::text from chain_detail join chain_event using (event_id) where kind like 'cord%'")
            #expect(chain.count == 1 && !chain[0].contains("eve"))
        }
    }

    /// So many commands wait for a lock.
    private func expectWaiting(_ count: Int64, _ fixture: LedgerFixture) async throws {
        #expect(try await eventually { try await waitingForLocks(fixture.owner) == count })
    }

    @Test func whoHasLostTheRoleMeanwhileLetsNothingGoOn() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            let people = ["ann", "bob", "cid", "dan", "eve"]
            try await fixture.project(people: people)
            for name in ["olga", "omar"] { try await ledger.grantRole(.operator, to: name, by: "op") }
            for person in people { _ = try await ledger.pullCord(project: "puzzles", by: person) }
            let flush = try await fixture.coordinator()
            try await flush.execute(script: "begin; select pg_advisory_xact_lock_shared(\(EpochLock.key))")
            let revoke = Task { try await ledger.revokeRole(.operator, from: "olga", reason: "a test", by: "omar") }
            try await expectWaiting(1, fixture)
            let resume = Task {
                try await ledger.resumeCord(project: "puzzles", by: ConcernReader(name: "olga", isOperator: true))
            }
            try await expectWaiting(2, fixture)
            try await flush.execute(script: "commit")
            try await revoke.value
            #expect(await code { try await resume.value } == .notFound)
            #expect(try await ledger.project(named: "puzzles").state == .paused)
            try await ledger.resumeCord(project: "puzzles", by: ConcernReader(name: "omar", isOperator: true))
            #expect(try await ledger.project(named: "puzzles").state == .open)
            await flush.close()
        }
    }

    /// Each of them saw enough cords; those were heard before the last had its turn.
    @Test func whatWasResumedIsNotPausedAgainByCordsThatAreForgotten() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann", "bob", "cid", "dan", "eve", "fay"])
            for person in ["ann", "bob", "cid", "dan"] { _ = try await ledger.pullCord(project: "puzzles", by: person) }
            let flush = try await fixture.coordinator()
            try await flush.execute(script: "begin; select pg_advisory_xact_lock_shared(\(EpochLock.key))")
            let fifth = Task { try await ledger.pullCord(project: "puzzles", by: "eve") }
            try await expectWaiting(1, fixture)
            let resume = Task { [named] in try await ledger.resumeCord(project: "puzzles", by: named) }
            try await expectWaiting(2, fixture)
            let sixth = Task { try await ledger.pullCord(project: "puzzles", by: "fay") }
            try await expectWaiting(3, fixture)
            try await flush.execute(script: "commit")
            #expect(try await fifth.value == .paused)
            try await resume.value
            #expect(try await sixth.value == .counted)
            #expect(try await ledger.project(named: "puzzles").state == .open)
            #expect(try await fixture.number("select count(*) from cord") == 0)
            await flush.close()
        }
    }

    /// It would count under a key that is gone, and its owner could pull once more.
    @Test func aCordThatIsPulledWhileAProjectIsResumedIsForgottenToo() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann", "bob", "cid", "dan", "eve"])
            for person in ["ann", "bob"] { _ = try await ledger.pullCord(project: "puzzles", by: person) }
            _ = try await ledger.setProjectState("puzzles", to: .paused, by: "op")
            let puller = try await fixture.coordinator()
            try await puller.execute(
                script: """
                    begin;
                    select project_id from project where name = 'puzzles' for no key update;
                    insert into cord (project_id, hash) select project_id, '\\x01' from project;
                    """)
            let resume = Task { try await ledger.setProjectState("puzzles", to: .open, by: "op") }
            try await expectWaiting(1, fixture)
            try await puller.execute(script: "commit")
            #expect(try await resume.value.state == .open)
            #expect(try await fixture.number("select count(*) from cord") == 0)
            await puller.close()
        }
    }

    @Test func cordsAreForgottenWhenAProjectIsOver() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            let left = """
                select (select count(*) from cord) + (select count(*) from cord_key) + (select count(*) from cord_pause)
                """
            try await fixture.project(people: ["ann", "bob", "cid", "dan", "eve", "fay"])
            for person in ["ann", "bob"] { _ = try await ledger.pullCord(project: "puzzles", by: person) }
            // Whoever pauses a project by hand has not heard them.
            _ = try await ledger.setProjectState("puzzles", to: .paused, by: "op")
            #expect(try await fixture.number(left) == 3)
            _ = try await ledger.setProjectState("puzzles", to: .closed, by: "op")
            #expect(try await fixture.number(left) == 0)
        }
    }

    @Test func theDoctorSaysThatSomeAreOverdueAndNotHowMany() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            func row() async throws -> DiagnosisRow? { try await ledger.diagnose().first { $0.name == "concerns" } }
            func raise(_ numbers: ClosedRange<Int>) async throws {
                for number in numbers {
                    _ = try await ledger.raiseConcern(
                        "Again.", project: nil, voice: .withoutName(tokenHash: [UInt8(number)]))
                }
            }
            try await fixture.project(people: [])
            // A Monday; a reply is due on Tuesday, and on Wednesday it is overdue.
            try await clock(fixture, "2026-03-02 12:00+00")
            try await raise(1...9)
            try await clock(fixture, "2026-03-03 23:00+00")
            #expect(try await row()?.state == .ok)
            try await clock(fixture, "2026-03-04 12:00+00")
            #expect(try await row()?.state == .warning)
            #expect(try await row()?.finding == "some are overdue for a reply")
            try await clock(fixture, "2026-03-02 12:00+00")
            try await raise(10...11)
            try await clock(fixture, "2026-03-04 12:00+00")
            #expect(try await row()?.finding == "some are overdue for a reply")
        }
    }

    @Test func theDigestIsOfAWeekThatIsOver() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            let people = (1...12).map { "p\($0)" }
            try await fixture.project(people: people)
            try await fixture.project("small", people: ["p1"])
            try await clock(fixture, "2026-03-03 12:00+00")
            for number in 0..<11 {
                _ = try await ledger.raiseConcern(
                    "Again.", project: "puzzles", voice: .withoutName(tokenHash: [UInt8(number)]))
            }
            _ = try await ledger.raiseConcern("Once.", project: "small", voice: .named("p1"))
            // About no project: eleven of them, more than are hidden.
            for number in 20..<31 {
                _ = try await ledger.raiseConcern(
                    "Too hot.", project: nil, voice: .withoutName(tokenHash: [UInt8(number)]))
            }
            try await fixture.owner.execute(
                script: """
                    insert into decline_reason (project_id, task_id, reason)
                    select project_id, n, case when n < 3 then 'distressing' else 'unclear' end
                    from project, generate_series(1, 14) n where name = 'puzzles'
                    """)
            let week = try #require(ISOWeek("2026-W10"))
            #expect(await code { _ = try await ledger.weeklyDigest(week) } == .invalid)
            // Monday has begun, and not yet where a concern may still be dated on Sunday.
            try await clock(fixture, "2026-03-09 11:59:59+00")
            #expect(await code { _ = try await ledger.weeklyDigest(week) } == .invalid)
            try await clock(fixture, "2026-03-09 12:00+00")
            let digest = try await ledger.weeklyDigest(nil)
            #expect(digest.week == week && digest.k == 10)
            #expect(digest.rows.map(\.project) == ["puzzles", "small", WeeklyDigest.deployment, nil])
            let row = digest.rows[0]
            // Raised on a Tuesday, due on Wednesday, and nobody has answered.
            #expect(row.cells[.raised] == .count(11) && row.cells[.overdue] == .count(11))
            #expect(row.cells[.answered] == .count(0) && row.cells[.cords] == .count(0))
            #expect(row.cells[.unclear] == .count(12) && row.cells[.distressing] == .hidden && row.declines == .hidden)
            #expect(digest.rows[1].cells.values.allSatisfy { $0 == .hidden })
            let deployment = digest.rows[2]
            #expect(deployment.cells[.raised] == .count(11) && deployment.cells[.overdue] == .count(11))
            #expect(deployment.cells[.cords] == .count(0) && deployment.declines == .count(0))
            #expect(digest.rows[3].cells[.raised] == .hidden)
            #expect(try await ledger.weeklyDigest(ISOWeek("2026-W09")).rows[0].cells[.raised] == .count(0))
        }
    }
}
