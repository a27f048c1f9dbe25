import Foundation
import PlimsollModel
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// What waits and why, as others are told of it: counts and never a person (P9).
@Suite struct QueueTests {
    private func status(_ fixture: LedgerFixture) async throws -> QueueStatus {
        try await fixture.queueStatus()
    }

    @Test func statusIsTheSumOfFoldsAndWhatFollowed() async throws {
        try await withLedger { fixture in
            try await fixture.project(overlap: 2, people: ["ann", "bob", "cid", "dan", "eve"])
            try await fixture.importTasks(tasks(10))
            var now = try await status(fixture)
            #expect(now.waiting == 20 && now.leased == 0 && now.done == 0)
            let oldest = try #require(now.oldestWaiting)
            #expect(oldest >= .zero && oldest < .seconds(60))
            #expect(try await fixture.ledger.foldTally() == 1)
            #expect(try await fixture.ledger.foldTally() == 0)
            for (index, person) in ["ann", "bob", "cid", "dan", "eve"].enumerated() {
                try await fixture.lease("t\(index)", to: person)
            }
            let fence = try await fixture.lease("t9", to: "ann")
            try await fixture.answer(fence)
            now = try await status(fixture)
            #expect(now.waiting == 14 && now.leased == 5 && now.done == 1)
            #expect(try await fixture.ledger.foldTally() ?? 0 > 0)
            now = try await status(fixture)
            #expect(now.waiting == 14 && now.leased == 5 && now.done == 1 && now.rate == nil)
            #expect(try await fixture.number("select count(*) from tally") == 0)
            // Five people contributed: a rate may be shown.
            try await fixture.owner.execute(
                script: """
                    insert into contribution (project_id, hour, person_id)
                    select project_id, date_trunc('hour', clock()), person_id from project, person
                    """)
            now = try await status(fixture)
            let rate = try #require(now.rate)
            let labels = rate.labelsPerHour * Double(rate.window.components.seconds) / 3_600
            #expect(labels > 0.99 && labels < 1.01 && rate.window >= .seconds(3_600) && rate.window < .seconds(7_200))
        }
    }

    @Test func aTransactionThatStaysOpenIsNeitherLostNorCountedTwice() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: [])
            let slow = try await fixture.coordinator()
            try await slow.execute(
                script: "begin; insert into tally (project_id, at, slots) select project_id, clock(), 7 from project")
            try await fixture.importTasks(tasks(5))
            _ = try await fixture.ledger.foldTally()
            #expect(try await status(fixture).waiting == 5)
            try await slow.execute(script: "commit")
            #expect(try await status(fixture).waiting == 12)
            _ = try await fixture.ledger.foldTally()
            #expect(try await status(fixture).waiting == 12)
            await slow.close()
        }
    }

    @Test func fewPeopleAtWorkAreNotShownAtWork() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(5))
            let fence = try await fixture.lease("t0", to: "ann")
            try await fixture.lease("t1", to: "ann")
            try await fixture.answer(fence)
            for _ in 0..<2 {
                let now = try await status(fixture)
                #expect(now.isCoarse && now.leased == 0 && now.done == 0 && now.waiting == 5)
                _ = try await fixture.ledger.foldTally()
            }
        }
    }

    @Test func ofFewPeopleNoFigureMovesWithinTheHour() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann", "bob"])
            try await fixture.importTasks(tasks(6))
            try await fixture.lease("t0", to: "bob")
            // In the middle of an hour, in which the clock stands; what was done is of the hour before.
            let now = try await fixture.texts("select (date_trunc('hour', clock()) + interval '90 minutes')::text")[0]
            func setClock(plus hours: Int = 0) async throws {
                try await fixture.owner.execute(
                    script: """
                        create or replace function plimsoll.clock() returns timestamptz language sql volatile
                            parallel restricted as $$ select timestamptz '\(now)' + interval '\(hours) hours' $$
                        """)
            }
            try await setClock()
            try await fixture.owner.execute(
                script: """
                    insert into span (lane_id, slot, first_task, last_task, fresh, since)
                        select lane_id, 1, 1, 1, false, clock() - interval '3 hours' from lane
                    """)
            let before = try await status(fixture)
            #expect(before.isCoarse && before.leased == 1 && before.oldestWaiting == .seconds(3 * 3_600))
            let held = try await fixture.ledger.leases(hidingFew: true)
            #expect(held.map(\.key) == ["t0"] && held[0].isCoarse && held[0].untilDeadline == nil)
            let listed = try await fixture.ledger.tasks(project: "puzzles", hidingFew: true)
            #expect(listed.allSatisfy { $0.state == .waiting && $0.leases == 0 })
            // The oldest is taken and answered, another parked; nothing of it shows before the hour is over.
            let fence = try await fixture.lease("t1", to: "ann")
            try await fixture.owner.execute(
                script: """
                    delete from span where first_task = 1;
                    insert into lease_history (person_id, fence, task_id, slot, lane_id, granted_at, at, how)
                        select person_id, fence, task_id, slot, lane_id, granted_at, clock(), 'answered' from lease
                        where fence = \(fence)
                    """)
            try await fixture.answer(fence)
            try await fixture.lease("t2", to: "ann")
            try await fixture.owner.execute(
                script: """
                    insert into parked (task_id, slot, person_id, fence, lane_id, project_id, first_granted_at, parked_at,
                        until, provenance_id)
                    select l.task_id, l.slot, l.person_id, l.fence, l.lane_id, l.project_id, l.first_granted_at, clock(),
                        clock() + interval '3 days', l.provenance_id
                        from lease l join task t on t.task_id = l.task_id where t.external_key = 't2';
                    insert into tally (project_id, at, leased, parked) select project_id, clock(), -1, 1 from project
                    """)
            for _ in 0..<2 {
                #expect(try await status(fixture) == before)
                #expect(try await fixture.ledger.leases(hidingFew: true) == held)
                #expect(try await fixture.ledger.tasks(project: "puzzles", hidingFew: true) == listed)
                #expect(try await fixture.ledger.task(project: "puzzles", key: "t1", hidingFew: true).labels == 0)
                _ = try await fixture.ledger.foldTally()
            }
            // Whoever has to decide about single tasks sees them as they are.
            #expect(try await fixture.ledger.leases().map(\.key) == ["t0", "t2"])
            #expect(try await fixture.ledger.tasks(project: "puzzles", state: .done).map(\.key) == ["t1"])
            try await setClock(plus: 1)
            let after = try await status(fixture)
            #expect(after.done == 1 && after.parked == 1 && after.leased == 1 && after.waiting == 3)
            #expect(try await fixture.ledger.task(project: "puzzles", key: "t1", hidingFew: true).state == .done)
        }
    }

    /// P9: whoever looks first, and however late in the hour, sees what waited when it began.
    @Test func theOldestIsThatOfTheFullHourWheneverSomebodyLooks() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(3))
            func setClock(plus minutes: Int) async throws {
                let later = try await fixture.texts("select (clock() + interval '\(minutes) minutes')::text")[0]
                try await fixture.setClock(later)
            }
            try await fixture.setClock(
                try await fixture.texts("select (date_trunc('hour', clock()) + interval '1 hour')::text")[0])
            try await fixture.owner.execute(
                script: """
                    insert into span (lane_id, slot, first_task, last_task, fresh, since)
                        select lane_id, 1, 1, 1, false, clock() - interval '3 hours' from lane
                    """)
            _ = try await fixture.ledger.foldTally()
            // Taken before anybody looks.
            try await setClock(plus: 20)
            try await fixture.owner.execute(script: "delete from span where first_task = 1 and not fresh")
            _ = try await fixture.ledger.foldTally()
            for (step, minutes) in [(17, 37), (22, 59)] {
                try await setClock(plus: step)
                let now = try await status(fixture)
                #expect(now.isCoarse && now.oldestWaiting == .seconds(3 * 3_600 + minutes * 60))
            }
            // The hour after, what is left has waited for less than two hours.
            try await setClock(plus: 1)
            _ = try await fixture.ledger.foldTally()
            let later = try #require(try await status(fixture).oldestWaiting)
            #expect(later <= .seconds(2 * 3_600))
            #expect(try await fixture.number("select count(*) from queue_hour") == 1)
        }
    }

    /// A coordinator that lives for an hour.
    private func join(_ fixture: LedgerFixture, _ name: String = "one") async throws -> CoordinatorID {
        let id = try await fixture.number(
            "insert into coordinator (name, address) values ('\(name)', 'host:1') returning coordinator_id")
        try await fixture.owner.execute(
            script: "insert into coordinator_life values (\(id), 1, clock() + interval '1 hour')")
        return CoordinatorID(id)
    }

    private func reasons(_ fixture: LedgerFixture) async throws -> [WaitingReason.Code] {
        let reasons = try await status(fixture).reasons
        #expect(reasons.allSatisfy { !$0.sentence.isEmpty && !$0.remedy.isEmpty })
        return reasons.map(\.code)
    }

    @Test func whyTasksWaitIsSaidWithARemedy() async throws {
        try await withLedger { fixture in
            let project = try await fixture.ledger.createProject(draft(), by: "op")
            try await fixture.withoutQuietHours()
            try await fixture.importTasks(tasks(2))
            #expect(try await reasons(fixture) == [.noCoordinator, .noNotice, .nobodyEnrolled])
            let one = try await join(fixture)
            _ = try await fixture.ledger.publishNotice(noticeDraft("taking-part"), by: "op")
            #expect(try await reasons(fixture) == [.nobodyEnrolled])
            _ = try await fixture.ledger.enrolEngineer(
                "ann", zone: "UTC", projects: ["puzzles"], selection: record, by: "op")
            #expect(try await reasons(fixture) == [.nobodyAvailable])
            try await fixture.give("ann", "taking-part")
            #expect(try await reasons(fixture) == [.fewAvailable])
            for person in Self.people.dropFirst() {
                _ = try await fixture.ledger.enrolEngineer(
                    person, zone: "UTC", projects: ["puzzles"], selection: record, by: "op")
                try await fixture.give(person, "taking-part")
            }
            #expect(try await reasons(fixture) == [.nobodyConnected])
            try await fixture.ledger.reportPresence(
                [ProjectPresence(project: project.id, isAvailable: true)], of: one)
            #expect(try await reasons(fixture) == [.beingHandedOut])
            try await fixture.owner.execute(script: "update deployment set read_only = true")
            #expect(try await reasons(fixture) == [.readOnly])
            try await fixture.owner.execute(script: "update deployment set read_only = false")
            _ = try await fixture.ledger.setProjectState("puzzles", to: .paused, by: "op")
            #expect(try await reasons(fixture) == [.paused])
            _ = try await fixture.ledger.setProjectState("puzzles", to: .open, by: "op")
            // Its life is over and nobody is there to take it over: what it said of its workers counts no more.
            try await fixture.owner.execute(script: "delete from coordinator_life")
            #expect(try await reasons(fixture) == [.noCoordinator])
            _ = try await fixture.ledger.setProjectState("puzzles", to: .closed, by: "op")
            #expect(try await reasons(fixture) == [.closed])
        }
    }

    @Test func readOnlyModeIsSaidOfEveryProjectAndWhyItIsOn() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(people: ["ann"])
            #expect(try await reasons(fixture).isEmpty)
            func switched(_ isOn: Bool) async throws {
                _ = try await ledger.setReadOnly(isOn, reason: "the disk moves", by: "op")
            }
            try await switched(true)
            // Nothing waits: what comes next would.
            #expect(try await reasons(fixture) == [.readOnly])
            try await switched(false)
            try await fixture.importTasks(tasks(2))
            try await switched(true)
            #expect(try await reasons(fixture) == [.noCoordinator, .readOnly])
            for (state, code) in [(ProjectState.paused, WaitingReason.Code.paused), (.closed, .closed)] {
                _ = try await ledger.setProjectState("puzzles", to: state, by: "op")
                #expect(try await reasons(fixture) == [code, .readOnly])
            }
            let sentence = try await status(fixture).reasons.last?.sentence
            #expect(sentence == "the deployment is in read-only mode: the disk moves")
        }
    }

    /// As many as are told of together.
    private static let people = ["ann", "bob", "cid", "dan", "eve"]

    @Test func ofFewPeopleItIsNotSaidWhetherAnyoneIsConnected() async throws {
        try await withLedger { fixture in
            let project = try await fixture.project(people: Self.people.dropLast())
            try await fixture.withoutQuietHours()
            try await fixture.importTasks(tasks(6))
            let one = try await join(fixture)
            let words = try await status(fixture).reasons
            #expect(words.map(\.code) == [.fewAvailable])
            for presence in [true, false] {
                try await fixture.ledger.reportPresence(
                    [ProjectPresence(project: project.id, isAvailable: presence)], of: one)
                #expect(try await status(fixture).reasons == words)
            }
        }
    }

    @Test func nobodyAvailableIsTheSameWhateverTheCause() async throws {
        try await withLedger { fixture in
            let project = try await fixture.project(people: Self.people)
            try await fixture.withoutQuietHours()
            try await fixture.importTasks(tasks(6))
            let one = try await join(fixture)
            func connected(_ isAvailable: Bool?) async throws {
                try await fixture.ledger.reportPresence(
                    isAvailable.map { [ProjectPresence(project: project.id, isAvailable: $0)] } ?? [], of: one)
            }
            // Connected and not available: in a break, at a limit, without an agreement, with everything answered.
            try await connected(false)
            #expect(try await reasons(fixture) == [.nobodyConnected])
            var words: [WaitingReason] = []
            for cause in [
                "insert into denial (person_id, denied_by, reason) select person_id, 'op', 'x' from person",
                "update consent_event set state = 'withdrawn'",
                "insert into policy (document, author, reason) "
                    + "values ('limits: {open-leases: 0, quiet-hours: none}', 'op', 'x')",
                "delete from role_grant",
            ] {
                try await fixture.owner.execute(
                    script: "begin; alter table consent_event disable trigger append_only; \(cause); commit")
                for presence in [nil, false] {
                    try await connected(presence)
                    // A policy that stops everybody is told of too, whoever there is.
                    let others = try await status(fixture).reasons.filter { $0.code != .tooLong }
                    if words.isEmpty { words = others }
                    #expect(others == words && others.map(\.code) == [.nobodyAvailable], "\(cause)")
                }
                try await fixture.owner.execute(
                    script: """
                        delete from denial; update consent_event set state = 'given';
                        insert into policy (document, author, reason)
                            values ('limits: {open-leases: 3, quiet-hours: none}', 'op', 'x');
                        insert into role_grant select person_id, 'engineer', clock(), 'op' from person
                            on conflict do nothing;
                        """)
                try await connected(nil)
                #expect(try await reasons(fixture) == [.nobodyConnected])
            }
        }
    }

    @Test func manyWithFullHandsAreNotCalledUnavailable() async throws {
        try await withLedger { fixture in
            let people = Self.people
            let project = try await fixture.project(people: people)
            try await fixture.withoutQuietHours()
            try await fixture.importTasks(tasks(20))
            let one = try await join(fixture)
            try await fixture.ledger.reportPresence(
                [ProjectPresence(project: project.id, isAvailable: false)], of: one)
            for (index, person) in people.dropLast().enumerated() { try await fixture.lease("t\(index)", to: person) }
            #expect(try await status(fixture).isCoarse)
            #expect(try await reasons(fixture) == [.nobodyConnected])
            try await fixture.lease("t4", to: "eve")
            #expect(try await !status(fixture).isCoarse)
            #expect(try await reasons(fixture) == [.allLeased])
        }
    }

    @Test func quarantineIsNamedBesideWhyTheRestWaits() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.withoutQuietHours()
            try await fixture.importTasks(tasks(2))
            _ = try await join(fixture)
            try await quarantine("t0", fixture)
            let reasons = try await status(fixture).reasons
            #expect(reasons.map(\.code) == [.quarantined, .fewAvailable])
            #expect(reasons[0].remedy.contains("--project puzzles --state quarantined"))
            try await quarantine("t1", fixture)
            #expect(try await status(fixture).reasons.map(\.code) == [.quarantined])
        }
    }

    @Test func whatCoordinatorsSayOfTheirWorkersIsJoined() async throws {
        try await withLedger { fixture in
            let project = try await fixture.project(people: Self.people)
            try await fixture.withoutQuietHours()
            let other = try await fixture.project("other", people: [])
            try await fixture.importTasks(tasks(2))
            let (one, two) = (try await join(fixture, "one"), try await join(fixture, "two"))
            func say(_ isAvailable: Bool?, _ id: CoordinatorID) async throws {
                try await fixture.ledger.reportPresence(
                    isAvailable.map {
                        [
                            ProjectPresence(project: project.id, isAvailable: $0),
                            ProjectPresence(project: other.id, isAvailable: true),
                        ]
                    } ?? [], of: id)
            }
            try await say(false, one)
            try await say(true, two)
            #expect(try await reasons(fixture) == [.beingHandedOut])
            // The same again writes nothing.
            let before = try await fixture.texts("select xmin::text || ctid::text from presence order by 1")
            try await say(true, two)
            #expect(try await fixture.texts("select xmin::text || ctid::text from presence order by 1") == before)
            #expect(before.count == 4)
            // Taken out of the membership: neither what it said nor what it still says counts.
            try await fixture.owner.execute(script: "update coordinator set left_at = clock() where name = 'two'")
            #expect(try await reasons(fixture) == [.nobodyConnected])
            try await say(true, two)
            #expect(try await reasons(fixture) == [.nobodyConnected])
            #expect(try await fixture.number("select count(*) from presence") == 2)
            try await say(nil, one)
            #expect(try await reasons(fixture) == [.nobodyConnected])
            #expect(try await fixture.number("select count(*) from presence") == 0)
        }
    }

    @Test func rateWindowsWidenUntilEnoughPeopleContributed() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann", "bob", "cid", "dan", "eve"])
            func contribute(_ person: String, hoursAgo: Int) async throws {
                try await fixture.owner.execute(
                    script: """
                        insert into contribution (project_id, hour, person_id)
                        select project_id, date_trunc('hour', clock()) - interval '\(hoursAgo) hours', person_id
                        from project, person where person.name = '\(person)' on conflict do nothing
                        """)
            }
            for person in ["ann", "bob", "cid", "dan"] {
                for hour in [0, 3, 30] { try await contribute(person, hoursAgo: hour) }
            }
            #expect(try await status(fixture).rate == nil)
            try await contribute("eve", hoursAgo: 30)
            #expect(try await status(fixture).rate?.window == .seconds(168 * 3_600))
            try await contribute("eve", hoursAgo: 3)
            #expect(try await status(fixture).rate?.window == .seconds(24 * 3_600))
            try await contribute("eve", hoursAgo: 0)
            // This hour so far comes with the last.
            let window = try #require(try await status(fixture).rate?.window)
            #expect(window >= .seconds(3_600) && window < .seconds(7_200))
        }
    }

    @Test func theOldestOfManySpansIsFoundByOneProbeALane() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: [])
            try await fixture.importTasks(tasks(1))
            try await fixture.owner.execute(
                script: """
                    insert into span (lane_id, slot, first_task, last_task, fresh, since)
                    select lane_id, 1, i, i, false, clock() - make_interval(secs => 7200 - i % 3600)
                        from lane, generate_series(1, 20000) i;
                    analyze span; analyze lane;
                    """)
            let oldest = try #require(try await status(fixture).oldestWaiting)
            #expect(oldest >= .seconds(7_200) && oldest < .seconds(7_300))
            try await fixture.owner.execute(script: "prepare queue as \(QueueStatements.status.sql)")
            let plan = try await fixture.texts("explain execute queue('')").joined(separator: "\n")
            #expect(plan.contains("span_since") && !plan.contains("Seq Scan on span"), "\(plan)")
        }
    }

    @Test func tasksAreListedByState() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann"])
            try await fixture.importTasks(tasks(6))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            try await fixture.lease("t1", to: "ann")
            try await quarantine("t2", fixture)
            let ledger = fixture.ledger
            func keys(_ state: TaskState?) async throws -> [String] {
                try await ledger.tasks(project: "puzzles", state: state).map(\.key)
            }
            #expect(try await keys(nil) == (0..<6).map { "t\($0)" })
            #expect(try await keys(.done) == ["t0"])
            #expect(try await keys(.leased) == ["t1"])
            #expect(try await keys(.quarantined) == ["t2"])
            #expect(try await keys(.waiting) == ["t3", "t4", "t5"])
            #expect(try await keys(.cancelled) == [])
            #expect(try await ledger.tasks(project: "puzzles", state: .waiting, limit: 2).map(\.key) == ["t3", "t4"])
            #expect(try await ledger.task(project: "puzzles", key: "t2").state == .quarantined)
            let leases = try await ledger.leases()
            #expect(leases.map(\.key) == ["t1"] && (leases[0].untilDeadline ?? .zero) > .seconds(3_000))
        }
    }

    @Test func aQuarantinedTaskComesBack() async throws {
        try await withLedger { fixture in
            try await fixture.project(overlap: 2, people: ["ann"])
            try await fixture.importTasks(tasks(2))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            try await quarantine("t0", fixture, free: 1)
            #expect(try await status(fixture).quarantined == 1)
            let outcome = try await fixture.ledger.requeueTask(project: "puzzles", key: "t0", by: "op")
            #expect(outcome.slots == 1)
            let now = try await status(fixture)
            // Of few people at work the label is not shown within the hour.
            #expect(now.quarantined == 0 && now.waiting == 4)
            #expect(
                try await fixture.number(
                    "select count(*) from span where first_task = last_task and slot = 2 and not fresh")
                    == 1)
            let again = await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.requeueTask(project: "puzzles", key: "t0", by: "op")
            }
            #expect(again?.code == .conflict)
        }
    }

    private func quarantine(_ key: String, _ fixture: LedgerFixture, free: Int = 1) async throws {
        try await fixture.owner.execute(
            script: """
                insert into closed_task select task_id, lane_id, 'quarantined', clock(), 'redelivery limit' from task
                    where external_key = '\(key)';
                insert into tally (project_id, at, quarantined) select project_id, clock(), \(free) from project;
                """)
    }

    @Test func ofAQuarantinedTaskWithLabelsTheLabelsStayAndTheOpenSlotsClose() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(overlap: 3, people: ["ann", "bob"])
            try await fixture.importTasks(tasks(2))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            let open = try await fixture.lease("t0", to: "bob", slot: 2)
            try await quarantine("t0", fixture, free: 1)
            let gone = CancelOutcome(cancelled: 1, kept: 0)
            let kept = CancelOutcome(cancelled: 0, kept: 1)
            // While somebody holds it, it stays; what is open lets its holder finish.
            #expect(try await ledger.cancelTask(project: "puzzles", key: "t0", isDryRun: true, by: "op") == kept)
            #expect(try await ledger.cancelTask(project: "puzzles", key: "t0", by: "op") == kept)
            #expect(try await ledger.task(project: "puzzles", key: "t0").state == .quarantined)
            try await fixture.answer(open)
            #expect(try await ledger.cancelTask(project: "puzzles", key: "t0", isDryRun: true, by: "op") == gone)
            #expect(try await ledger.cancelTask(project: "puzzles", key: "t0", by: "op") == gone)
            #expect(try await ledger.cancelTask(project: "puzzles", key: "t0", by: "op") == kept)
            let task = try await ledger.task(project: "puzzles", key: "t0")
            #expect(task.state == .cancelled && task.labels == 2)
            #expect(try await status(fixture).quarantined == 0)
            // With the two labels of this hour, which few at work do not show.
            #expect(try await status(fixture).waiting == 5)
            // Five slots are left of the project: three that wait and two labels.
            #expect(try await fixture.number("select sum(slots)::bigint from tally") == 5)
            #expect(try await fixture.number("select count(*) from chain_event where kind = 'task.cancelled'") == 1)
            // For good.
            let error = await #expect(throws: LedgerError.self) {
                _ = try await ledger.requeueTask(project: "puzzles", key: "t0", by: "op")
            }
            #expect(error?.code == .conflict)
        }
    }

    @Test func oneTaskIsCancelledUnlessSomebodyHasTouchedIt() async throws {
        try await withLedger { fixture in
            let ledger = fixture.ledger
            try await fixture.project(overlap: 2, people: ["ann"])
            try await fixture.importTasks(tasks(3))
            try await fixture.lease("t0", to: "ann")
            try await quarantine("t1", fixture, free: 2)
            let gone = CancelOutcome(cancelled: 1, kept: 0)
            let kept = CancelOutcome(cancelled: 0, kept: 1)
            #expect(try await ledger.cancelTask(project: "puzzles", key: "t0", by: "op") == kept)
            #expect(try await ledger.cancelTask(project: "puzzles", key: "t1", isDryRun: true, by: "op") == gone)
            #expect(try await ledger.cancelTask(project: "puzzles", key: "t1", by: "op") == gone)
            #expect(try await ledger.cancelTask(project: "puzzles", key: "t1", by: "op") == kept)
            #expect(try await ledger.task(project: "puzzles", key: "t1").state == .cancelled)
            let now = try await status(fixture)
            // What one person holds is not shown, nor by what waits.
            #expect(now.quarantined == 0 && now.waiting == 4)
            #expect(try await fixture.number("select count(*) from chain_event where kind = 'task.cancelled'") == 1)
            await #expect(throws: LedgerError.self) {
                _ = try await ledger.cancelTask(project: "puzzles", key: "t9", by: "op")
            }
        }
    }

    @Test func cancellingAnImportKeepsWhatSomebodyHasTouched() async throws {
        try await withLedger { fixture in
            try await fixture.project(overlap: 2, people: ["ann"])
            let first = try await fixture.importTasks(tasks(10))
            try await fixture.importTasks(tasks(5, from: 10))
            try await fixture.answer(try await fixture.lease("t0", to: "ann"))
            try await fixture.lease("t1", to: "ann")
            try await quarantine("t2", fixture, free: 2)
            let id = try #require(first.importID)
            let dry = try await fixture.ledger.cancelImport(id, isDryRun: true, by: "op")
            #expect(dry == CancelOutcome(cancelled: 8, kept: 2))
            #expect(try await fixture.ledger.cancelImport(id, by: "op") == dry)
            #expect(try await fixture.ledger.cancelImport(id, by: "op") == CancelOutcome(cancelled: 0, kept: 2))
            let now = try await status(fixture)
            // With ann's label and ann's lease, which few at work do not show.
            #expect(now.quarantined == 0 && now.waiting == 5 * 2 + 2 + 2)
            #expect(try await fixture.ledger.tasks(project: "puzzles", state: .cancelled).count == 8)
            await #expect(throws: LedgerError.self) { _ = try await fixture.ledger.cancelImport(999, by: "op") }
        }
    }

    @Test func closingAndDenyingEndWork() async throws {
        try await withLedger { fixture in
            try await fixture.project(people: ["ann", "bob"])
            try await fixture.project("other", people: ["ann"])
            try await fixture.importTasks(tasks(4))
            try await fixture.importTasks(tasks(2), project: "other")
            try await fixture.lease("t0", to: "ann")
            try await fixture.lease("t1", to: "bob")
            try await fixture.lease("t0", to: "ann", project: "other")
            let denied = try await fixture.ledger.deny(.person("bob"), reason: "left the company", by: "op")
            #expect(denied.leasesEnded == 1)
            #expect(try await fixture.ledger.isDenied(name: "bob", serial: "00"))
            let closed = try await fixture.ledger.setProjectState("puzzles", to: .closed, by: "op")
            #expect(closed.state == .closed)
            #expect(
                try await fixture.texts("select how from lease_history order by how") == ["denied", "project_closed"])
            #expect(try await fixture.texts("select p.name from lease join project p using (project_id)") == ["other"])
            await #expect(throws: LedgerError.self) {
                _ = try await fixture.ledger.setProjectState("puzzles", to: .open, by: "op")
            }
            // Everyone's numbers still have no gaps.
            #expect(
                try await fixture.number(
                    "select count(*) from (select max(n) - count(*) gap from usage group by person_id) g where gap <> 0"
                )
                    == 0)
        }
    }
}
