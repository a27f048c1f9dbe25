import PlimsollModel
import QualityReview
import Testing

@Suite struct LongestFitTests {
    private func fit(severity: Int = 0, _ change: (inout WorkloadLimits) -> Void = { _ in }) -> LongestFit {
        var limits = PolicyDocument.defaults.limits
        change(&limits)
        return Gate.longestFit(kind: "puzzle", severity: severity, limits: limits)
    }

    @Test func `under the defaults it is the longest lease, at any hour`() {
        #expect(fit().longest == LeaseLength.longest)
        #expect(fit { $0.quietHours = nil } == fit())
    }

    @Test func `the shortest of what a lease runs into bounds it`() {
        #expect(fit { $0.leaseLifetime = .minutes(20) }.longest == .minutes(20))
        let betweenBreaks = fit { $0.continuousTime = .minutes(15) }
        #expect(betweenBreaks.longest == .minutes(15) && betweenBreaks.bound == "break")
        #expect(fit { $0.dayTime = .minutes(10) }.longest == .minutes(10))
        #expect(fit { $0.kindDay = .minutes(5) } == LongestFit(longest: .minutes(5), bound: "puzzle"))
    }

    @Test func `what is handed out to nobody has no length`() {
        #expect(fit(severity: 3) == LongestFit(longest: .zero, bound: "severity-day"))
        #expect(fit(severity: 2).longest == LeaseLength.longest)
        #expect(fit { $0.openLeases = 0 } == LongestFit(longest: .zero, bound: "open-leases"))
    }

    /// `policy apply` asks once more where nobody is leased anything, and nowhere else.
    @Test(arguments: [
        "open-leases: 0", "open-leases: 1", "day-time: 0s", "day-time: 1s", "week-time: 0s", "week-time: 1s",
        "day-tasks: 0", "day-tasks: 1", "kind-day: 0s", "kind-day: 1s", "kind-week: 0s", "kind-week: 1s",
        "continuous-time: 1s", "break: 24h", "lease-lifetime: 2m", "parked-leases: 0", "parked-time: 0s",
        "daily-rest: 25h", "daily-rest: 24h", "daily-rest: 86399s", "weekly-rest: 168h", "weekly-rest-days: 1",
        "quiet-hours: none", "severity-2-day: 0s",
    ])
    func `a policy stops everyone where not even an estimate of one second is leased`(line: String) throws {
        let document = try PolicyDocument(proposed: "limits: {\(line)}")
        let longest = Gate.longestFit(kind: "puzzle", severity: 0, limits: document.limits).longest
        #expect((document.stopsEveryone != nil) == (longest < .seconds(1)), "\(longest)")
    }

    /// The border itself, asked of the gate as a coordinator asks it.
    @Test func `one second more is refused to everybody`() throws {
        var limits = PolicyDocument.defaults.limits
        limits.quietHours = nil
        limits.continuousTime = .seconds(1_234)
        let longest = Int(Gate.longestFit(kind: "puzzle", severity: 0, limits: limits).longest.components.seconds)
        #expect(longest == 1_234)
        let project = ProjectID(1)
        for (seconds, isGranted) in [(longest, true), (longest + 1, false)] {
            let answer = Gate.decide(
                person: PersonFacts(zone: "Europe/Berlin", enrolled: [project]),
                lane: LaneAsk(
                    project: project, kind: "puzzle", severity: 0, effortSeconds: seconds, purposes: []),
                limits: limits, now: Moment(seconds: 1_780_900_000), want: 1)
            #expect(answer.isGranted == isGranted, "\(seconds)")
        }
    }
}
