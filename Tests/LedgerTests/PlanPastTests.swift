import Ledger
import PlimsollModel
import Postgres
import Testing

/// What a plan of a policy reads of people's past, at the last moment of a day, when least of it is left.
@Suite struct PlanPastTests {
    @Test func everyDayReplayedIsWholeAndTheMeanHasItsWeeks() async throws {
        try await withLedger { fixture in
            try await fixture.setClock("2026-06-10 23:59:59Z")
            try await fixture.project(people: ["ann"])
            // The first day replayed is the 14th of May. The mean of its week is of sixteen weeks before its Monday
            // too, which is the 19th of January.
            try await fixture.owner.execute(
                script: """
                    insert into work_interval (person_id, kind, severity, starts, ends)
                    select person_id, '', 0, s.at::timestamptz, s.at::timestamptz + interval '30 minutes'
                        from person, unnest(array['2026-05-13 22:00Z', '2026-05-14 00:00Z', '2026-06-09 09:00Z']) s (at)
                        where name = 'ann';
                    insert into work_day (person_id, day, seconds)
                    select person_id, d, 60 from person, unnest(array['2026-01-19', '2026-01-18', '2025-12-01']::date[]) d
                        where name = 'ann';
                    """)
            _ = try await fixture.ledger.ageWork()
            let frame = try await fixture.ledger.beginPlan("limits: {day-time: 2h}", project: nil, by: "op")
            let all = try await fixture.ledger.past(of: frame.people, in: frame)
            let past = try #require(all.first { !$0.totals.isEmpty })
            let starts = past.worked.map { $0.interval.start.rfc3339 }.sorted()
            #expect(starts == ["2026-05-14T00:00:00.000000Z", "2026-06-09T09:00:00.000000Z"])
            // In Berlin the half hour that is gone was of the 14th.
            let totals = past.totals.map { "\($0.day) \($0.worked.components.seconds)" }
            #expect(totals == ["2026-01-18 60", "2026-01-19 60", "2026-05-14 1800"])
        }
    }
}
