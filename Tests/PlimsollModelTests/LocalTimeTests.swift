import PlimsollModel
import Testing

@Suite("Times as people write them")
struct LocalTimeTests {
    @Test(
        "with an offset, or by the clock of their zone",
        arguments: [
            ("2026-11-26T14:00:00+01:00", "2026-11-26T13:00:00.000000Z"),
            ("2026-11-26 14:00", "2026-11-26T13:00:00.000000Z"),
            ("2026-06-26 14:00:30", "2026-06-26T12:00:30.000000Z"),
            ("2026-11-26T00:00", "2026-11-25T23:00:00.000000Z"),
            // The last second before and the first after each change.
            ("2026-10-25 01:59:59", "2026-10-24T23:59:59.000000Z"),
            ("2026-10-25 03:00", "2026-10-25T02:00:00.000000Z"),
            ("2026-03-29 01:59:59", "2026-03-29T00:59:59.000000Z"),
            ("2026-03-29 03:00", "2026-03-29T01:00:00.000000Z"),
        ])
    func read(text: String, instant: String) throws {
        #expect(try LocalTime.moment(text, in: Zone.named("Europe/Berlin")).rfc3339 == instant)
    }

    @Test(
        "a time that came twice is refused with both readings",
        arguments: [
            (
                "Europe/Berlin", "2026-10-25 02:00",
                "write 2026-10-25T02:00:00+02:00 or 2026-10-25T02:00:00+01:00"
            ),
            (
                "Europe/Berlin", "2026-10-25 02:59:59",
                "write 2026-10-25T02:59:59+02:00 or 2026-10-25T02:59:59+01:00"
            ),
            (
                "Australia/Lord_Howe", "2026-04-05 01:45",
                "write 2026-04-05T01:45:00+11:00 or 2026-04-05T01:45:00+10:30"
            ),
        ])
    func twice(zone: String, text: String, both: String) throws {
        let error = #expect(throws: ModelError.self) { _ = try LocalTime.moment(text, in: Zone.named(zone)) }
        #expect(error?.code == .badTime && error?.message.hasSuffix(both) == true, "\(error?.message ?? "")")
        for reading in both.dropFirst("write ".count).split(separator: " or ") {
            let moment = try LocalTime.moment(String(reading), in: Zone.named(zone))
            #expect(moment.text(in: try Zone.named(zone)) == reading)
        }
    }

    @Test("a time that was skipped, and what is none, are refused with what to write")
    func none() throws {
        let berlin = try Zone.named("Europe/Berlin")
        for text in ["2026-03-29 02:00", "2026-03-29 02:59:59"] {
            let error = #expect(throws: ModelError.self) { _ = try LocalTime.moment(text, in: berlin) }
            #expect(error?.message.contains("skipped") == true)
        }
        for text in ["", "yesterday", "14:00", "2026-11-26", "2026-02-30 10:00", "2026-11-26 24:00", "2026-11-26 1:00"]
        {
            let error = #expect(throws: ModelError.self) { _ = try LocalTime.moment(text, in: berlin) }
            #expect(error?.code == .badTime && error?.message.contains("2026-11-26 14:00") == true, "\(text)")
        }
    }

    @Test("of a zone that nobody knows near ones are named")
    func near() {
        #expect(Zone.near("Europe/Lisboa").first == "Europe/Lisbon")
        #expect(Zone.near("lisbon").first == "Europe/Lisbon")
        #expect(Zone.near("america/new york").first == "America/New_York")
        #expect(Zone.near("Europe/Berlim").contains("Europe/Berlin"))
        #expect(Zone.near("").isEmpty && Zone.near(String(repeating: "x", count: 300)).isEmpty)
        #expect(Zone.near("Nowhere/Qqqqqqqq").isEmpty)
    }
}

@Suite("Leased time by local date")
struct DayWorkTests {
    private func moment(_ text: String) throws -> Moment { try #require(Moment(rfc3339: text)) }

    private func intervals(_ texts: (String, String)...) throws -> WorkIntervals {
        WorkIntervals(try texts.map { WorkInterval(start: try moment($0.0), end: try moment($0.1)) })
    }

    @Test("a stretch over midnight counts on both dates, and a date may have 25 hours")
    func midnight() throws {
        let berlin = try Zone.named("Europe/Berlin")
        let first = try #require(LocalDay("2026-10-24"))
        let work = DayWork(
            try intervals(
                ("2026-10-22T10:00:00Z", "2026-10-22T11:00:00Z"), ("2026-10-23T21:30:00Z", "2026-10-25T23:10:00Z")),
            since: first, in: berlin)
        let days = Dictionary(uniqueKeysWithValues: work.days.map { ($0.key.description, $0.value) })
        #expect(
            days == [
                "2026-10-24": .seconds(24 * 3_600), "2026-10-25": .seconds(25 * 3_600), "2026-10-26": .seconds(600),
            ])
        var more = work
        more.add(DayTotal(day: first, worked: .seconds(5)))
        #expect(more.days[first] == .seconds(24 * 3_600 + 5))
    }

    @Test("what lies in both")
    func both() throws {
        let mine = try intervals(
            ("2026-10-22T10:00:00Z", "2026-10-22T11:00:00Z"), ("2026-10-22T12:00:00Z", "2026-10-22T14:00:00Z"))
        let theirs = try intervals(
            ("2026-10-22T09:00:00Z", "2026-10-22T10:10:00Z"), ("2026-10-22T10:20:00Z", "2026-10-22T12:30:00Z"),
            ("2026-10-22T14:00:00Z", "2026-10-22T15:00:00Z"))
        let common = try intervals(
            ("2026-10-22T10:00:00Z", "2026-10-22T10:10:00Z"), ("2026-10-22T10:20:00Z", "2026-10-22T11:00:00Z"),
            ("2026-10-22T12:00:00Z", "2026-10-22T12:30:00Z"))
        #expect(mine.intersection(theirs) == common && theirs.intersection(mine) == common)
        #expect(mine.intersection(WorkIntervals()).isEmpty)
    }
}
