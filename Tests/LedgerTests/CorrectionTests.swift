import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// Corrections of leased time: adding counts at once, taking away needs two (P13).
@Suite struct CorrectionTests {
    private static let noon = "2026-06-10 12:00+02"

    private func draft(_ from: String, _ to: String, _ reason: String = "it was not counted") -> CorrectionDraft {
        CorrectionDraft(from: from, to: to, reason: reason)
    }

    private func withPeople(_ body: (LedgerFixture) async throws -> Void) async throws {
        try await withLedger { fixture in
            try await fixture.setClock(Self.noon)
            try await fixture.project(people: ["ann", "bob"])
            try await fixture.ledger.grantRole(.operator, to: "olu", by: "op")
            try await body(fixture)
        }
    }

    @Test func whoeverAddsTimeHasItAtOnceAndNeedsNobody() async throws {
        try await withPeople { fixture in
            let ledger = fixture.ledger
            try await fixture.worked("ann", "2026-06-10 08:00+02", "2026-06-10 09:00+02")
            let number = try await fixture.personNumber("ann")
            let added = try await ledger.addTime(
                draft("2026-06-10 08:30", "2026-06-10T09:30:00+02:00"), by: "ann")
            #expect(
                added.state == .counted && added.recorded == .seconds(1_800) && added.reason == "it was not counted")
            #expect(try await fixture.leasedSeconds("ann") == 5_400)
            #expect(try await fixture.personNumber("ann") == number + 1)
            // What touches or lies within is one, before and after it is merged, and after it has aged.
            _ = try await ledger.addTime(draft("2026-06-10 09:30", "2026-06-10 09:40"), by: "ann")
            _ = try await ledger.addTime(draft("2026-06-10 09:00", "2026-06-10 09:10"), by: "ann")
            #expect(try await fixture.leasedSeconds("ann") == 6_000)
            #expect(try await fixture.number("select count(*) from work_interval") == 1)
            try await fixture.setClock("2026-06-10 13:01+02")
            #expect(try await ledger.ageWork() == 1)
            #expect(try await fixture.leasedSeconds("ann") == 6_000)
            try await fixture.expectNoGaps()
            #expect(try await fixture.number("select count(*) from chain_event where kind = 'time.added'") == 3)
            // No time of day in the chain: those go after 28 days.
            #expect(
                try await fixture.number("select count(*) from chain_detail where detail::text ~ '[0-9]:[0-9]'") == 0)
            #expect(try await ledger.corrections(of: "ann").map(\.id) == [3, 2, 1])
            #expect(try await ledger.corrections(of: "bob").isEmpty)
        }
    }

    @Test func whatIsNoStretchOfTheLastFourWeeksIsRefused() async throws {
        try await withPeople { fixture in
            for (from, to, part) in [
                ("2026-06-10 11:00", "2026-06-10 12:01", "not over yet"),
                ("2026-06-10 11:00", "2026-06-10 11:00", "ends after it begins"),
                ("2026-06-10 11:00", "2026-06-10 10:00", "ends after it begins"),
                ("2026-05-13 11:59:59", "2026-05-13 13:00", "28 days ago"),
                ("2026-06-08 10:00", "2026-06-09 10:00:01", "24 h at most"),
                ("noon", "2026-06-09 10:00", "no time"),
            ] {
                let error = await #expect(throws: LedgerError.self) {
                    _ = try await fixture.ledger.addTime(draft(from, to), by: "ann")
                }
                #expect(
                    error?.code == .invalid && error?.message.contains(part) == true,
                    "\(from): \(error?.message ?? "")")
            }
            _ = try await fixture.ledger.addTime(draft("2026-05-13 12:00", "2026-05-14 12:00"), by: "ann")
            _ = try await fixture.ledger.addTime(draft("2026-06-10 11:59:59", "2026-06-10 12:00"), by: "ann")
            #expect(try await fixture.leasedSeconds("ann") == 86_401)
        }
    }

    @Test func takingTimeAwayNeedsAReasonAndASecondParty() async throws {
        try await withPeople { fixture in
            let ledger = fixture.ledger
            try await fixture.worked("ann", "2026-06-10 08:00+02", "2026-06-10 09:00+02")
            try await fixture.worked("ann", "2026-06-10 08:50+02", "2026-06-10 09:20+02", kind: "rating")
            try await fixture.worked("bob", "2026-06-10 08:00+02", "2026-06-10 09:00+02")
            let stretch = ("2026-06-10 08:40", "2026-06-10 09:10")
            #expect(
                await code {
                    _ = try await ledger.askTimeRemoval(draft(stretch.0, stretch.1, ""), by: "ann")
                } == .invalid)
            #expect(
                await code {
                    _ = try await ledger.askTimeRemoval(draft("2026-06-10 10:00", "2026-06-10 11:00", "x"), by: "ann")
                } == .refused, "nothing is on record there")
            let number = try await fixture.personNumber("ann")
            let asked = try await ledger.askTimeRemoval(draft(stretch.0, stretch.1, "the network was gone"), by: "ann")
            #expect(asked.state == .waiting && asked.recorded == .seconds(1_800))
            #expect(try await fixture.leasedSeconds("ann") == 4_800, "nothing changes before somebody agrees")
            #expect(try await fixture.personNumber("ann") == number)

            // Not oneself, whatever one may act as; not a supervisor of others, for whom there is no such correction.
            try await ledger.grantRole(.operator, to: "ann", by: "op")
            #expect(
                await code {
                    _ = try await ledger.answerCorrection(asked.id, agree: true, reason: "", by: .operator("ann"))
                } == .refused)
            try await ledger.grantRole(.supervisor, to: "tom", by: "op")
            #expect(try await ledger.correctionsWaiting(for: .supervisor("tom")).isEmpty)
            #expect(
                await code {
                    _ = try await ledger.answerCorrection(asked.id, agree: true, reason: "", by: .supervisor("tom"))
                } == .notFound)
            #expect(try await ledger.correctionsWaiting(for: .supervisor("boss")).map(\.id) == [asked.id])
            #expect(try await ledger.correctionsWaiting(for: .operator("olu")).map(\.id) == [asked.id])

            let before = try await fixture.personNumber("ann")
            let agreed = try await ledger.answerCorrection(asked.id, agree: true, reason: "", by: .supervisor("boss"))
            #expect(agreed.state == .agreed && agreed.answeredBy == "boss")
            #expect(try await fixture.leasedSeconds("ann") == 3_000)
            #expect(try await fixture.leasedSeconds("bob") == 3_600)
            #expect(
                try await fixture.texts(
                    """
                    select kind || ' ' || extract(epoch from ends - starts)::int from work_interval w join person p
                        using (person_id) where p.name = 'ann' order by 1
                    """) == ["puzzle 2400", "rating 600"])
            #expect(try await fixture.personNumber("ann") == before + 1)
            // It does not come back when the rest is merged.
            try await fixture.worked("ann", "2026-06-10 11:00+02", "2026-06-10 11:10+02")
            try await fixture.setClock("2026-06-10 13:01+02")
            _ = try await ledger.ageWork()
            #expect(try await fixture.leasedSeconds("ann") == 3_600)
            #expect(
                await code {
                    _ = try await ledger.answerCorrection(asked.id, agree: true, reason: "", by: .operator("olu"))
                } == .conflict)
            #expect(try await ledger.correctionsWaiting(for: .operator("olu")).isEmpty)
            try await fixture.expectNoGaps()
            #expect(
                try await fixture.texts(
                    "select kind from chain_event where kind like 'time.%' order by event_id")
                    == ["time.removal-asked", "time.removal-agreed"])
        }
    }

    @Test func theSecondPartyIsKeptByTheDatabaseToo() async throws {
        try await withPeople { fixture in
            try await fixture.worked("ann", "2026-06-10 08:00+02", "2026-06-10 09:00+02")
            let asked = try await fixture.ledger.askTimeRemoval(
                draft("2026-06-10 08:00", "2026-06-10 09:00", "x"), by: "ann")
            func state(_ sql: String) async -> String? {
                do {
                    _ = try await fixture.owner.query(Query(.unprepared(sql)))
                    return nil
                } catch {
                    return (error as? PostgresError)?.sqlState
                }
            }
            func answer(_ outcome: String, by name: String, reason: String = "") -> String {
                """
                insert into time_correction_answer select c.correction_id, c.person_id, '\(outcome)', p.person_id, '\(reason)',
                    clock() from time_correction c, person p where p.name = '\(name)'
                """
            }
            for refused in [
                answer("agreed", by: "ann"), answer("refused", by: "ann", reason: "x"), answer("withdrawn", by: "boss"),
                answer("refused", by: "boss"),
            ] {
                #expect(await state(refused) == "23514", "\(refused)")
            }
            #expect(await state("update time_correction set reason = 'y'") == "PL004")
            #expect(await state("truncate time_correction cascade") == "PL004")
            _ = try await fixture.ledger.withdrawCorrection(asked.id, by: "ann")
            #expect(await state("update time_correction_answer set outcome = 'agreed'") == "PL004")
            #expect(await state("update throughput_look set reason = 'y'") == "PL004")
        }
    }

    @Test func aRefusalHasAReasonAndWhatIsTakenBackIsOver() async throws {
        try await withPeople { fixture in
            let ledger = fixture.ledger
            try await fixture.worked("ann", "2026-06-10 08:00+02", "2026-06-10 09:00+02")
            func ask() async throws -> Int64 {
                try await ledger.askTimeRemoval(draft("2026-06-10 08:10", "2026-06-10 08:20", "the cat"), by: "ann").id
            }
            let (first, second, third) = (try await ask(), try await ask(), try await ask())
            #expect(
                await code {
                    _ = try await ledger.answerCorrection(first, agree: false, reason: " ", by: .supervisor("boss"))
                } == .invalid)
            let refused = try await ledger.answerCorrection(
                first, agree: false, reason: "the server saw heartbeats", by: .supervisor("boss"))
            #expect(refused.state == .refused && refused.answerReason == "the server saw heartbeats")
            #expect(await code { _ = try await ledger.withdrawCorrection(second, by: "bob") } == .notFound)
            #expect(try await ledger.withdrawCorrection(second, by: "ann").state == .withdrawn)
            #expect(
                await code {
                    _ = try await ledger.answerCorrection(second, agree: true, reason: "", by: .supervisor("boss"))
                } == .conflict)
            // The later word of a person counts.
            let added = try await ledger.addTime(draft("2026-06-10 08:15", "2026-06-10 08:16"), by: "ann")
            #expect(try await ledger.correction(third).state == .withdrawn)
            #expect(await code { _ = try await ledger.withdrawCorrection(added.id, by: "ann") } == .conflict)
            #expect(try await fixture.leasedSeconds("ann") == 3_600)
            for _ in 0..<Ledger.correctionsWaitingMax { _ = try await ask() }
            #expect(await code { _ = try await ask() } == .refused)
        }
    }

    @Test func timeOfALeaseThatIsStillOpenIsNotAskedAbout() async throws {
        try await withPeople { fixture in
            let ledger = fixture.ledger
            try await fixture.importTasks(tasks(1))
            try await fixture.worked("ann", "2026-06-10 08:00+02", "2026-06-10 09:00+02")
            try await fixture.setClock("2026-06-10 08:30+02")
            let fence = try await fixture.lease("t0", to: "ann")
            try await fixture.setClock(Self.noon)
            func ask(_ to: String) async -> LedgerError.Code? {
                await code { _ = try await ledger.askTimeRemoval(draft("2026-06-10 08:00", to, "x"), by: "ann") }
            }
            #expect(await ask("2026-06-10 08:31") == .refused)
            #expect(await ask("2026-06-10 08:30") == nil)
            try await fixture.answer(fence)
            #expect(await ask("2026-06-10 08:31") == nil)
        }
    }

    @Test func afterFourWeeksNobodyAgreesAnyMoreAndTheTimesAreGone() async throws {
        try await withPeople { fixture in
            let ledger = fixture.ledger
            try await fixture.worked("ann", "2026-06-10 08:00+02", "2026-06-10 09:00+02")
            let asked = try await ledger.askTimeRemoval(
                draft("2026-06-10 08:10", "2026-06-10 08:20", "x"), by: "ann")
            let other = try await ledger.askTimeRemoval(
                draft("2026-06-10 08:10", "2026-06-10 08:20", "x"), by: "ann")
            _ = try await ledger.answerCorrection(other.id, agree: false, reason: "no", by: .operator("olu"))
            try await fixture.setClock("2026-07-08 08:10:01+02")
            #expect(try await ledger.correctionsWaiting(for: .operator("olu")).isEmpty)
            #expect(
                await code {
                    _ = try await ledger.answerCorrection(asked.id, agree: true, reason: "", by: .operator("olu"))
                } == .refused)
            #expect(try await fixture.number("select count(*) from time_correction_answer") == 1, "nothing half done")
            _ = try await ledger.forgetPast()
            #expect(try await fixture.number("select count(*) from time_correction") == 2)
            try await fixture.setClock("2026-07-08 08:20:01+02")
            _ = try await ledger.forgetPast()
            #expect(try await fixture.number("select count(*) from time_correction") == 0)
            #expect(try await fixture.number("select count(*) from time_correction_answer") == 0)
        }
    }

    /// Intervals lose their kind with age under no lock. One that did so while the removal waited for its row is found.
    @Test func timeThatLosesItsKindMeanwhileIsTakenAwayToo() async throws {
        try await withPeople { fixture in
            let ledger = fixture.ledger
            try await fixture.owner.execute(
                script: """
                    insert into work_interval select person_id, 'puzzle', 0, '2026-05-30 08:00+02', '2026-05-30 09:00+02'
                        from person where name = 'ann'
                    """)
            let asked = try await ledger.askTimeRemoval(
                draft("2026-05-30 08:30", "2026-05-30 09:00", "x"), by: "ann")
            try await fixture.owner.execute(
                script: """
                    begin;
                    with gone as (delete from work_interval where kind <> '' returning person_id, starts, ends)
                    insert into work_interval select person_id, '', 0, starts, ends from gone;
                    """)
            let answering = Task {
                await code {
                    _ = try await ledger.answerCorrection(asked.id, agree: true, reason: "", by: .operator("olu"))
                }
            }
            #expect(try await fixture.comesToWait(in: "work_interval"))
            try await fixture.owner.execute(script: "commit")
            #expect(await answering.value == nil)
            #expect(try await fixture.leasedSeconds("ann") == 1_800)
        }
    }

    /// Time that lost its kind with age, and time that was added, are taken away like any other.
    @Test func oldAndAddedTimeIsTakenAwayToo() async throws {
        try await withPeople { fixture in
            let ledger = fixture.ledger
            try await fixture.worked("ann", "2026-06-01 08:00+02", "2026-06-01 09:00+02")
            try await fixture.setClock("2026-06-12 12:00+02")
            _ = try await ledger.ageWork()
            #expect(try await fixture.texts("select kind from work_interval") == [""])
            _ = try await ledger.addTime(draft("2026-06-01 09:00", "2026-06-01 10:00"), by: "ann")
            let asked = try await ledger.askTimeRemoval(
                draft("2026-06-01 08:30", "2026-06-01 09:30", "x"), by: "ann")
            #expect(asked.recorded == .seconds(3_600))
            _ = try await ledger.answerCorrection(asked.id, agree: true, reason: "", by: .operator("olu"))
            #expect(
                try await fixture.texts(
                    "select extract(epoch from ends - starts)::int::text from work_interval order by starts")
                    == ["1800", "1800"])
        }
    }
}
