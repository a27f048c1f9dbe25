import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import Ledger
import Logging
import PlimsollModel
import PlimsollProtocol
import Postgres
import SwiftProtobuf
import TestSupport
import Testing

@testable import Gateway

/// What a person is told of their load and of why work comes or not: over mutual TLS, a real database, and a clock that
/// stands still at 2026-03-30T10:00:00+02:00.
extension OverTLS {
    @Suite struct OwnReasonsTests {
        private struct Office: Sendable {
            let ledger: Ledger
            let owner: Connection
            let deployment: Deployment
            let port: Int

            func run(_ script: String) async throws { try await owner.execute(script: script) }

            private func call<Result: Sendable>(
                _ name: String, role: Role = .engineer,
                _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Result
            ) async throws -> Result {
                try await deployment.withClient(name, role, at: port, body)
            }

            func showMe(_ name: String = "ann") async throws -> Plimsoll_V1_ShowMeResponse {
                try await call(name) { try await Plimsoll_V1_WorkQueue.Client(wrapping: $0).showMe(.init()) }
            }

            func explain(
                _ name: String = "ann", role: Role = .engineer, _ request: Plimsoll_V1_ExplainRequest = .init()
            ) async throws -> Plimsoll_V1_ExplainResponse {
                try await call(name, role: role) {
                    try await Plimsoll_V1_Person.Client(wrapping: $0).explain(request)
                }
            }

            /// The one project's cause.
            func cause(_ project: String = "puzzles") async throws -> Plimsoll_V1_ProjectReason {
                let why = try await explain()
                return try #require(why.projects.first { $0.project == project })
            }
        }

        private static let clock = "timestamptz '2026-03-30 08:00:00Z'"

        private func withOffice(_ body: @Sendable @escaping (Office) async throws -> Void) async throws {
            var logger = Logger(label: "test.reasons")
            logger.logLevel = .error
            let standing = """
                create or replace function clock() returns timestamptz language sql volatile parallel restricted
                    as $$ select \(Self.clock) $$;
                select ensure_partitions(7);
                """
            try await withLedger(operator: "olga", logger, script: standing) { [logger] test in
                let deployment = try Deployment()
                defer { deployment.remove() }
                let server = try GatewayServer(
                    configuration: deployment.configuration, dispatch: TestDispatch(),
                    desk: LedgerDesk(ledger: test.ledger, authority: nil),
                    services: [PersonService(ledger: test.ledger)], logger: logger)
                try await Self.fill(test.ledger)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    defer { group.cancelAll() }
                    group.addTask { try await server.run() }
                    try await body(
                        Office(ledger: test.ledger, owner: test.owner, deployment: deployment, port: server.port))
                }
            }
        }

        /// Ann and Bob in a project with three puzzles, both agreed; Ann's agreement to training ends in ten days.
        private static func fill(_ ledger: Ledger) async throws {
            try await Puzzles.fill(
                ledger, answerSchema: #"{"enum":["a","b"]}"#, agreements: [("taking-part", nil), ("training", 10)])
        }

        /// A member whose life is not out.
        private static let coordinator = """
            with c as (insert into coordinator (name, address) values ('c1', 'here') returning coordinator_id)
            insert into coordinator_life (coordinator_id, n, until)
                select coordinator_id, 1, clock() + interval '3 seconds' from c;
            """

        private static func worked(_ minutes: Int, ending ago: Int, kind: String = "puzzle") -> String {
            """
            insert into work_interval (person_id, starts, ends, kind, severity)
                select person_id, clock() - interval '\(minutes + ago) minutes', clock() - interval '\(ago) minutes',
                    '\(kind)', 0 from person where name = 'ann';
            """
        }

        /// A lease of somebody's on one task, with the figures that it was granted on.
        private static func lease(_ key: String, of name: String) -> String {
            """
            insert into provenance (person_id, project_id, policy_version, instructions_version, agreements)
                select p.person_id, j.project_id, 1, 1, '{taking-part@taking-part/1#1,training@training/1#2}'
                from person p, project j where p.name = '\(name)' on conflict do nothing;
            insert into lease (task_id, slot, person_id, fence, lane_id, project_id, granted_at, first_granted_at,
                deadline, coordinator_id, provenance_id, why, deadline_rule)
            select t.task_id, 1, p.person_id, t.task_id, t.lane_id, t.project_id, clock() - interval '5 minutes',
                clock() - interval '5 minutes', clock() + interval '10 minutes', 1, v.provenance_id,
                '{2,3,5,-1,1800,3000,7200,14400,7200,72000}', 'day-time'
            from task t, person p join provenance v using (person_id)
            where t.external_key = '\(key)' and p.name = '\(name)';
            """
        }

        /// Takes a lane's spans away, as a coordinator does that has claimed all of it.
        private static let claimed = "delete from span_position; delete from span;"

        // MARK: - Load

        @Test func theLoadIsToldWithSourcesAndTheNextBreak() async throws {
            try await withOffice { office in
                _ = try await office.ledger.applyPolicy(
                    "limits: {day-time: 3h, day-tasks: 8}", reason: "a shorter day", by: "olga")
                try await office.run(Self.worked(30, ending: 5) + Self.lease("t0", of: "ann"))
                let me = try await office.showMe()
                func row(_ rule: String, _ scope: String = "") throws -> Plimsoll_V1_LimitLoad {
                    try #require(me.load.first { $0.rule == rule && $0.scope == scope })
                }
                #expect(
                    me.load.map { "\($0.rule) \($0.scope) \($0.value)/\($0.limit) \($0.sharePercent)% \($0.source)" }
                        == [
                            "open-leases  1/3 33% shipped default", "day-time  2100/10800 19% document",
                            "week-time  2100/72000 2% shipped default", "day-tasks  1/8 12% document",
                            "break  2100/3000 70% shipped default", "parked-leases  0/3 0% shipped default",
                            "daily-rest  2100/46800 4% shipped default", "weekly-rest  0/6 0% shipped default",
                            "quiet-hours  0/1 0% shipped default", "kind-day puzzle 2100/7200 29% shipped default",
                            "kind-week puzzle 2100/43200 4% shipped default",
                            "severity-day severity 2 0/3600 0% shipped default",
                            "severity-day severity 3 0/0 100% shipped default", "six-hours  2100/21600 9% law",
                            "week-average  123/172800 0% law",
                        ])
                #expect(try row("quiet-hours").changesInSeconds == 36_000 && row("quiet-hours").policy == "20:00-08:00")
                #expect(try row("break").changesInSeconds == 900 && !row("break").reached)
                #expect(me.withoutLimit == [])
                #expect(me.nextBreak.counting && me.nextBreak.afterSeconds == 900 && me.nextBreak.lengthSeconds == 600)
                #expect(me.rest.running && me.rest.beganSecondsAgo == 2_100 && me.rest.closesInSeconds == 44_700)
                #expect(me.rest.opensInSeconds == 39_600 && me.rest.restSeconds == 39_600)
                #expect(me.ending.map { "\($0.purpose) \($0.endsInSeconds)" } == ["training 864000"])
                #expect(!me.ending[0].forNewVersion)
                #expect(me.projects.map(\.project) == ["puzzles"] && !me.projects[0].hasRefusal)
                // The same question, the same bytes.
                #expect(try await office.showMe() == me)
                // Nothing of it is anybody else's.
                let bob = try await office.showMe("bob")
                #expect(bob.openLeases == 0 && bob.load.allSatisfy { $0.value == 0 })
            }
        }

        @Test func aLimitThatIsReachedSaysUntilWhenAsTheGateDoes() async throws {
            try await withOffice { office in
                try await office.ledger.setLimitLayer(.project("puzzles"), "continuous-time: 30m", by: "olga")
                try await office.run(Self.worked(40, ending: 4))
                let me = try await office.showMe()
                let rows = me.load.filter { $0.rule == "break" }
                #expect(rows.map(\.project) == ["", "puzzles"])
                #expect(rows.map(\.reached) == [false, true] && rows.map(\.sharePercent) == [80, 100])
                #expect(rows[1].source == "project" && rows[1].changesInSeconds == 360)
                #expect(me.projects[0].refusal.rule == "break" && me.projects[0].refusal.untilMilliseconds == 360_000)
            }
        }

        // MARK: - Why

        @Test func whyIdleNowNamesTheTrueCause() async throws {
            try await withOffice { office in
                #expect(try await office.cause().cause == .noCoordinator)
                try await office.run(Self.coordinator)
                var reason = try await office.cause()
                #expect(reason.cause == .mayCome && reason.room == 3)
                #expect(reason.sentence == "Work may come: up to 3 tasks now.")
                #expect(reason.nextLimit.rule == "break" && reason.nextLimit.changesInSeconds == 3_000)
                // All three tasks in another's hands.
                try await office.run(Self.claimed + ["t0", "t1", "t2"].map { Self.lease($0, of: "bob") }.joined())
                #expect(try await office.cause().cause == .allInOtherHands)
                // A slot that came back to a coordinator is at hand.
                try await office.run(
                    """
                    delete from lease where task_id = (select min(task_id) from task);
                    insert into returned (coordinator_id, lane_id, task_id, slot, fence)
                        select 1, lane_id, task_id, 1, 99 from task order by task_id limit 1;
                    """)
                #expect(try await office.cause().cause == .mayCome)
                try await office.run("delete from returned; delete from lease;")
                #expect(try await office.cause().cause == .nothingLeft)
                try await office.run("update project set state = 'paused'")
                reason = try await office.cause()
                #expect(reason.cause == .refused && reason.refusal.rule == "paused")
                try await office.run("update project set state = 'open'; update deployment set read_only = true")
                #expect(try await office.cause().cause == .readOnly)
            }
        }

        @Test func blocksOfACoordinatorAreAtHandForThoseWhoMayHaveThem() async throws {
            try await withOffice { office in
                try await office.run(
                    Self.coordinator + Self.claimed + """
                        insert into block (coordinator_id, lane_id, slot, first_task, last_task, fresh, since)
                            select 1, lane_id, 1, min(task_id), max(task_id), true, clock() from task group by lane_id;
                        """)
                #expect(try await office.cause().cause == .mayCome)
                // What the person has declined is nothing to them, though others may have it.
                try await office.run(
                    "insert into declined (task_id, person_id) select task_id, person_id from task, person "
                        + "where name = 'ann'")
                #expect(try await office.cause().cause == .nothingLeft)
            }
        }

        @Test func refusalsAndLeasesAreToldWithEveryValue() async throws {
            try await withOffice { office in
                try await office.run(
                    Self.coordinator + Self.lease("t0", of: "ann") + Self.lease("t1", of: "ann") + """
                        insert into parked (task_id, slot, person_id, fence, lane_id, project_id, first_granted_at,
                            parked_at, until, provenance_id, at_limit, why)
                        select task_id, slot, person_id, fence, lane_id, project_id, granted_at, clock(),
                            clock() + interval '72 hours', provenance_id, true, why
                        from lease where task_id = (select task_id from task where external_key = 't1');
                        insert into decision (person_id, at, rule, value, bound, until, scope)
                            select person_id, clock() - x.ago, x.rule, x.value, x.bound, clock() + x.ahead, x.scope
                            from person, (values
                                (interval '2 hours', 'break', '50m', '10m', interval '-110 minutes', null),
                                (interval '1 hour', 'kind-day', '2h', '2h', interval '14 hours', 'puzzle'),
                                (interval '30 minutes', 'of-later-builds', '1', '1', null, null))
                                x (ago, rule, value, bound, ahead, scope)
                            where name = 'ann';
                        """)
                let why = try await office.explain()
                #expect(why.name == "ann" && why.zone == "Europe/Berlin" && why.atMicroseconds == 1_774_857_600_000_000)
                #expect(why.refusals.map(\.rule) == ["of-later-builds", "kind-day", "break"])
                #expect(why.refusals[0].sentence.isEmpty && why.refusals[0].untilMicroseconds == 0)
                let kind = why.refusals[1]
                #expect(kind.scope == "puzzle" && kind.value == "2h" && kind.limit == "2h")
                #expect(kind.untilMicroseconds == why.atMicroseconds + 14 * 3_600_000_000)
                #expect(kind.sentence == "You have spent 2h on puzzle today; 2h is the most, then something else.")
                let recent = try await office.explain("ann", .with { $0.sinceSeconds = 3_600 })
                #expect(recent.refusals.map(\.rule) == ["of-later-builds", "kind-day"])
                #expect(why.leases.map(\.key) == ["t0", "t1"])
                let open = why.leases[0]
                #expect(!open.parked && open.endsInSeconds == 600 && open.kind == "puzzle")
                #expect(open.why.openLeases == 2 && open.why.openLeasesLimit == 3 && open.why.dayTasksLimit == 0)
                #expect(open.why.continuousSeconds == 1_800 && open.why.weekLimitSeconds == 72_000)
                #expect(open.agreements == ["taking-part@taking-part/1#1", "training@training/1#2"])
                let parked = why.leases[1]
                #expect(parked.parked && parked.atLimit && parked.endsInSeconds == 259_200)
                // What set the deadline of an open one says nothing of how long a parked one is kept.
                #expect(open.why.deadlineRule == "day-time" && parked.why.deadlineRule.isEmpty)
                var granted = open.why
                granted.deadlineRule = ""
                #expect(parked.why == granted && parked.agreements == open.agreements)
                let bob = try await office.explain("bob")
                #expect(bob.refusals.isEmpty && bob.leases.isEmpty)
            }
        }

        @Test func oneProjectAloneAndOnesThatAreNot() async throws {
            try await withOffice { office in
                try await office.run(Self.coordinator)
                _ = try await office.ledger.createProject(
                    ProjectDraft(
                        name: "others", instructions: "Look.",
                        answerSchema: #"{"enum":["a","b"]}"#,
                        overlap: 1, purposes: ["taking-part"], namedPersons: ["Ada Boss"]), by: "olga")
                let others = try await office.explain("ann", .with { $0.project = "others" })
                #expect(others.projects.map(\.project) == ["others"])
                #expect(others.projects[0].refusal.rule == "not-enrolled")
                #expect(try await office.explain().projects.map(\.project) == ["puzzles"])
                let unknown = await #expect(throws: RPCError.self) {
                    _ = try await office.explain("ann", .with { $0.project = "nowhere" })
                }
                #expect(unknown?.code == .notFound)
                // Nobody but an engineer has a line, and nobody can ask about somebody else: no request names a person.
                let supervisor = await #expect(throws: RPCError.self) {
                    _ = try await office.explain("boss", role: .supervisor)
                }
                #expect(supervisor?.code == .permissionDenied)
            }
        }
    }
}
