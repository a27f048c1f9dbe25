import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// How much somebody did: for themselves, and for one supervisor while they agree.
@Suite struct ThroughputTests {
    private static let purpose = PurposeName.throughputToSupervisor.rawValue

    /// Ann and Bob with labels in two projects; the clock stands.
    private func withLabels(_ body: (LedgerFixture) async throws -> Void) async throws {
        try await withLedger { fixture in
            let today = try await fixture.texts("select to_char(now() at time zone 'UTC', 'YYYY-MM-DD')")[0]
            try await fixture.setClock("\(today) 12:00+00")
            try await fixture.project(people: ["ann", "bob"])
            try await fixture.project("ratings", people: ["ann"])
            _ = try await fixture.ledger.publishNotice(
                noticeDraft("throughput", purpose: Self.purpose), by: "op")
            try await fixture.importTasks(tasks(6))
            try await fixture.importTasks(tasks(2), project: "ratings")
            for key in ["t0", "t1", "t2"] { try await fixture.answer(try await fixture.lease(key, to: "ann")) }
            try await fixture.answer(try await fixture.lease("t0", to: "ann", project: "ratings"))
            try await fixture.answer(try await fixture.lease("t3", to: "bob"))
            try await body(fixture)
        }
    }

    private func look(
        _ fixture: LedgerFixture, at name: String, by reader: String = "boss", reason: String = "planning"
    ) async throws -> [LabelCount] {
        try await fixture.ledger.showThroughput(of: name, to: reader, reason: reason)
    }

    @Test func ownThroughputIsByDateAndProjectAndAgreesWithTheRecord() async throws {
        try await withLabels { fixture in
            let ledger = fixture.ledger
            // An hour in one project and half an hour in the other, 10 min of it at once; lease history as flushes
            // write it.
            try await fixture.owner.execute(
                script: """
                    insert into lease_history select p.person_id, x.fence, x.fence, 1, l.lane_id, clock() - x.since, clock() - x.until,
                        'label' from person p, lane l join project j using (project_id), (values
                        ('puzzles', 1, interval '4 hours', interval '3 hours'),
                        ('puzzles', 2, interval '230 minutes', interval '200 minutes'),
                        ('ratings', 3, interval '190 minutes', interval '175 minutes'),
                        ('ratings', 4, interval '175 minutes', interval '160 minutes')) x (project, fence, since, until)
                    where p.name = 'ann' and j.name = x.project;
                    insert into work_day select person_id, (clock() - interval '40 days')::date, 3600 from person
                        where name = 'ann';
                    insert into work_interval select person_id, '', 0, clock() - interval '10 days 1 hour',
                        clock() - interval '10 days' from person where name = 'ann';
                    """)
            let noon = try #require(
                try await fixture.texts("select to_char(clock() at time zone 'UTC', 'YYYY-MM-DD')").first)
            try await fixture.worked("ann", "\(noon) 08:00+00", "\(noon) 09:20+00")
            let own = try await ledger.throughput(of: "ann")
            #expect(own.since == own.today.advanced(by: -27) && own.projectsSince == own.today.advanced(by: -6))
            let today = try #require(own.days.first)
            #expect(today.day == own.today && today.labels == 4 && today.leased == .seconds(80 * 60))
            #expect(today.projects.map(\.name) == ["puzzles", "ratings"] && today.projects.map(\.labels) == [3, 1])
            #expect(today.projects.map(\.leased) == [.seconds(3_600), .seconds(1_800)])
            // Of one task, however often it was leased, it would be the time of that task.
            try await fixture.owner.execute(script: "update lease_history set task_id = 3 where fence = 4")
            let one = try #require(try await ledger.throughput(of: "ann").days.first)
            #expect(one.projects.map(\.leased) == [.seconds(3_600), nil] && one.leased == today.leased)
            #expect(own.days.count == 2 && own.days[1].day == own.today.advanced(by: -10))
            #expect(own.days[1].leased == .seconds(3_600) && own.days[1].labels == 0)
            // Of the days before, totals.
            let all = try await ledger.throughput(of: "ann", days: Ledger.throughputDaysMax)
            #expect(all.days.count == 3 && all.days[2].leased == .seconds(3_600))
            for days in [0, -1, Ledger.throughputDaysMax + 1] {
                #expect(await code { _ = try await ledger.throughput(of: "ann", days: days) } == .invalid)
            }
            // Time that was corrected away is no project's either.
            let asked = try await ledger.askTimeRemoval(
                CorrectionDraft(from: "\(noon)T08:00:00Z", to: "\(noon)T08:30:00Z", reason: "x"), by: "ann")
            _ = try await ledger.answerCorrection(asked.id, agree: true, reason: "", by: .supervisor("boss"))
            let corrected = try #require(try await ledger.throughput(of: "ann").days.first)
            #expect(corrected.leased == .seconds(50 * 60) && corrected.projects[0].leased == .seconds(1_800))
            #expect(try await ledger.throughput(of: "bob").days.map(\.labels) == [1])
        }
    }

    @Test func whatWasWithdrawnFromEveryUseIsLeftOut() async throws {
        try await withLabels { fixture in
            func total(_ name: String) async throws -> Int {
                try await fixture.ledger.throughput(of: name).days.map(\.labels).reduce(0, +)
            }
            #expect(try await total("ann") == 4)
            try await fixture.withdraw("ann", "taking-part")
            #expect(try await total("ann") == 0)
            try await fixture.ledger.settleWithdrawals()
            #expect(try await total("ann") == 0)
            #expect(try await total("bob") == 1)
        }
    }

    @Test func aSupervisorLooksOnlyWhileTheEngineerAgreesAndEachLookIsShownToThem() async throws {
        try await withLabels { fixture in
            let ledger = fixture.ledger
            #expect(await code { _ = try await look(fixture, at: "ann") } == .refused)
            try await fixture.give("ann", "throughput")
            let seen = try await look(fixture, at: "ann", reason: "planning of July")
            #expect(seen.map(\.project) == ["puzzles", "ratings"] && seen.map(\.labels) == [3, 1])
            _ = try await look(fixture, at: "ann", reason: "once more")
            // Who, when, for what; in the chain and for the engineer's eyes, once for each look.
            let access = try await ledger.access(of: "ann").filter { $0.what == "throughput" }
            #expect(access.map(\.by) == ["boss", "boss"])
            #expect(
                access.map(\.detail).sorted() == [
                    "your labels by date: once more", "your labels by date: planning of July",
                ])
            #expect(try await fixture.number("select count(*) from chain_event where kind = 'throughput.shown'") == 2)
            #expect(try await ledger.access(of: "bob").allSatisfy { $0.what != "throughput" })
            #expect(await code { _ = try await look(fixture, at: "ann", reason: " ") } == .invalid)
            // Taken back, it is over at once, and so at its end.
            try await fixture.withdraw("ann", Self.purpose)
            #expect(await code { _ = try await look(fixture, at: "ann") } == .refused)
            try await fixture.give("ann", "throughput")
            #expect(await code { _ = try await look(fixture, at: "ann") } == nil)
            let end = try await fixture.texts("select (clock() + interval '90 days')::text")[0]
            try await fixture.setClock(end)
            #expect(await code { _ = try await look(fixture, at: "ann") } == .refused)
            #expect(try await fixture.number("select count(*) from throughput_look") == 3, "refused looks see nothing")
        }
    }

    @Test func aWithdrawalThatComesWhileSomebodyLooksIsMet() async throws {
        try await withLabels { fixture in
            try await fixture.give("ann", "throughput")
            // Holds her lock and withdraws, while the look has read and waits for the lock.
            try await fixture.owner.execute(
                script: """
                    begin;
                    select 1 from person where name = 'ann' for no key update;
                    insert into consent_event (person_id, purpose, n, at, state, notice_id, notice_version,
                        certificate_serial, receipt_id, event_hash)
                    select person_id, purpose, n + 1, clock(), 'withdrawn', notice_id, notice_version, certificate_serial,
                        gen_random_uuid(), event_hash from consent_event where purpose = '\(Self.purpose)';
                    """)
            let looking = Task { await code { _ = try await look(fixture, at: "ann") } }
            #expect(try await fixture.comesToWait(in: "for no key update"))
            try await fixture.owner.execute(script: "commit")
            #expect(await looking.value == .refused)
            #expect(try await fixture.number("select count(*) from throughput_look") == 0)
            #expect(try await fixture.number("select count(*) from chain_event where kind = 'throughput.shown'") == 0)
        }
    }

    /// P9: the whole error, whatever the cause.
    @Test func everyRefusedLookIsTheSame() async throws {
        try await withLabels { fixture in
            let ledger = fixture.ledger
            try await ledger.grantRole(.supervisor, to: "tom", by: "op")
            _ = try await ledger.enrolEngineer(
                "dan", zone: "UTC", projects: ["puzzles"],
                selection: SelectionRecord(
                    rule: "volunteers/1", dataUsed: "none", decidedBy: "tom", alternativeOffered: "the usual work"),
                by: "op")
            func refusal(_ name: String, by reader: String = "boss") async -> String {
                do {
                    _ = try await look(fixture, at: name, by: reader)
                    return "shown"
                } catch {
                    guard let error = error as? LedgerError else { return "\(error)" }
                    return "\(error.code) \(error.description)"
                }
            }
            let never = await refusal("ann")
            _ = try await ledger.refuseAgreement(
                purpose: Self.purpose, voice: ConsentVoice(name: "ann", certificateSerial: "ab01"))
            let refused = await refusal("ann")
            try await fixture.give("ann", "throughput")
            #expect(await refusal("ann") == "shown")
            try await fixture.withdraw("ann", Self.purpose)
            let withdrawn = await refusal("ann")
            // In another team, though they agree; nobody; oneself; no name at all; of others by whoever answers for
            // nobody.
            try await fixture.give("dan", "throughput")
            #expect(await refusal("dan", by: "tom") == "shown")
            var all = [never, refused, withdrawn]
            for name in ["dan", "nobody", "boss", "", "x'y", String(repeating: "a", count: 5_000)] {
                all.append(await refusal(name))
            }
            all.append(await refusal("dan", by: "op"))
            #expect(Set(all).count == 1 && all[0].hasPrefix("refused no throughput is shown"), "\(Set(all))")
        }
    }
}
