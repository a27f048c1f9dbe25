import Foundation
import GRPCCore
import Identity
import Ledger
import Logging
import PlimsollProtocol
import Postgres
import SwiftProtobuf
import TestSupport
import Testing

@testable import Gateway

/// A made-up deployment with weeks of history in real rows, behind a gateway over mutual TLS. Its clock stands still on
/// Monday, 2026-03-30, 10:20 UTC.
struct PlanDeployment: Sendable {
    let gateway: RunningGateway
    let ledger: Ledger
    let owner: Connection

    /// Calls as a person with a certificate of this role; the plan, and how many parts told how far it was.
    func plan(
        _ document: String, project: String = "", as name: String = "olga", _ role: Role = .operator
    ) async throws -> (plan: Plimsoll_V1_PolicyPlan, progress: [Plimsoll_V1_PlanProgress]) {
        let holder = try gateway.deployment.issue(
            try PeerIdentity(
                role: role, name: name, worker: role == .engineer ? "w1" : nil, trustDomain: Deployment.trustDomain))
        return try await gateway.withClient(holder) { client in
            try await Plimsoll_V1_Organisation.Client(wrapping: client).planPolicy(
                .with {
                    $0.document = document
                    $0.project = project
                }
            ) { response in
                var plan: Plimsoll_V1_PolicyPlan?
                var progress: [Plimsoll_V1_PlanProgress] = []
                for try await part in response.messages {
                    switch part.part {
                    case .progress(let done): progress.append(done)
                    case .plan(let whole): plan = whole
                    case nil: Issue.record("a part says nothing")
                    }
                }
                return (try #require(plan), progress)
            }
        }
    }

    func number(_ sql: String) async throws -> Int64 {
        try await owner.query(Query(.unprepared(sql)))[0].int8(0)
    }

    /// `people` of them, who all worked the same: two hours of puzzles on Tuesday the 24th, twenty leases of six
    /// minutes with breaks between, and three hours at a stretch on the 10th.
    static func with<R: Sendable>(
        people: Int, fill: String = uniform, _ body: @Sendable @escaping (PlanDeployment) async throws -> R
    ) async throws -> R {
        var logger = Logger(label: "test.plan")
        logger.logLevel = .error
        return try await withLedger(operator: "olga", logger) { test in
            for name in ["puzzles", "few"] {
                _ = try await test.ledger.createProject(
                    ProjectDraft(
                        name: name, answerSchema: #"{"type":"string"}"#, effortSeconds: 60,
                        purposes: ["taking-part"], namedPersons: ["Ada"]), by: "olga")
            }
            try await test.owner.execute(script: past(people) + fill)
            return try await withGateway(services: [OrganisationService(ledger: test.ledger)]) { gateway in
                try await body(PlanDeployment(gateway: gateway, ledger: test.ledger, owner: test.owner))
            }
        }
    }

    private static func clock(_ instant: String) -> String {
        """
        create or replace function clock() returns timestamptz language sql volatile parallel restricted
            as $$ select timestamptz '\(instant)' $$;
        """
    }

    /// Partitions of the weeks, and people who agreed: everybody in `puzzles`, three in `few` too.
    private static func past(_ people: Int) -> String {
        let partitions = ["2026-03-03", "2026-03-12", "2026-03-21", "2026-03-30"].map {
            clock("\($0) 10:20+00") + "select ensure_partitions(7);"
        }.joined()
        return partitions + """
            insert into lane (project_id, kind, severity, priority)
                select p.project_id, k, 0, 0 from project p, unnest(array['puzzle', 'rating']) k;
            insert into person (name, zone) select 'worker-' || i, 'UTC' from generate_series(1, \(people)) i;
            insert into role_grant (person_id, role, granted_by)
                select person_id, 'engineer', 'olga' from person where name like 'worker-%';
            insert into enrolment (project_id, person_id, rule, data_used, decided_by, alternative_offered, decided_at)
                select j.project_id, p.person_id, 'volunteers/1', 'none', 'olga', 'the usual work', '2026-02-01'
                from person p join project j on j.name = 'puzzles' or p.name in ('worker-1', 'worker-2', 'worker-3')
                where p.name like 'worker-%';
            insert into notice (notice_id, version, locale, purpose, body, sha256, data, recipients, retention,
                    withdrawal_method, alternative_offered, material, effective_at, published_by, assessment,
                    assessment_on, consultation, consultation_on)
                values ('part', 1, 'en', 'taking-part', 'You take part.', '\\x00', 'labels', 'us', 'a year', 'any time',
                    'the usual work', false, '2026-01-20', 'olga', 'DPIA 1', '2026-01-05', 'meeting 1', '2026-01-12');
            insert into consent_event (person_id, purpose, n, at, state, notice_id, notice_version, valid_until,
                    certificate_serial, receipt_id, event_hash)
                select person_id, 'taking-part', 1, '2026-02-01', 'given', 'part', 1, '2026-05-01', 'ab',
                    gen_random_uuid(), '\\x00' from person where name like 'worker-%';
            insert into task (lane_id, task_id, project_id, effort_seconds, overlap, external_key, payload)
                select l.lane_id, t, l.project_id, 60, 1, 't' || t, '{}' from lane l, generate_series(1, 100) t
                where l.kind = 'puzzle' and l.project_id = (select project_id from project where name = 'puzzles');
            """
    }

    /// Leases end with labels; of the time of nine days the kind is known.
    static let uniform = """
        insert into lease_history (person_id, fence, task_id, slot, lane_id, granted_at, at, how)
            select p.person_id, p.person_id * 1000 + i, i + 1, 1, l.lane_id, s.start, s.start + interval '6 minutes',
                'label'
            from person p join lane l on l.kind = 'puzzle'
                and l.project_id = (select project_id from project where name = 'puzzles'),
                generate_series(0, 19) i cross join lateral (
                    select timestamptz '2026-03-24 09:00+00' + i * interval '6 minutes'
                        + (i / 8) * interval '12 minutes' as start) s
            where p.name like 'worker-%';
        insert into work_interval (person_id, kind, severity, starts, ends)
            select person_id, 'puzzle', 0, lower(m), upper(m) from (
                select person_id, unnest(range_agg(tstzrange(granted_at, at))) m from lease_history group by 1) x
            union all
            select person_id, '', 0, '2026-03-10 09:00+00', '2026-03-10 12:00+00' from person
                where name like 'worker-%';
        """
}
