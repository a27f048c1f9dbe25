import Ledger
import PlimsollModel
import Postgres
import Testing

/// Leased time is as long when it is old as when it was new, and no longer kept than listed (P10).
@Suite struct WorkAgeTests {
    /// Two tasks at once, for three hours and a half together; the limit between ages falls between their ends.
    @Test func timeAtTwoTasksAtOnceIsTimeOnceHoweverOld() async throws {
        try await withLedger { fixture in
            try await fixture.setClock("2026-06-10 18:00Z")
            try await fixture.project(people: ["ann"])
            try await fixture.worked("ann", "2026-06-10 08:00Z", "2026-06-10 10:00Z")
            try await fixture.worked("ann", "2026-06-10 09:00Z", "2026-06-10 11:30Z", kind: "rating")
            try await fixture.worked("ann", "2026-06-10 14:00Z", "2026-06-10 15:00Z")
            try await fixture.setClock("2026-06-10 20:00Z")
            #expect(try await fixture.ledger.ageWork() == 1)
            for hour in ["2026-06-19 09:30Z", "2026-06-19 11:00Z", "2026-06-19 12:00Z", "2026-06-19 23:00Z"] {
                try await fixture.setClock(hour)
                _ = try await fixture.ledger.ageWork()
                #expect(try await fixture.leasedSeconds("ann") == 16_200, "at \(hour)")
            }
            #expect(try await fixture.number("select count(*) from work_interval") == 2)
            for hour in ["2026-07-08 10:30Z", "2026-07-08 11:45Z", "2026-07-08 23:00Z"] {
                try await fixture.setClock(hour)
                _ = try await fixture.ledger.ageWork()
            }
            #expect(try await fixture.number("select count(*) from work_interval") == 0)
            #expect(try await fixture.number("select sum(seconds) from work_day") == 16_200)
        }
    }

    /// In the Azores and in Havana clocks go back from one to midnight: a date begins with the first of the two, as it
    /// does for the gate, and has both hours.
    @Test func whereMidnightComesTwiceNoHourIsLost() async throws {
        try await withLedger { fixture in
            try await fixture.setClock("2026-11-01 12:00Z")
            try await fixture.project(people: ["ann", "bob"])
            try await fixture.owner.execute(
                script: """
                    update person set zone = 'Atlantic/Azores' where name = 'ann';
                    update person set zone = 'America/Havana' where name = 'bob';
                    """)
            try await fixture.worked("ann", "2026-10-24 23:30Z", "2026-10-25 00:45Z")
            try await fixture.worked("ann", "2026-10-25 01:15Z", "2026-10-25 01:45Z")
            try await fixture.worked("bob", "2026-11-01 03:30Z", "2026-11-01 04:45Z")
            try await fixture.worked("bob", "2026-11-01 05:15Z", "2026-11-01 05:45Z")
            try await fixture.setClock("2026-11-01 14:00Z")
            #expect(try await fixture.ledger.ageWork() == 2)
            try await fixture.setClock("2026-12-01 12:00Z")
            _ = try await fixture.ledger.ageWork()
            #expect(try await fixture.number("select count(*) from work_interval") == 0)
            let days = try await fixture.texts(
                """
                select p.name || ' ' || to_char(d.day, 'YYYY-MM-DD') || ' ' || d.seconds
                from work_day d join person p using (person_id) order by p.name, d.day
                """)
            #expect(
                days == [
                    "ann 2026-10-24 1800", "ann 2026-10-25 4500", "bob 2026-10-31 1800", "bob 2026-11-01 4500",
                ])
            for (zone, day, first) in [
                ("Atlantic/Azores", "2026-10-25", "2026-10-25T00:00:00Z"),
                ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"),
            ] {
                let start = try Zone.named(zone).start(of: try #require(LocalDay(day)))
                #expect(start == Moment(rfc3339: first), "\(zone)")
            }
        }
    }

    /// P10: what was kept 28 days is gone, and a number without gaps goes on.
    @Test func ofAnIdlePersonTheNumberStaysAndNeitherDateNorCount() async throws {
        try await withLedger { fixture in
            try await fixture.setClock("2026-06-10 18:00Z")
            try await fixture.project(people: ["ann"])
            try await fixture.owner.execute(
                script: """
                    insert into usage (person_id, n, at, day, day_labels, coordinator_id)
                    select person_id, max(n) + 1, clock(), '2026-06-10', 17, 7 from usage group by person_id
                    """)
            let number = try await fixture.personNumber("ann")
            // Half past midnight in Berlin; then a month later.
            for (clock, day) in [("2026-07-10 22:30Z", "2026-07-11"), ("2026-08-15 18:00Z", "2026-08-15")] {
                try await fixture.setClock(clock)
                while try await fixture.ledger.dropOldPartition(of: .usage) != nil {}
                let rows = try await fixture.texts(
                    """
                    select u.n || ' ' || to_char(u.day, 'YYYY-MM-DD') || ' ' || u.day_labels
                    from usage u join person p using (person_id) where p.name = 'ann'
                    """)
                #expect(rows == ["\(number) \(day) 0"])
            }
            _ = try await fixture.give("ann", "taking-part")
            #expect(try await fixture.personNumber("ann") == number + 1)
            try await fixture.expectNoGaps()
        }
    }
}
