import Ledger
import PlimsollModel
import Testing

/// Leased time is as long when it is old as when it was new.
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
}
