import PlimsollModel
import Testing

@Suite struct WorkIntervalsTests {
    private func interval(_ start: Int64, _ end: Int64) -> WorkInterval {
        WorkInterval(start: Moment(seconds: start), end: Moment(seconds: end))
    }

    @Test func `what is covered twice counts once, and what touches is one`() {
        var intervals = WorkIntervals([interval(10, 20), interval(30, 40)])
        #expect(intervals.microseconds == 20_000_000)
        intervals.add(interval(15, 18))
        #expect(intervals.all == [interval(10, 20), interval(30, 40)])
        intervals.add(interval(20, 25))
        #expect(intervals.all == [interval(10, 25), interval(30, 40)])
        intervals.add(interval(24, 31))
        #expect(intervals.all == [interval(10, 40)])
        intervals.add(interval(1, 5))
        #expect(intervals.all == [interval(1, 5), interval(10, 40)])
        intervals.add(interval(0, 100))
        #expect(intervals.all == [interval(0, 100)] && intervals.microseconds == 100_000_000)
        intervals.add(interval(200, 200))
        intervals.add(interval(300, 250))
        #expect(intervals.all.count == 1)
    }

    @Test(arguments: 0..<50)
    func `whatever the order, it is the union`(seed: Int) {
        var generator = Seeded(state: UInt64(seed) &* 7_919 &+ 1)
        var seconds: Set<Int64> = []
        var intervals = WorkIntervals()
        for _ in 0..<40 {
            let start = Int64.random(in: 0..<200, using: &generator)
            let end = start + Int64.random(in: 0..<12, using: &generator)
            intervals.add(interval(start, end))
            seconds.formUnion(start..<end)
        }
        #expect(intervals.microseconds == Int64(seconds.count) * 1_000_000)
        for (left, right) in zip(intervals.all, intervals.all.dropFirst()) { #expect(left.end < right.start) }
        let covered = Set(intervals.all.flatMap { $0.start.seconds..<$0.end.seconds })
        #expect(covered == seconds)
        intervals.forget(until: Moment(seconds: 100))
        #expect(intervals.all.allSatisfy { $0.end > Moment(seconds: 100) })
        #expect(intervals.microseconds == intervals.all.reduce(0) { $0 + $1.duration.microseconds })
    }

    struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            // Steele, Lea, Flood: SplitMix64 (2014).
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    @Test func `details are forgotten, the time itself is not`() {
        var history = WorkHistory()
        let now = Moment(seconds: 100 * 86_400)
        history.add(interval(10 * 86_400, 10 * 86_400 + 60), kind: "puzzle", severity: 2)
        history.add(interval(99 * 86_400, 99 * 86_400 + 60), kind: "rating", severity: 2)
        history.forgetDetails(at: now)
        #expect(history.intervals.all.count == 2)
        #expect(Set(history.kinds.keys) == ["rating"])
        #expect(history.severities[2]?.all.count == 1)
    }
}

@Suite struct MomentTextTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-03-30T09:55:00+02:00", 1_774_857_300_000_000),
        ("2026-03-30 07:55:00.5Z", 1_774_857_300_500_000), ("1969-12-31T23:59:59-00:30", 1_799_000_000),
    ])
    func `instants are read with their offset`(text: String, microseconds: Int64) {
        #expect(Moment(rfc3339: text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2026-03-30", "2026-03-30T09:55:00", "2026-03-30T24:00:00Z", "2026-02-30T09:00:00Z",
        "2026-03-30T09:55:00+0200", "2026-03-30T09:55:00.Z", "2026-03-30T09:55:00ZZ", "2026-03-30T09:55:60Z",
    ])
    func `anything else is none`(text: String) {
        #expect(Moment(rfc3339: text) == nil)
    }

    @Test(arguments: [
        ("Europe/Berlin", "2026-03-30T09:55:00+02:00"), ("America/New_York", "2026-03-30T03:55:00-04:00"),
        ("Asia/Kolkata", "2026-03-30T13:25:00+05:30"),
    ])
    func `they are written as a zone's wall clock shows them`(zone: String, text: String) throws {
        #expect(Moment(seconds: 1_774_857_300).text(in: try Zone.named(zone)) == text)
    }
}
