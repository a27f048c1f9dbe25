import PlimsollModel
import Testing

@Suite("Effective limits")
struct WorkloadLimitsTests {
    @Test("A layer tightens and never loosens")
    func tighten() throws {
        let stricter = try PolicyDocument.layer(
            yaml: "{open-leases: 1, day-time: 3h, break: 15m, daily-rest: 12h, day-tasks: 40, weekly-rest-days: 5}")
        let tight = WorkloadLimits.defaults.tightened(by: stricter)
        #expect(tight.openLeases == 1)
        #expect(tight.dayTime == .hours(3))
        #expect(tight.breakTime == .minutes(15))
        #expect(tight.dailyRest == .hours(12))
        #expect(tight.dayTasks == 40)
        #expect(tight.weeklyRestDays == 5)
        let looser = try PolicyDocument.layer(
            yaml: "{open-leases: 9, day-time: 30h, break: 1s, daily-rest: 11h, kind-day: 9h, quiet-hours: 22:00-06:00}")
        #expect(WorkloadLimits.defaults.tightened(by: looser) == .defaults)
        #expect(WorkloadLimits.defaults.tightened(by: WorkloadLimits()) == .defaults)
        #expect(WorkloadLimits().tightened(by: .defaults) == .defaults)
    }

    @Test("Tightening is the same in any order and twice as once")
    func algebra() throws {
        let layers = try [
            "{open-leases: 2, break: 20m}", "{day-time: 2h, open-leases: 1}", "{kind-day: 1h, weekly-rest: 48h}",
        ].map { try PolicyDocument.layer(yaml: $0) }
        let forth = layers.reduce(WorkloadLimits.defaults) { $0.tightened(by: $1) }
        let back = layers.reversed().reduce(WorkloadLimits.defaults) { $0.tightened(by: $1) }
        #expect(forth == back)
        #expect(layers.reduce(forth) { $0.tightened(by: $1) } == forth)
    }

    @Test(
        "Quiet hours of two layers cover both",
        arguments: [
            ("20:00-08:00", "22:00-06:00", "20:00-08:00"), ("20:00-08:00", "18:00-21:00", "18:00-08:00"),
            ("20:00-08:00", "12:00-13:00", "20:00-13:00"), ("09:00-10:00", "11:00-12:00", "09:00-12:00"),
            ("08:00-20:00", "20:00-08:00", "08:00-07:59"),
        ])
    func quiet(left: String, right: String, both: String) throws {
        var base = WorkloadLimits()
        base.quietHours = QuietHours(left)
        var layer = WorkloadLimits()
        layer.quietHours = QuietHours(right)
        #expect(base.tightened(by: layer).quietHours?.description == both)
        #expect(WorkloadLimits().tightened(by: layer).quietHours?.description == right)
    }

    @Test(
        "Quiet hours contain their first minute and not their last",
        arguments: [
            ("20:00-08:00", 1_199, false), ("20:00-08:00", 1_200, true), ("20:00-08:00", 0, true),
            ("20:00-08:00", 479, true),
            ("20:00-08:00", 480, false), ("12:00-13:00", 719, false), ("12:00-13:00", 720, true),
            ("12:00-13:00", 780, false),
        ])
    func minutes(text: String, minute: Int, quiet: Bool) throws {
        #expect(try #require(QuietHours(text)).contains(minute: minute) == quiet)
    }
}
