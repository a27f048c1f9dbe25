import Ledger
import PlimsollModel
import Postgres
import TestSupport
import Testing

/// P3 to its end: an erasure takes what is about a person or one of their purposes, and nothing of anybody else's.
@Suite struct ErasureTests {
    private let name = "zaphira"
    private var voice: ConsentVoice { ConsentVoice(name: name, certificateSerial: "ab01") }

    /// A person with something in every table that speaks of people.
    private func fill(_ fixture: LedgerFixture) async throws {
        let ledger = fixture.ledger
        try await fixture.project(purposes: ["taking-part", "training"], people: [name, "bob"])
        try await fixture.importTasks(tasks(4))
        try await fixture.answer(try await fixture.lease("t0", to: name), #"{"label":"canary-label"}"#)
        try await fixture.answer(try await fixture.lease("t1", to: "bob"), #"{"label":"of-bob"}"#)
        try await ledger.recordCertificate(
            CertificateRow.Draft(
                serial: "ab01", identity: "spiffe://test/engineer/\(name)/worker/w1", name: name,
                notBefore: Moment(microseconds: 0), notAfter: Moment(microseconds: 4_000_000_000_000_000)), by: "op")
        _ = try await ledger.enrolEngineer(
            name, zone: nil, projects: ["puzzles"], selection: record, tokenHash: [1, 2, 3], by: "op")
        let id = "(select person_id from person where name = '\(name)')"
        try await fixture.owner.execute(
            script: """
                insert into late_answer (task_id, person_id, fence, project_id, person_n, arrived_on, answer_hash, answer,
                    why) select task_id, \(id), 77, project_id, 1, current_date, '\\x01', '{"label":"canary-late"}', 'expired'
                    from task where external_key = 't2';
                insert into tally (project_id, at, late) select project_id, clock(), 1 from project;
                insert into decision values (\(id), clock(), 'break', 'canary-decision', '50m', null);
                insert into lease_history select \(id), 5, task_id, 1, lane_id, clock(), clock(), 'label' from task limit 1;
                insert into contribution select project_id, date_trunc('hour', clock()), \(id) from project;
                insert into delivery_failure select task_id, 6, \(id), 'expired', clock() from task limit 1;
                insert into time_correction (person_id, what, starts, ends, recorded, reason, asked_at)
                    values (\(id), 'remove', clock() - interval '1 hour', clock(), '{}', 'canary-correction', clock());
                insert into time_correction_answer (correction_id, person_id, outcome, answered_by, reason, answered_at)
                    select c.correction_id, c.person_id, 'refused', p.person_id, 'canary-answer', clock()
                    from time_correction c, person p where p.name = 'boss';
                insert into throughput_look (person_id, reader_id, reason, looked_at)
                    select \(id), person_id, 'canary-look', clock() from person where name = 'boss';
                insert into throughput_look (person_id, reader_id, reason, looked_at)
                    select person_id, \(id), 'of-bob', clock() from person where name = 'bob';
                """)
        _ = try await ledger.exportLabels(project: "puzzles", purpose: "training", by: "op") { _ in
        } receive: { _ in
        }
    }

    @Test func afterAnErasureNoDumpHoldsTheNameOrAnAnswer() async throws {
        try await withLedger { fixture in
            try await fill(fixture)
            let before = try DatabaseDump.text(of: fixture.conninfo)
            for word in [
                name, "canary-label", "canary-late", "canary-decision", "canary-correction", "canary-answer",
                "canary-look",
                "of-bob",
            ] {
                #expect(before.contains(word), "\(word) is not there to be looked for")
            }
            let events = try await fixture.number("select count(*) from chain_event")
            let outcome = try await fixture.ledger.erase(purpose: nil, voice: voice)
            #expect(outcome.receipts.map(\.purpose) == ["taking-part", "training"])
            #expect(outcome.labels == 1 && outcome.lateAnswers == 1 && outcome.chainDetails > 4)
            let after = try DatabaseDump.text(of: fixture.conninfo)
            for word in [
                name, "canary-label", "canary-late", "canary-decision", "canary-correction", "canary-answer",
                "canary-look",
            ] {
                #expect(!after.contains(word), "\(word) is still there")
            }
            #expect(after.contains("of-bob"))
            let pseudonym = try #require(outcome.pseudonym)
            #expect(
                try await fixture.texts("select name from person where name <> 'boss' order by person_id")
                    == [pseudonym, "bob"])
            let id = "(select person_id from person where name = '\(pseudonym)')"
            // What stays under the pseudonym: consent events, exclusions, that the task was had, deliveries that
            // failed.
            for table in ["consent_event", "exclusion", "declined", "delivery_failure"] {
                #expect(try await fixture.number("select count(*) from \(table) where person_id = \(id)") > 0)
            }
            // The chain's events stay, each with its hash; only details went, hers alone.
            #expect(try await fixture.number("select count(*) from chain_event") == events + 3)
            #expect(try await fixture.number("select count(*) from chain_detail where actor = 'bob'") == 2)
            // The export is told what to drop, though the answer is gone.
            let superseded = try await fixture.ledger.supersededExports()
            #expect(superseded.count == 1 && superseded[0].dropped == 1)
            // Whoever has the name next is not met by the old certificate.
            _ = try await fixture.ledger.enrolEngineer(
                name, zone: "UTC", projects: ["puzzles"], selection: record, by: "op")
            #expect(try await fixture.ledger.admission(of: name, role: "engineer", serial: "ab01")?.isDenied == true)
            #expect(try await fixture.ledger.admission(of: name, role: "engineer", serial: "cd02")?.isDenied == false)
            // The freed slot waits, the figures are right, and the late answer waits no more.
            #expect(
                try await fixture.texts(
                    "select sum(slots) || ' ' || sum(done) || ' ' || sum(leased) || ' ' || sum(late) from tally")
                    == ["4 1 0 0"])
        }
    }

    /// Once it is gone nothing could name it, also when that use is withdrawn later.
    @Test func whatIsErasedUnderOneUseIsNamedToExportsForTheOthers() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(purposes: ["taking-part", "training", "research"], people: [name, "bob"])
            try await fixture.importTasks(tasks(2))
            try await fixture.answer(try await fixture.lease("t0", to: name))
            try await fixture.answer(try await fixture.lease("t1", to: "bob"))
            for purpose in ["training", "research"] {
                _ = try await ledger.exportLabels(project: "puzzles", purpose: purpose, by: "op") { _ in
                } receive: { _ in
                }
            }
            func dropped() async throws -> [String] {
                try await fixture.texts(
                    """
                    select x.purpose || ' ' || d.task_key || ' ' || d.number from export_drop d
                    join export x using (export_id) order by 1
                    """)
            }
            // Withdrawing one use leaves the other.
            try await fixture.withdraw(name, "research")
            try await ledger.settleWithdrawals()
            #expect(try await dropped() == ["research t0 2"])
            #expect(try await ledger.erase(purpose: "research", voice: voice).labels == 1)
            #expect(try await dropped() == ["research t0 2", "training t0 2"])
            // Nothing is told twice.
            try await fixture.withdraw(name, "training")
            try await ledger.settleWithdrawals()
            _ = try await ledger.erase(purpose: nil, voice: voice)
            #expect(try await dropped() == ["research t0 2", "training t0 2"])
            #expect(try await fixture.number("select count(*) from supersession") == 2)
        }
    }

    /// Each answer may be in every export, and the epoch is held while they are named.
    @Test func whatIsNamedUnderOneHoldOfTheEpochIsBounded() async throws {
        try await withLedger { fixture in
            let (exports, labels) = (1_000, 12)
            try await fixture.project(purposes: ["taking-part", "training"], people: [name])
            try await fixture.importTasks(tasks(labels))
            try await fixture.manyLabels(of: name)
            try await fixture.owner.execute(
                script: """
                    insert into export (project_id, purpose, cut_at, pseudonym_key, exported_by, labels, finished_at)
                        select project_id, 'taking-part', clock(), '\\x01', 'op', \(labels), clock()
                        from project, generate_series(1, \(exports));
                    insert into export_person (export_id, person_id, at_n, labels)
                        select export_id, person_id, 1000, \(labels) from export, person where name = '\(name)';
                    """)
            #expect(try await fixture.ledger.erase(purpose: "training", voice: voice).labels == labels)
            let holds = try await fixture.texts(
                "select count(*)::text from export_drop group by xmin order by count(*) desc")
            #expect(holds.compactMap { Int($0) }.reduce(0, +) == exports * labels)
            #expect(holds.first.flatMap { Int($0) } == Ledger.erasureRecordsMax, "\(holds)")
        }
    }

    /// A look or a concern that found the name before the erasure took it does not write it down behind it.
    @Test func noNameComesIntoTheChainBehindAnErasure() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: [name])
            let acts: [@Sendable () async throws -> Void] = [
                { try await ledger.recordRead(.certificateList(of: "zaphira"), by: "op") },
                { _ = try? await ledger.effectiveLimits(for: "zaphira", viewer: .operator("op")) },
                { _ = try? await ledger.raiseConcern("a concern", project: nil, voice: .named("zaphira")) },
            ]
            let erasure = try await fixture.coordinator()
            try await fixture.owner.execute(script: "begin; update person set name = 'x' where name = 'zaphira'")
            let before = try await fixture.number("select count(*) from chain_detail")
            let running = acts.map { act in Task { try await act() } }
            #expect(try await eventually { try await waitingForLocks(erasure) == Int64(acts.count) })
            try await fixture.owner.execute(script: "commit")
            for act in running { try await act.value }
            #expect(try await fixture.number("select count(*) from chain_detail") == before)
            await erasure.close()
        }
    }

    /// That somebody pulled still counts, and whose cord it was cannot be told any more.
    @Test func anErasureLeavesTheCordPulledAndTakesWhoseItWas() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: [name, "ann", "bob", "cid", "dan", "eve"])
            func pull(_ person: String) async throws -> CordOutcome {
                try await ledger.pullCord(project: "puzzles", by: person)
            }
            func cords() async throws -> [String] { try await fixture.texts("select encode(hash, 'hex') from cord") }
            #expect(try await pull(name) == .counted)
            let hers = try #require(try await cords().first)
            for person in ["ann", "bob"] { #expect(try await pull(person) == .counted) }
            #expect(try DatabaseDump.text(of: fixture.conninfo).contains(hers))
            _ = try await ledger.erase(purpose: nil, voice: voice)
            #expect(try await cords().count == 3)
            #expect(!(try DatabaseDump.text(of: fixture.conninfo).contains(hers)))
            // Others count once as before; whoever has the name next is somebody else, and counts once too.
            _ = try await ledger.enrolEngineer(name, zone: "UTC", projects: ["puzzles"], selection: record, by: "op")
            for (person, count) in [("ann", 3), (name, 4), (name, 4)] {
                #expect(try await pull(person) == .counted)
                #expect(try await cords().count == count)
            }
            #expect(try await pull("cid") == .paused)
        }
    }

    /// It is waited for: what comes in behind the erasure would stay.
    @Test func aCordThatIsPulledDuringAnErasureIsNobodysToo() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            let (name, voice) = (self.name, self.voice)
            try await fixture.project(people: [name, "ann", "bob", "cid", "dan", "eve"])
            let other = try await fixture.coordinator()
            try await other.execute(
                script: "begin; select project_id from project where name = 'puzzles' for no key update")
            func expectWaiting(_ count: Int64) async throws {
                #expect(try await eventually { try await waitingForLocks(fixture.owner) == count })
            }
            let pull = Task { try await ledger.pullCord(project: "puzzles", by: name) }
            try await expectWaiting(1)
            let erasure = Task { try await ledger.erase(purpose: nil, voice: voice) }
            try await expectWaiting(2)
            try await other.execute(script: "commit")
            #expect(try await pull.value == .counted)
            #expect(try await erasure.value.pseudonym != nil)
            #expect(try await fixture.number("select count(*) from cord") == 1)
            // Hers would be the same once more.
            _ = try await ledger.enrolEngineer(name, zone: "UTC", projects: ["puzzles"], selection: record, by: "op")
            #expect(try await ledger.pullCord(project: "puzzles", by: name) == .counted)
            #expect(try await fixture.number("select count(*) from cord") == 2)
            await other.close()
        }
    }

    /// People, purposes and projects are named by one rule.
    @Test func whoIsCalledAsAPurposeTakesNobodyElsesRecord() async throws {
        try await withLedger { fixture in
            try await fixture.project(purposes: ["taking-part", "training"], people: ["training", "bob"])
            let details = "select count(*) from chain_detail d join person p on p.person_id = d.subject_id"
            let before = try await fixture.number("\(details) where p.name = 'bob'")
            let created = """
                select count(*) from chain_detail join chain_event using (event_id) where kind = 'project.created'
                """
            let projects = try await fixture.number(created)
            _ = try await fixture.ledger.deny(.person("bob"), reason: "a test", by: "training")
            let outcome = try await fixture.ledger.erase(
                purpose: nil, voice: ConsentVoice(name: "training", certificateSerial: "ab01"))
            #expect(outcome.chainDetails > 0 && before > 1)
            // Why bob was denied, and by whom, stays his to know.
            #expect(try await fixture.number("\(details) where p.name = 'bob'") == before + 1)
            #expect(try await fixture.number(created) == projects)
        }
    }

    /// What she did for herself is on the chain under her name, and she once answered for a team that bears it.
    @Test func anErasureTakesTheNameFromOwnActsAndFromATeam() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fill(fixture)
            try await ledger.setLimitLayer(.person(name), "day-time: 1h", by: name)
            _ = try await ledger.raiseConcern("canary-concern", project: "puzzles", voice: .named(name))
            try await ledger.grantRole(.supervisor, to: name, by: "op")
            _ = try await ledger.enrolEngineer(
                "carl", zone: "UTC", projects: ["puzzles"],
                selection: SelectionRecord(
                    rule: "volunteers/1", dataUsed: "none", decidedBy: name, alternativeOffered: "the usual work"),
                by: "op")
            #expect(try await ledger.teams().map(\.name).contains(name))
            try await ledger.revokeRole(.supervisor, from: name, reason: "a test", by: "op")
            let own = try await fixture.texts(
                """
                select distinct e.kind from chain_event e join chain_detail d using (event_id)
                where d.actor = '\(name)' and d.subject_id = (select person_id from person where name = '\(name)')
                """)
            #expect(Set(own).isSuperset(of: ["limits.set", "concern.raised", "consent.given"]), "\(own)")
            #expect(try DatabaseDump.text(of: fixture.conninfo).contains("day-time: 1h"))
            let before = try await fixture.texts("select event_id::text from chain_detail")
            let outcome = try await ledger.erase(purpose: nil, voice: voice)
            let pseudonym = try #require(outcome.pseudonym)
            let after = try DatabaseDump.text(of: fixture.conninfo)
            for word in [name, "day-time: 1h"] { #expect(!after.contains(word), "\(word) is still there") }
            // The concern stays to be answered, and the team and who is in it to be looked after.
            #expect(after.contains("canary-concern"))
            #expect(try await ledger.teamMembers(pseudonym) == ["carl"])
            #expect(try await ledger.teams().first { $0.name == pseudonym }?.supervisor == pseudonym)
            // The erasure names what it took, by number alone.
            let left = try await fixture.texts("select event_id::text from chain_detail")
            let said = try await fixture.texts(
                """
                select json_array_elements_text(d.detail -> 'events') from chain_event e join chain_detail d using (event_id)
                where e.kind = 'person.erased'
                """)
            #expect(Set(said).isSuperset(of: Set(before).subtracting(left)) && said.count == outcome.chainDetails)
        }
    }

    @Test func onePurposeTakesWhatStandsOnItAndLeavesThePerson() async throws {
        try await withLedger { fixture in
            try await fill(fixture)
            try await fixture.project("other", people: [name])
            try await fixture.importTasks(tasks(1), project: "other")
            try await fixture.answer(
                try await fixture.lease("t0", to: name, project: "other"), #"{"label":"canary-other"}"#)
            let outcome = try await fixture.ledger.erase(purpose: "training", voice: voice)
            #expect(outcome.receipts.map(\.purpose) == ["training"] && outcome.pseudonym == nil)
            #expect(outcome.labels == 1 && outcome.lateAnswers == 1)
            let dump = try DatabaseDump.text(of: fixture.conninfo)
            #expect(!dump.contains("canary-label") && !dump.contains("canary-late"))
            #expect(dump.contains("canary-other") && dump.contains(name))
            // Once more is no harm.
            let again = try await fixture.ledger.erase(purpose: "training", voice: voice)
            #expect(again.labels == 0 && again.receipts.count == 1)
            let unknown = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.erase(purpose: "trainin", voice: voice)
            }
            #expect(unknown?.code == .notFound)
        }
    }

    @Test func withoutRefillAnErasedSlotIsNoSlotAnyMore() async throws {
        try await withLedger { fixture in
            try await fill(fixture)
            _ = try await fixture.ledger.setProject(ProjectDraft(name: "puzzles", refill: false), by: "op")
            _ = try await fixture.ledger.erase(purpose: nil, voice: voice)
            #expect(try await fixture.number("select count(*) from label") == 1)
            #expect(
                try await fixture.texts("select sum(slots) || ' ' || sum(done) || ' ' || sum(leased) from tally")
                    == ["3 1 0"])
        }
    }

    @Test func whoActsForTheDeploymentKeepsTheNameUntilTheRoleIsGone() async throws {
        try await withLedger { fixture in
            try await fill(fixture)
            try await fixture.ledger.grantRole(.reviewer, to: name, by: "op")
            let error = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.erase(purpose: nil, voice: voice)
            }
            #expect(error?.code == .refused)
            // Nothing was withdrawn on the way to the refusal.
            #expect(try await fixture.number("select count(*) from exclusion") == 0)
            try await fixture.ledger.revokeRole(.reviewer, from: name, reason: "a test", by: "op")
            #expect(try await fixture.ledger.erase(purpose: nil, voice: voice).pseudonym != nil)
        }
    }
}
