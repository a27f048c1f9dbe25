import PlimsollModel
import Testing

@Suite("Zones")
struct ZoneTests {
    /// Zone, date, its first second and its length; worked out with another implementation (Python's zoneinfo).
    static let days: [(zone: String, date: String, start: Int64, length: Int64)] = [
        ("Europe/Berlin", "2026-03-28", 1_774_652_400, 86_400),
        ("Europe/Berlin", "2026-03-29", 1_774_738_800, 82_800),
        ("Europe/Berlin", "2026-10-25", 1_792_879_200, 90_000),
        ("America/Sao_Paulo", "2017-10-15", 1_508_036_400, 82_800),
        ("America/Sao_Paulo", "2018-02-17", 1_518_832_800, 90_000),
        ("Pacific/Apia", "2011-12-29", 1_325_152_800, 86_400),
        ("Pacific/Apia", "2011-12-30", 1_325_239_200, 0),
        ("Asia/Kathmandu", "2026-06-01", 1_780_251_300, 86_400),
        ("America/St_Johns", "2010-11-07", 1_289_097_000, 90_000),
        ("America/New_York", "2028-02-29", 1_835_413_200, 86_400),
        ("UTC", "2000-02-29", 951_782_400, 86_400),
        ("Pacific/Kiritimati", "2026-01-01", 1_767_175_200, 86_400),
        ("Australia/Lord_Howe", "2026-04-05", 1_775_307_600, 88_200),
    ]

    @Test("A date starts and ends where its zone says", arguments: days)
    func bounds(zone: String, date: String, start: Int64, length: Int64) throws {
        let zone = try Zone.named(zone)
        let day = try #require(LocalDay(date))
        #expect(zone.start(of: day) == Moment(seconds: start))
        #expect(zone.end(of: day) == Moment(seconds: start + length))
    }

    @Test("One second before and after each bound lies in the neighbouring date", arguments: days)
    func neighbours(zone: String, date: String, start: Int64, length: Int64) throws {
        let zone = try Zone.named(zone)
        let day = try #require(LocalDay(date))
        if length == 0 {
            #expect(zone.day(at: Moment(seconds: start - 1)) == day.advanced(by: -1))
            #expect(zone.day(at: Moment(seconds: start)) == day.advanced(by: 1))
            return
        }
        #expect(zone.day(at: Moment(seconds: start - 1)) < day)
        #expect(zone.day(at: Moment(microseconds: start * 1_000_000 - 1)) < day)
        #expect(zone.day(at: Moment(seconds: start)) == day)
        #expect(zone.day(at: Moment(seconds: start + 1)) == day)
        #expect(zone.day(at: Moment(seconds: start + length - 1)) == day)
        #expect(zone.day(at: Moment(seconds: start + length)) > day)
    }

    @Test("An hour that is repeated after midnight counts to the new date")
    func repeated() throws {
        // 2010-11-07 00:01 in St John's went back to 23:01 of the 6th.
        let zone = try Zone.named("America/St_Johns")
        let midnight: Int64 = 1_289_097_000
        for second in [0, 59, 60, 61, 3_600, 3_659, 3_660] {
            #expect(zone.day(at: Moment(seconds: midnight + Int64(second))).description == "2010-11-07")
        }
        #expect(zone.day(at: Moment(seconds: midnight - 1)).description == "2010-11-06")
    }

    @Test("of two names of one place both are known", arguments: ["Asia/Kolkata", "Asia/Calcutta", "Europe/Kyiv"])
    func aliases(name: String) throws {
        #expect(try Zone.named(name).name == name)
    }

    @Test(
        "Dates follow each other without gap or overlap",
        arguments: [
            "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "America/St_Johns", "Asia/Tehran",
            "Africa/Casablanca",
        ])
    func contiguous(name: String) throws {
        let zone = try Zone.named(name)
        let first = try #require(LocalDay("2009-12-30"))
        var last = zone.start(of: first)
        for number in 1..<1_500 {
            let start = zone.start(of: first.advanced(by: number))
            #expect(start >= last)
            if start > last {
                let bounds = zone.bounds(at: last)
                #expect(bounds.start == last)
                #expect(bounds.end == start)
            }
            last = start
        }
    }

    @Test("The week of a person starts on Monday, their time")
    func week() throws {
        let zone = try Zone.named("Europe/Berlin")
        // Sunday, 2026-03-29, 23:30 in Berlin: clocks changed that morning.
        let bounds = zone.weekBounds(at: Moment(seconds: 1_774_821_600 - 1_800))
        #expect(bounds.week == ISOWeek(year: 2026, week: 13))
        #expect(bounds.end == Moment(seconds: 1_774_821_600))
        #expect(bounds.end - bounds.start == .hours(7 * 24 - 1))
    }

    @Test(
        "Unknown zones, abbreviations and offsets are refused",
        arguments: ["", "Mars/Base", "Europe/Nowhere", "Asia/../Asia/Tokyo", "PST", "GMT+7", "europe/berlin", "../UTC"])
    func unknown(name: String) {
        #expect {
            try Zone.named(name)
        } throws: { error in
            (error as? ModelError)?.code == .unknownZone
        }
    }

    @Test("The ends of time are held, not trapped on")
    func ends() throws {
        let zone = try Zone.named("Asia/Kathmandu")
        #expect(zone.day(at: .distantPast).description == "0001-01-01")
        #expect(zone.day(at: .distantFuture) >= LocalDay("9999-12-31") ?? LocalDay(.max))
        #expect(zone.start(of: LocalDay(.max)) <= zone.end(of: LocalDay(.max)))
        #expect(zone.start(of: LocalDay(.min)) <= zone.end(of: LocalDay(.min)))
    }

    @Test("One zone serves many at once")
    func concurrent() async throws {
        let zone = try Zone.named("Europe/Berlin")
        await withTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    (0..<500).allSatisfy { step in
                        let moment = Moment(seconds: 1_774_738_800 + Int64(step * 3_600 * 7 + task))
                        let bounds = zone.bounds(at: moment)
                        return bounds.start <= moment && moment < bounds.end
                    }
                }
            }
            for await held in group { #expect(held) }
        }
    }
}
