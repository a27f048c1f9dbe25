import Coordinator
import Foundation
import Ledger
import PlimsollModel
import Postgres
import Testing

/// What the list of 6,500 engineers costs. Measures only when asked to: PLIMSOLL_MEASURE=1 swift test --filter
/// AvailabilityCostTests.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["PLIMSOLL_MEASURE"] != nil))
struct AvailabilityCostTests {
    @Test("6,500 people with 200 intervals each: read for the first time, again, and with a few that changed")
    func cost() async throws {
        try await withDeployment { deployment in
            try await deployment.project(people: ["ann"], tasks: 10)
            try await deployment.owner.execute(
                script: """
                    insert into person (name, zone) select 'p' || n, 'Europe/Berlin' from generate_series(10001, 16499) n;
                    insert into role_grant (person_id, role, granted_by) select person_id, 'engineer', 'op' from person
                        where name like 'p1%';
                    insert into enrolment select (jsonb_populate_record(e, jsonb_build_object('person_id', p.person_id))).*
                        from enrolment e, person p where p.name like 'p1%';
                    insert into consent_event select (jsonb_populate_record(c, jsonb_build_object('person_id', p.person_id,
                        'receipt_id', gen_random_uuid()))).* from consent_event c, person p where p.name like 'p1%';
                    insert into usage (person_id, n, at, day, day_labels, coordinator_id)
                        select person_id, 2, clock(), clock()::date, 0, 0 from person where name like 'p1%';
                    insert into work_interval (person_id, kind, severity, starts, ends)
                        select p.person_id, 'puzzle', 0, clock() - make_interval(hours => n * 3),
                            clock() - make_interval(hours => n * 3) + interval '5 minutes'
                        from person p, generate_series(1, 200) n where p.name like 'p1%';
                    analyze;
                    """)
            let availability = Availability(ledger: deployment.ledger)
            let clock = ContinuousClock()
            func measured(_ what: String, _ body: () async throws -> Void) async throws {
                let took = try await clock.measure { try await body() }
                print("availability: \(what): \(took)")
            }
            var listed = 0
            try await measured("first list of everybody") { listed = try await availability.engineers().count }
            #expect(listed == 6_500)
            try await measured("the list again") { _ = try await availability.engineers() }
            try await Task.sleep(for: .seconds(60))
            try await measured("a minute later, nothing changed") { _ = try await availability.engineers() }
            let status = Availability(ledger: deployment.ledger)
            let id = try await deployment.ledger.project(named: "puzzles").id
            try await measured("five of a project, first") { _ = try await status.available(in: id, upTo: 5) }
            try await Task.sleep(for: .seconds(3))
            try await measured("five of a project, again") { _ = try await status.available(in: id, upTo: 5) }
            try await measured("queue status") { _ = try await status.queueStatus() }
            _ = try await deployment.ledger.applyPolicy(
                "limits: {open-leases: 0}", reason: "nobody", stoppingEveryone: true, by: "op")
            let nobody = Availability(ledger: deployment.ledger)
            try await measured("nobody of a project, first") { _ = try await nobody.available(in: id, upTo: 5) }
            try await Task.sleep(for: .seconds(45))
            try await measured("nobody of a project, again") { _ = try await nobody.available(in: id, upTo: 5) }
        }
    }
}
