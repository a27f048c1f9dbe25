import PlimsollModel
import Testing

@Suite("Local dates")
struct LocalDayTests {
    @Test(
        "A date is what the calendar says, leap days included",
        arguments: [
            ("1970-01-01", 0, 4), ("1969-12-31", -1, 3), ("2000-02-29", 11_016, 2), ("2000-03-01", 11_017, 3),
            ("2026-03-30", 20_542, 1), ("2024-02-29", 19_782, 4), ("2100-02-28", 47_540, 7), ("2100-03-01", 47_541, 1),
            ("0001-01-01", -719_162, 1), ("9999-12-31", 2_932_896, 5),
        ])
    func calendar(text: String, number: Int32, weekday: Int) throws {
        let day = try #require(LocalDay(text))
        #expect(day.rawValue == number)
        #expect(day.description == text)
        #expect(day.weekday == weekday)
    }

    @Test(
        "What is no date is none",
        arguments: [
            "2100-02-29", "2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32", "2026-04-31",
            "26-01-01",
            "2026-1-1", "2026-01-01 ", "", "2026-01", "+026-01-01", "0000-01-01",
        ])
    func noDate(text: String) {
        #expect(LocalDay(text) == nil)
    }

    @Test("Every day of four centuries has a name of its own that reads back")
    func roundTrip() throws {
        let first = try #require(LocalDay("1900-01-01"))
        var last = first.civil
        for number in 1..<146_097 {
            let day = first.advanced(by: number)
            let next = day.civil
            #expect(next > last)
            #expect(LocalDay(year: next.year, month: next.month, day: next.day) == day)
            last = next
        }
    }

    @Test(
        "Weeks are those of ISO 8601",
        arguments: [
            ("2026-01-01", "2026-W01"), ("2025-12-29", "2026-W01"), ("2025-12-28", "2025-W52"),
            ("2021-01-03", "2020-W53"), ("2021-01-04", "2021-W01"), ("2027-01-03", "2026-W53"),
            ("2026-03-29", "2026-W13"), ("2026-03-30", "2026-W14"),
        ])
    func weeks(date: String, week: String) throws {
        let day = try #require(LocalDay(date))
        #expect(day.isoWeek.description == week)
        #expect(day.weekStart.weekday == 1)
        #expect(day.weekStart.isoWeek == day.isoWeek)
    }

    @Test("Far beyond the calendar nothing traps")
    func ends() {
        #expect(LocalDay(.max).advanced(by: 1) == LocalDay(.max))
        #expect(LocalDay(.min).advanced(by: .min) == LocalDay(.min))
        #expect(LocalDay(0).advanced(by: .max) == LocalDay(.max))
    }
}
