import PlimsollModel
import QualityReview
import Testing

/// P2 near a limit: what has no room before it is not leased, and a lease that reaches it is parked there.
@Suite struct NearLimitTests {
    private static func person(agreedUntil: Moment = .distantFuture) -> PersonFacts {
        PersonFacts(
            zone: "UTC", enrolled: [ProjectID(1)], denied: false,
            agreements: [
                Agreement(
                    purpose: .takingPart, noticeID: "part", noticeVersion: 1, state: .given, from: .distantPast,
                    until: agreedUntil)
            ])
    }

    @Test func `a task that no stretch of work has room for is refused until an act, and not until a moment gone by`() {
        let now = Moment(seconds: 1_774_256_400)
        var person = Self.person()
        var limits = WorkloadLimits()
        limits.continuousTime = .minutes(12)
        limits.breakTime = .minutes(5)
        var lane = LaneAsk(
            project: ProjectID(1), kind: "puzzle", severity: 0, effortSeconds: 1_000, purposes: [.takingPart],
            paused: false)
        func until() -> Moment?? {
            guard
                case .refused(let refusal) = Gate.decide(
                    person: person, lane: lane, limits: limits, now: now, want: 1
                ).decision
            else { return nil }
            #expect(refusal.rule == .limitTooNear && refusal.scope == Rule.breakTime.rawValue)
            return .some(refusal.until)
        }
        // Rested since yesterday: no break makes more room than there is.
        person.worked.add(
            WorkInterval(start: now - .hours(20), end: now - .hours(19)), kind: "puzzle", severity: 0)
        #expect(until() == .some(nil))
        // In the middle of a stretch a break helps a shorter task, and not this one.
        person.worked.add(
            WorkInterval(start: now - .minutes(10), end: now - .minutes(1)), kind: "puzzle", severity: 0)
        #expect(until() == .some(nil))
        lane.effortSeconds = 720
        #expect(until() == .some(now + .minutes(4)))
    }

    @Test(
        "of several limits that are too near the one that lets go last gives the moment",
        arguments: [(stretch: 10, earlier: 17), (stretch: 8, earlier: 21)])
    func several(stretch: Int, earlier: Int) throws {
        let now = Moment(seconds: 1_774_256_400)
        let midnight = Moment(seconds: 1_774_310_400)
        var person = Self.person()
        for (start, length) in [(now - .hours(2), earlier), (now - .minutes(stretch), stretch)] {
            person.worked.add(
                WorkInterval(start: start, end: start + .minutes(length)), kind: "puzzle", severity: 0)
        }
        var limits = WorkloadLimits()
        limits.continuousTime = .minutes(12)
        limits.breakTime = .minutes(5)
        limits.kindDay = .minutes(30)
        // Two minutes are left before the break and three of the kind's day, or four and one.
        let lane = LaneAsk(
            project: ProjectID(1), kind: "puzzle", severity: 0, effortSeconds: 360, purposes: [.takingPart])
        func ask(_ now: Moment) -> GateAnswer {
            Gate.decide(person: person, lane: lane, limits: limits, now: now, want: 1)
        }
        let refusal = try #require(ask(now).refusal)
        #expect(refusal.rule == .limitTooNear && refusal.scope == "puzzle" && refusal.until == midnight)
        #expect(refusal.limit == DurationText.readable(.minutes(30 - stretch - earlier)))
        // After the break, which is as much too near.
        #expect(ask(now + .minutes(12 - stretch + 5)).refusal?.until == midnight)
        #expect(ask(midnight).refusal == nil)
        // An agreement lets go by an act alone.
        person.agreements = Self.person(agreedUntil: now + .minutes(5)).agreements
        #expect(ask(now).refusal?.until == nil)
    }

    @Test func `a day that ends too soon for a task is waited for, also when the rest after the last one is long over`()
        throws
    {
        let midnight = Moment(seconds: 1_774_310_400)
        var person = Self.person()
        person.worked.add(
            WorkInterval(start: midnight - .hours(62), end: midnight - .hours(61)), kind: "puzzle", severity: 0)
        var limits = WorkloadLimits()
        limits.weeklyRest = .hours(35)
        limits.weeklyRestDays = 1
        let lane = LaneAsk(
            project: ProjectID(1), kind: "puzzle", severity: 0, effortSeconds: 1_200, purposes: [.takingPart])
        func ask(_ now: Moment) -> GateAnswer {
            Gate.decide(person: person, lane: lane, limits: limits, now: now, want: 1)
        }
        let refusal = try #require(ask(midnight - .minutes(10)).refusal)
        #expect(refusal.rule == .limitTooNear && refusal.scope == Rule.weeklyRest.rawValue)
        #expect(refusal.until == midnight)
        #expect(ask(midnight).refusal == nil)
    }

    /// How far a lease may go with these limits, and whether it is parked there.
    private func end(
        _ change: (inout WorkloadLimits) -> Void, agreedUntil: Moment = .distantFuture
    ) throws -> Duration? {
        let now = Moment(seconds: 1_774_256_400)
        let person = Self.person(agreedUntil: agreedUntil)
        var limits = WorkloadLimits()
        change(&limits)
        let lane = LaneAsk(
            project: ProjectID(1), kind: "puzzle", severity: 0, effortSeconds: 1_000, purposes: [.takingPart])
        let answer = Gate.decide(person: person, lane: lane, limits: limits, now: now, want: 1)
        let horizon = try #require(answer.horizon)
        return horizon.parks(at: horizon.at, since: now, lifetime: limits.leaseLifetime) ? horizon.at - now : nil
    }

    @Test func `a limit at the very end of a lease parks it, but for the end of its lifetime`() throws {
        func stretch(_ length: Duration, _ lifetime: Duration?) -> (inout WorkloadLimits) -> Void {
            {
                $0.continuousTime = length
                $0.breakTime = .minutes(10)
                $0.leaseLifetime = lifetime
            }
        }
        #expect(try end(stretch(.minutes(50), .hours(2))) == .minutes(50))
        #expect(try end(stretch(.minutes(50), nil)) == .minutes(50))
        #expect(try end(stretch(.minutes(50), .minutes(50))) == nil)
        // With so little left it could not come back.
        #expect(try end(stretch(.minutes(40), .seconds(40 * 60 + 29))) == nil)
        #expect(try end(stretch(.minutes(40), .seconds(40 * 60 + 30))) == .minutes(40))
        // What it would end at without the limit is the end of an agreement.
        let until = Moment(seconds: 1_774_256_400) + .minutes(20)
        #expect(try end(stretch(.minutes(20), nil), agreedUntil: until) == .minutes(20))
        #expect(try end(stretch(.minutes(30), nil), agreedUntil: until) == nil)
    }
}
