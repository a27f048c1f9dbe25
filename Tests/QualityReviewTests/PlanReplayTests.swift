import PlimsollModel
import Testing

@testable import QualityReview

/// A person in UTC, to whom nothing but the limits of a case stands in the way. 2026-03-30 is a Monday.
enum PlanScene {
    static let midnight = moment("2026-03-30T00:00:00Z")
    static let now = moment("2026-03-30T10:00:00Z")
    static let project = ProjectID(7)

    static func moment(_ text: String) -> Moment { Moment(rfc3339: text) ?? .distantPast }

    static func lane(_ kind: String = "puzzle", severity: Int = 0, effort: Int = 300) -> LaneAsk {
        LaneAsk(project: project, kind: kind, severity: severity, effortSeconds: effort, purposes: [.takingPart])
    }

    static func frame(_ kinds: [String] = ["puzzle"], only: ProjectID? = nil) -> PolicyPlanner.Frame {
        PolicyPlanner.Frame(
            now: now, midnight: midnight, projects: [.init(id: project, lanes: kinds.map { lane($0) })], only: only)
    }

    /// Leases one after the other, each of `minutes`.
    static func grants(
        _ count: Int, from start: String, minutes: Int, gap: Int = 0, kind: String = "puzzle", effort: Int = 300,
        labelled: Bool = true
    ) -> [PastGrant] {
        (0..<count).map { index in
            let begin = moment(start) + .minutes(index * (minutes + gap))
            return PastGrant(
                granted: begin, ended: begin + .minutes(minutes), labelled: labelled, lane: lane(kind, effort: effort))
        }
    }

    static func past(
        _ grants: [PastGrant] = [], worked: [(String, minutes: Int)] = [], zone: String = "UTC"
    ) -> PersonPast {
        let agreed = Agreement(
            purpose: .takingPart, noticeID: "notice", noticeVersion: 1, state: .given,
            from: midnight - .hours(24 * 60), until: midnight + .hours(24 * 60))
        return PersonPast(
            standing: PersonFacts(zone: zone, enrolled: [project]), consents: [agreed], grants: grants,
            worked: grants.map {
                PastWork(
                    interval: WorkInterval(start: $0.granted, end: $0.ended), kind: $0.lane.kind,
                    severity: $0.lane.severity)
            }
                + worked.map {
                    PastWork(
                        interval: WorkInterval(start: moment($0.0), end: moment($0.0) + .minutes($0.minutes)), kind: "",
                        severity: 0)
                })
    }

    static func limits(_ change: (inout WorkloadLimits) -> Void) -> WorkloadLimits {
        var limits = WorkloadLimits()
        change(&limits)
        return limits
    }

    static func refused(_ past: PersonPast, _ change: (inout WorkloadLimits) -> Void) -> [Rule: Int64] {
        let start = midnight - .hours(24 * PolicyPlanner.leaseDays)
        return LeaseReplay.refusals(
            of: past, under: PlanLine(base: limits(change)), in: start..<midnight, project: nil,
            before: past.history(before: start))
    }

    static func beyond(_ past: PersonPast, _ change: (inout WorkloadLimits) -> Void) -> [Rule: Int64] {
        let start = midnight - .hours(24 * PolicyPlanner.timeDays)
        return TimeReplay.beyond(
            of: past, under: limits(change), in: start..<midnight, before: past.history(before: start))
    }

    static func capacity(
        _ past: PersonPast = past(), kinds: [String] = ["puzzle"], _ change: (inout WorkloadLimits) -> Void
    ) -> Capacity {
        Capacity(of: past.facts(at: now), in: kinds.map { lane($0) }, under: PlanLine(base: limits(change)), now: now)
    }
}

@Suite("The last days asked of the gate once more, by hand")
struct PlanReplayTests {
    private let tuesday = "2026-03-24T09:00:00Z"

    @Test func `one break refuses what fell into it and not the rest of the day`() {
        // Two hours in tens. Five fit into fifty minutes, the sixth falls into the break, five fit again, one falls.
        let past = PlanScene.past(PlanScene.grants(12, from: tuesday, minutes: 10))
        let refused = PlanScene.refused(past) {
            $0.continuousTime = .minutes(50)
            $0.breakTime = .minutes(10)
        }
        #expect(refused == [.breakTime: 2])
        #expect(PlanScene.refused(past) { _ in }.isEmpty)
    }

    @Test func `the limit on one kind refuses what is beyond it, of that kind alone, each day anew`() {
        // 30 times five minutes are 150: the last six are beyond two hours. The next day there are 24.
        let day = PlanScene.grants(30, from: tuesday, minutes: 5)
        let other = PlanScene.grants(6, from: "2026-03-24T11:30:00Z", minutes: 5, kind: "rating")
        let next = PlanScene.grants(24, from: "2026-03-25T09:00:00Z", minutes: 5)
        let refused = PlanScene.refused(PlanScene.past(day + other + next)) { $0.kindDay = .hours(2) }
        #expect(refused == [.kindDay: 6])
        // A minute less: a task of five minutes does not fit into the last four.
        let tighter = PlanScene.refused(PlanScene.past(day)) { $0.kindDay = .minutes(119) }
        #expect(tighter == [.limitTooNear: 7])
    }

    @Test func `leases that were open together count, and labels of the day`() {
        let three = (0..<3).flatMap { _ in PlanScene.grants(1, from: tuesday, minutes: 10) }
        #expect(PlanScene.refused(PlanScene.past(three)) { $0.openLeases = 2 } == [.openLeases: 1])
        let five = PlanScene.grants(5, from: tuesday, minutes: 5, gap: 5)
        #expect(PlanScene.refused(PlanScene.past(five)) { $0.dayTasks = 3 } == [.dayTasks: 2])
        // What ended without a label is no task of the day once it is over.
        let none = PlanScene.grants(5, from: tuesday, minutes: 5, gap: 5, labelled: false)
        #expect(PlanScene.refused(PlanScene.past(none)) { $0.dayTasks = 3 }.isEmpty)
    }

    @Test func `a lease counts up to where its lifetime would have ended it`() {
        // Extended to an hour; then one more at once.
        let past = PlanScene.past(
            PlanScene.grants(1, from: tuesday, minutes: 60)
                + PlanScene.grants(1, from: "2026-03-24T10:00:00Z", minutes: 5))
        func refused(_ lifetime: Duration?) -> [Rule: Int64] {
            PlanScene.refused(past) {
                $0.dayTime = .minutes(45)
                $0.leaseLifetime = lifetime
            }
        }
        #expect(refused(nil) == [.dayTime: 1])
        #expect(refused(.minutes(30)).isEmpty)
    }

    @Test func `a lease that was extended counts up to a limit, however far that is`() {
        // Extended to an hour; fifty minutes of it count, and the break is over when it was.
        func refused(_ next: String) -> [Rule: Int64] {
            PlanScene.refused(
                PlanScene.past(
                    PlanScene.grants(1, from: tuesday, minutes: 60) + PlanScene.grants(1, from: next, minutes: 5))
            ) {
                $0.continuousTime = .minutes(50)
                $0.breakTime = .minutes(10)
            }
        }
        #expect(refused("2026-03-24T09:59:59Z") == [.breakTime: 1])
        #expect(refused("2026-03-24T10:00:00Z").isEmpty)
        // Further than any lease is long at first: 55 minutes of 70 count, so of the week five are left.
        let long = PlanScene.grants(1, from: tuesday, minutes: 70)
        let next = PlanScene.grants(2, from: "2026-03-25T09:00:00Z", minutes: 5)
        let week = PlanScene.refused(PlanScene.past(long + next)) {
            $0.dayTime = .minutes(55)
            $0.weekTime = .minutes(60)
        }
        #expect(week == [.weekTime: 1])
    }

    @Test func `a lease that is open when the replay begins counts up to a limit too`() {
        // Ten minutes before the first midnight and thirty after; of them twenty count.
        let past = PlanScene.past(
            PlanScene.grants(1, from: "2026-03-22T23:50:00Z", minutes: 40)
                + PlanScene.grants(1, from: "2026-03-23T00:30:00Z", minutes: 5))
        func refused(_ most: Int) -> [Rule: Int64] {
            PlanScene.refused(past) {
                $0.continuousTime = .minutes(most)
                $0.breakTime = .minutes(10)
            }
        }
        #expect(refused(30).isEmpty)
        // A minute later at the limit, and the break is a minute short.
        #expect(refused(31) == [.breakTime: 1])
    }

    @Test func `agreements and zones are as they were then`() {
        let change = PlanScene.moment("2026-03-26T00:00:00Z")
        let standing: PersonFacts = {
            var facts = PersonFacts(zone: "Asia/Tokyo", enrolled: [PlanScene.project])
            facts.formerZone = FormerZone(name: "UTC", until: change + FormerZone.kept)
            return facts
        }()
        let withdrawn = PlanScene.moment("2026-03-25T12:00:00Z")
        let base = PlanScene.past(PlanScene.grants(2, from: tuesday, minutes: 5))
        let past = PersonPast(
            standing: standing,
            consents: base.consents + [
                Agreement(
                    purpose: .takingPart, noticeID: "notice", noticeVersion: 1, state: .withdrawn, from: withdrawn,
                    until: withdrawn)
            ], grants: base.grants + PlanScene.grants(1, from: "2026-03-25T13:00:00Z", minutes: 5),
            worked: base.worked)
        // Nine in the morning in UTC is six in the evening in Tokyo, where the person was not yet.
        #expect(PlanScene.refused(past) { $0.quietHours = QuietHours(start: 17 * 60, end: 8 * 60) } == [.agreement: 1])
    }

    @Test func `hours beyond a limit on time, over four weeks and whatever the kind`() {
        let past = PlanScene.past(worked: [("2026-03-10T09:00:00Z", 180), ("2026-03-11T09:00:00Z", 60)])
        let breaks = PlanScene.beyond(past) {
            $0.continuousTime = .minutes(50)
            $0.breakTime = .minutes(10)
        }
        // Three times ten minutes on the first day, once on the second.
        #expect(breaks == [.breakTime: 40 * 60])
        #expect(PlanScene.beyond(past) { $0.dayTime = .hours(2) } == [.dayTime: 3_600])
        #expect(PlanScene.beyond(past) { $0.weekTime = .minutes(210) } == [.weekTime: 1_800])
        #expect(PlanScene.beyond(past) { $0.kindDay = .zero }.isEmpty)
        // What lies before the days looked at was worked, and is not looked at.
        #expect(
            PlanScene.beyond(PlanScene.past(worked: [("2026-03-02T20:00:00Z", 300)])) { $0.dayTime = .zero }
                == [.dayTime: 3_600])
    }

    @Test func `every day replayed is whole at any time of the day`() {
        let first = PlanScene.frame().timeDays.lowerBound
        // An instant before the next midnight, what ended so long ago is gone.
        #expect(first == PlanScene.midnight + .hours(24) - .hours(24 * WorkHistory.daysKept))
    }

    @Test func `capacity is what the limits leave of the day and the week`() {
        let four = PlanScene.capacity {
            $0.dayTime = .hours(4)
            $0.weekTime = .hours(20)
        }
        #expect(four.mayBeLeased && four.today == 4 * 3_600 && four.week == 20 * 3_600)
        let one = PlanScene.capacity { $0.dayTime = .hours(1) }
        #expect(one.today == 3_600 && one.week == 7 * 3_600)
        // Two hours of a kind: two kinds make four.
        #expect(PlanScene.capacity { $0.kindDay = .hours(2) }.today == 2 * 3_600)
        #expect(PlanScene.capacity(kinds: ["puzzle", "rating"]) { $0.kindDay = .hours(2) }.today == 4 * 3_600)
        // In a break now: nothing at once, and the day all the same.
        let past = PlanScene.past(worked: [("2026-03-30T09:10:00Z", 50)])
        let resting = PlanScene.capacity(past) {
            $0.continuousTime = .minutes(50)
            $0.breakTime = .minutes(10)
            $0.dayTime = .hours(2)
        }
        #expect(!resting.mayBeLeased && resting.today == 70 * 60)
        #expect(PlanScene.capacity { $0.openLeases = 0 }.mayBeLeased == false)
        #expect(PlanScene.capacity(PlanScene.past(zone: "Mars/Base")) { _ in }.week == 0)
    }

    @Test func `capacity ends with an agreement, in the lanes that need it`() {
        let training = PurposeName("training")
        func capacity(_ purpose: PurposeName, until end: String) -> Capacity {
            let base = PlanScene.past()
            let ending = Agreement(
                purpose: purpose, noticeID: "notice", noticeVersion: 2, state: .given,
                from: PlanScene.midnight - .hours(24), until: PlanScene.moment(end))
            let past = PersonPast(
                standing: base.standing, consents: base.consents + [ending], grants: [], worked: [])
            let rating = LaneAsk(
                project: PlanScene.project, kind: "rating", severity: 0, effortSeconds: 300,
                purposes: [.takingPart, training])
            return Capacity(
                of: past.facts(at: PlanScene.now), in: [PlanScene.lane(), rating],
                under: PlanLine(base: PlanScene.limits { $0.kindDay = .hours(2) }), now: PlanScene.now)
        }
        // Two kinds today, two hours each; then one on six days.
        let one = capacity(training, until: "2026-03-31T00:00:00Z")
        #expect(one.mayBeLeased && one.today == 4 * 3_600 && one.week == 16 * 3_600)
        // One kind for two days, and an hour of the third.
        let all = capacity(.takingPart, until: "2026-04-01T01:00:00Z")
        #expect(all.mayBeLeased && all.today == 2 * 3_600 && all.week == 5 * 3_600)
        let soon = capacity(.takingPart, until: "2026-03-30T11:00:00Z")
        #expect(soon.mayBeLeased && soon.today == 3_600 && soon.week == 3_600)
        let over = capacity(.takingPart, until: "2026-03-30T10:00:00Z")
        #expect(!over.mayBeLeased && over.week == 0)
    }

    @Test func `time is over exactly where the gate says that a limit is reached`() {
        var random = SeededGenerator(seed: 12)
        var over = 0
        for _ in 0..<500 {
            var facts = PlanScene.past().facts(at: PlanScene.now)
            var at = PlanScene.now - .minutes(Int.random(in: 1...3_000, using: &random))
            while at < PlanScene.now {
                let end = min(at + .minutes(Int.random(in: 1...90, using: &random)), PlanScene.now)
                facts.worked.add(
                    WorkInterval(start: at, end: end), kind: Bool.random(using: &random) ? "puzzle" : "rating",
                    severity: 0)
                at = end + .minutes(Int.random(in: 1...200, using: &random))
            }
            let reached = Gate.reached(
                person: facts, lane: PlanScene.lane(), limits: .defaults, now: PlanScene.now)
            let whole = Gate.time(of: facts, limits: .defaults, now: PlanScene.now)
            let inLane = Gate.timeInLane(
                of: facts, in: PlanScene.lane(), limits: .defaults, now: PlanScene.now)
            switch whole.stricter(than: inLane) {
            case .over(let refusal):
                over += 1
                #expect(refusal.until == reached?.until)
            case .free(let until): #expect(reached == nil && until > PlanScene.now)
            }
        }
        #expect((50...450).contains(over))
    }
}
