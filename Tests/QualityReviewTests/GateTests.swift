import PlimsollModel
import Testing

@testable import QualityReview

@Suite("The gate (P2)")
struct GateTests {
    @Test("A person to whom nothing stands in the way gets what is wanted, for three times the effort")
    func grants() throws {
        let granted = try #require(Scene.granted(Scene.decide(want: 2)))
        #expect(granted.count == 2)
        #expect(granted.deadline == Scene.now + .minutes(15))
    }

    @Test(
        "A lease lasts three times the effort, at least 2 and at most 50 minutes",
        arguments: [
            (-5, 120), (0, 120), (1, 120), (39, 120), (40, 120), (41, 123), (300, 900), (999, 2_997), (1_000, 3_000),
            (1_001, 3_000), (3_000, 3_000),
        ])
    func leaseLength(effort: Int, seconds: Int) throws {
        let granted = try #require(
            Scene.granted(Scene.decide(Scene.person(), Scene.lane { $0.effortSeconds = effort })))
        #expect(granted.deadline == Scene.now + .seconds(seconds))
    }

    @Test(
        "An effort that does not fit into the longest lease is refused, however large",
        arguments: [3_001, 14_400, .max / 2])
    func effortTooLong(effort: Int) {
        let refusal = Scene.decide(Scene.person(), Scene.lane { $0.effortSeconds = effort }).refusal
        #expect(refusal?.rule == .limitTooNear)
        #expect(refusal?.scope == "lease-length")
        #expect(refusal?.until == nil)
    }

    @Test("The lifetime limit shortens the lease", arguments: [(299, false), (300, true), (301, true), (901, true)])
    func lifetime(seconds: Int, fits: Bool) {
        var limits = WorkloadLimits.defaults
        limits.leaseLifetime = .seconds(seconds)
        let granted = Scene.granted(Scene.decide(Scene.person(), Scene.lane(), limits))
        #expect((granted != nil) == fits)
        if let granted { #expect(granted.deadline == Scene.now + .seconds(min(seconds, 900))) }
    }

    @Test("Denied, not enrolled and paused are refused in this order")
    func standing() {
        var person = Scene.person {
            $0.denied = true
            $0.enrolled = []
            $0.agreements = []
        }
        var lane = Scene.lane { $0.paused = true }
        #expect(Scene.decide(person, lane).refusal?.rule == .denied)
        person.denied = false
        #expect(Scene.decide(person, lane).refusal?.rule == .notEnrolled)
        person.enrolled = [ProjectID(8), Scene.project]
        #expect(Scene.decide(person, lane).refusal?.rule == .paused)
        lane.paused = false
        #expect(Scene.decide(person, lane).refusal?.rule == .agreement)
    }

    @Test("Being enrolled elsewhere does not help")
    func enrolledElsewhere() {
        let refusal = Scene.decide(Scene.person { $0.enrolled = [ProjectID(8)] }).refusal
        #expect(refusal?.rule == .notEnrolled)
    }

    @Test("Open leases fill up to the limit and no further", arguments: [(0, 3), (1, 2), (2, 1), (3, 0), (4, 0)])
    func openLeases(open: Int, more: Int) {
        let person = Scene.person { facts in
            facts.openLeases = (0..<open).map { Scene.lease(deadline: Scene.now + .minutes($0 + 1)) }
        }
        let answer = Scene.decide(person, want: 64)
        #expect((Scene.granted(answer)?.count ?? 0) == more)
        if more == 0 {
            #expect(answer.refusal?.rule == .openLeases)
            #expect(answer.refusal?.value == String(open))
            #expect(answer.refusal?.limit == "3")
            #expect(answer.refusal?.until == Scene.now + .minutes(1))
        }
    }

    @Test("No limit on open leases means none")
    func unlimited() {
        let person = Scene.person { $0.openLeases = Array(repeating: Scene.lease(), count: 500) }
        #expect(Scene.granted(Scene.decide(person, Scene.lane(), WorkloadLimits(), want: 64))?.count == 64)
    }

    @Test(
        "Tasks of a day count labels and open leases",
        arguments: [(8, 0, 2), (9, 0, 1), (7, 2, 1), (8, 2, 0), (10, 0, 0), (11, 0, 0)])
    func dayTasks(labels: Int, open: Int, more: Int) {
        var limits = WorkloadLimits()
        limits.dayTasks = 10
        let person = Scene.person {
            $0.labelsByDay = DayCount(day: LocalDay("2026-03-30") ?? LocalDay(0), count: labels)
            $0.openLeases = Array(repeating: Scene.lease(), count: open)
        }
        let answer = Scene.decide(person, Scene.lane(), limits, want: 64)
        #expect((Scene.granted(answer)?.count ?? 0) == more)
        if more == 0 {
            #expect(answer.refusal?.rule == .dayTasks)
            #expect(answer.refusal?.until == Moment(seconds: 1_774_908_000), "midnight in Berlin")
        }
    }

    @Test(
        "The day turns at the person's midnight, not at Greenwich's, to the second",
        arguments: [(-1, false), (0, true), (1, true)])
    func midnight(second: Int, granted: Bool) throws {
        var limits = WorkloadLimits()
        limits.dayTasks = 10
        let day = try #require(LocalDay("2026-03-28"))
        let person = Scene.person { $0.labelsByDay = DayCount(day: day, count: 10) }
        // 2026-03-29 starts at 23:00 UTC of the 28th in Berlin and has 23 hours.
        let midnight = Moment(seconds: 1_774_738_800)
        let answer = Scene.decide(person, Scene.lane(), limits, now: midnight + .seconds(second))
        #expect(answer.isGranted == granted)
        if !granted { #expect(answer.refusal?.until == midnight) }
    }

    @Test("A zone that nobody knows is a doubt: the law's mean over weeks needs it, whatever a document sets")
    func unknownZone() {
        let person = Scene.person { $0.zone = "Atlantis/Capital" }
        let refusal = Scene.decide(person, Scene.lane(), WorkloadLimits()).refusal
        #expect(refusal?.value == Refusal.unknownZone)
        #expect(refusal?.scope == "Atlantis/Capital")
        #expect(refusal?.sentence.contains("plimsoll me zone NAME") == true)
        #expect(refusal?.until == nil)
    }

    @Test("A count from a date ahead of today, as a change of zone brings, is not forgotten")
    func dateAhead() throws {
        var limits = WorkloadLimits()
        limits.dayTasks = 10
        let tomorrow = try #require(LocalDay("2026-03-31"))
        let person = Scene.person { $0.labelsByDay = DayCount(day: tomorrow, count: 10) }
        #expect(Scene.decide(person, Scene.lane(), limits).refusal?.rule == .dayTasks)
    }

    @Test("Severity 3 is never leased under the shipped defaults, with any agreement")
    func severityZero() {
        let person = Scene.person { $0.agreements.append(Scene.agreement(.severity3)) }
        let lane = Scene.lane { $0.severity = 3 }
        #expect(Scene.decide(person, lane).refusal?.rule == .severityDay)
        #expect(Scene.decide(person, lane, WorkloadLimits()).isGranted)
    }

    @Test("A want of nothing is granted nothing", arguments: [0, -1, Int.min])
    func nothingWanted(want: Int) {
        #expect(Scene.granted(Scene.decide(want: want))?.count == 0)
    }

    @Test("Where no task may be open at all, nobody is told to finish one")
    func noneAllowed() {
        let sentence = Refusal(rule: .openLeases, value: "0", limit: "0").sentence
        #expect(sentence.contains("policy show --for") && !sentence.contains("finish"), "\(sentence)")
        #expect(Refusal(rule: .openLeases, value: "3", limit: "3").sentence.contains("finish or hand back one"))
    }

    @Test("Every refusal reads as one sentence", arguments: Rule.allCases)
    func sentences(rule: Rule) {
        for scope in [nil, "training"] {
            let sentence = Refusal(rule: rule, value: "3", limit: "4", scope: scope).sentence
            #expect(sentence.last == ".")
            #expect(sentence.first?.isUppercase == true)
            #expect(!sentence.dropLast().contains(". "))
        }
    }
}
