import Ledger
import PlimsollModel
import Postgres
import Testing

/// P11, act by act: what is done to projects, tasks, late answers, teams, raises and leased time stands in the chain,
/// once, with who did it, whom it is about and, where a reason is asked for, why.
@Suite struct ChainEventTests {
    /// Something that is done through the ledger, and the event that must come of it.
    private struct Act: Sendable {
        let kind: ChainKind
        let actor: String
        /// Whom it is about; nil: no one person.
        let subject: String?
        /// What the detail says beside the actor, the reason included. It may say more.
        let detail: JSONObject
        let perform: @Sendable (LedgerFixture) async throws -> Void

        init(
            _ kind: ChainKind, by actor: String, about subject: String? = nil, _ detail: JSONObject,
            _ perform: @escaping @Sendable (LedgerFixture) async throws -> Void
        ) {
            self.kind = kind
            self.actor = actor
            self.subject = subject
            self.detail = detail
            self.perform = perform
        }
    }

    /// An event as it lies in the database.
    private struct Event: Sendable {
        let kind: String
        let actor: String
        let subject: String?
        let detail: JSONValue
    }

    private static let aboutProjects: [Act] = [
        Act(.projectSet, by: "olu", ["project": "puzzles", "weight": 3]) { fixture in
            _ = try await fixture.ledger.setProject(ProjectDraft(name: "puzzles", weight: 3), by: "olu")
        },
        Act(.projectState, by: "olu", ["project": "puzzles", "from": "open", "to": "paused"]) { fixture in
            _ = try await fixture.ledger.setProjectState("puzzles", to: .paused, by: "olu")
        },
        Act(.projectState, by: "op", ["project": "puzzles", "from": "paused", "to": "open"]) { fixture in
            _ = try await fixture.ledger.setProjectState("puzzles", to: .open, by: "op")
        },
    ]

    /// The first import is the preparation's.
    private static let aboutTasks: [Act] = [
        Act(
            .tasksImported, by: "olu", ["project": "puzzles", "import": 2, "source": "test", "tasks": 2, "skipped": 0]
        ) { fixture in
            _ = try await fixture.ledger.importTasks(stream([tasks(2, from: 10)]), by: "olu")
        },
        Act(.importCancelled, by: "op", ["import": 2]) { fixture in
            _ = try await fixture.ledger.cancelImport(2, by: "op")
        },
        Act(.taskRequeued, by: "olu", ["project": "puzzles", "task": "t0"]) { fixture in
            _ = try await fixture.ledger.requeueTask(project: "puzzles", key: "t0", by: "olu")
        },
        // Nothing says whose the answers are.
        Act(
            .lateAnswerJudged, by: "rev", ["late_answer": 1, "outcome": "accepted", "reason": "the network was gone"]
        ) { fixture in
            let outcome = try await fixture.ledger.judgeLateAnswer(
                1, accept: true, reason: "the network was gone", by: "rev")
            #expect(outcome == .accepted)
        },
        Act(
            .lateAnswerJudged, by: "rev", ["late_answer": 2, "outcome": "discarded", "reason": "of another task"]
        ) { fixture in
            let outcome = try await fixture.ledger.judgeLateAnswer(
                2, accept: false, reason: "of another task", by: "rev")
            #expect(outcome == .discarded)
        },
    ]

    private static let aboutPeople: [Act] = [
        Act(.teamSet, by: "olu", ["team": "east", "supervisor": "sue"]) { fixture in
            _ = try await fixture.ledger.setTeam("east", supervisor: "sue", by: "olu")
        },
        Act(
            .engineerMoved, by: "olu", about: "bob",
            ["person": "bob", "from": "boss", "to": "east", "reason": "nearer"]
        ) { fixture in
            _ = try await fixture.ledger.moveEngineer("bob", to: "east", reason: "nearer", by: "olu")
        },
        Act(.raiseAsked, by: "ann", about: "ann", ["raise": 1, "reason": "a sprint"]) { fixture in
            _ = try await fixture.ledger.askRaise("day-time: 5h\n", reason: "a sprint", by: "ann")
        },
        Act(.raiseAgreed, by: "boss", about: "ann", ["raise": 1, "person": "ann"]) { fixture in
            _ = try await fixture.ledger.agreeRaise(1, by: "boss")
        },
        Act(.raiseEnded, by: "ann", about: "ann", ["raise": 1, "person": "ann"]) { fixture in
            _ = try await fixture.ledger.endRaise(1, by: "ann")
        },
    ]

    private static let aboutTime: [Act] = [
        removalAsked(1, "2026-06-10 08:10", "2026-06-10 08:20"),
        Act(
            .timeRemovalAgreed, by: "boss", about: "ann",
            ["correction": 1, "person": "ann", "seconds": 600, "reason": "the log shows it"]
        ) { fixture in
            _ = try await fixture.ledger.answerCorrection(
                1, agree: true, reason: "the log shows it", by: .supervisor("boss"))
        },
        removalAsked(2, "2026-06-10 08:30", "2026-06-10 08:40"),
        Act(
            .timeRemovalRefused, by: "olu", about: "ann",
            ["correction": 2, "person": "ann", "reason": "a task was answered then"]
        ) { fixture in
            _ = try await fixture.ledger.answerCorrection(
                2, agree: false, reason: "a task was answered then", by: .operator("olu"))
        },
        removalAsked(3, "2026-06-10 08:50", "2026-06-10 08:55"),
        Act(.timeRemovalWithdrawn, by: "ann", about: "ann", ["correction": 3, "person": "ann"]) { fixture in
            _ = try await fixture.ledger.withdrawCorrection(3, by: "ann")
        },
    ]

    private static func removalAsked(_ number: Int, _ from: String, _ to: String) -> Act {
        Act(
            .timeRemovalAsked, by: "ann", about: "ann",
            ["correction": .number(JSONNumber(number)), "person": "ann"]
        ) { fixture in
            let draft = CorrectionDraft(from: from, to: to, reason: "the network was gone")
            _ = try await fixture.ledger.askTimeRemoval(draft, by: "ann")
        }
    }

    @Test func everyActStandsThereOnceWithWhoDidItAboutWhomAndWhy() async throws {
        try await withLedger { fixture in
            try await prepare(fixture)
            for act in Self.aboutProjects + Self.aboutTasks + Self.aboutPeople + Self.aboutTime {
                let last = try await fixture.number("select max(event_id) from chain_event")
                try await act.perform(fixture)
                let events = try await events(after: last, fixture)
                #expect(events.map(\.kind) == [act.kind.rawValue])
                guard let event = events.first else { continue }
                #expect(event.actor == act.actor && event.subject == act.subject, "\(event)")
                // The hash is of the detail, and not of the column beside it.
                #expect(event.detail["actor"] == .string(act.actor), "\(event)")
                for member in act.detail.members {
                    #expect(event.detail[member.key] == member.value, "\(member.key): \(event)")
                }
            }
        }
    }

    /// Two engineers in the team of one supervisor, another supervisor and an operator, a quarantined task, a late
    /// answer of each engineer, and an hour of leased time.
    private func prepare(_ fixture: LedgerFixture) async throws {
        let ledger = fixture.ledger
        try await fixture.setClock("2026-06-10 12:00+02")
        try await fixture.project(people: ["ann", "bob"])
        try await ledger.grantRole(.supervisor, to: "sue", by: "op")
        try await ledger.grantRole(.operator, to: "olu", by: "op")
        _ = try await ledger.createTeam("east", supervisor: "boss", by: "op")
        _ = try await ledger.applyPolicy("ceiling: {day-time: 6h}\n", reason: "raises are possible", by: "op")
        try await fixture.importTasks(tasks(3))
        try await fixture.worked("ann", "2026-06-10 08:00+02", "2026-06-10 09:00+02")
        try await fixture.owner.execute(
            script: """
                insert into closed_task select task_id, lane_id, 'quarantined', clock(), 'redelivery limit' from task
                    where external_key = 't0';
                insert into tally (project_id, at, quarantined) select project_id, clock(), 1 from project;
                insert into late_answer (task_id, person_id, fence, project_id, person_n, arrived_on, answer_hash,
                    answer, why)
                select t.task_id, p.person_id, v.fence, t.project_id,
                    (select max(n) from usage u where u.person_id = p.person_id), clock()::date, '\\x01',
                    '{"label":"b"}', 'deadline'
                from (values ('t1', 'ann', 4242), ('t2', 'bob', 4243)) v (key, name, fence)
                    join task t on t.external_key = v.key join person p on p.name = v.name
                order by v.fence;
                insert into tally (project_id, at, late) select project_id, clock(), 2 from project;
                """)
    }

    /// Events after a number, in order.
    private func events(after event: Int64, _ fixture: LedgerFixture) async throws -> [Event] {
        try await fixture.owner.query(
            Query(
                .unprepared(
                    """
                    select e.kind, d.actor, p.name, d.detail::text
                    from chain_event e join chain_detail d using (event_id)
                        left join person p on p.person_id = d.subject_id
                    where e.event_id > \(event) order by e.event_id
                    """))
        ).map { row in
            Event(
                kind: try row.text(0), actor: try row.text(1), subject: try row.textOrNil(2),
                detail: try JSONValue.parse(try row.text(3)))
        }
    }
}
