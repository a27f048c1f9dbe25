import PlimsollModel
import QualityReview
import Testing

@Suite struct NearLimitTests {
    @Test func `a task that no stretch of work has room for is refused until an act, and not until a moment gone by`() {
        let now = Moment(seconds: 1_774_256_400)
        var person = PersonFacts(
            zone: "UTC", enrolled: [ProjectID(1)], denied: false,
            agreements: [
                Agreement(
                    purpose: .takingPart, noticeID: "part", noticeVersion: 1, state: .given, from: .distantPast,
                    until: .distantFuture)
            ])
        var limits = WorkloadLimits()
        limits.continuousTime = .minutes(12)
        limits.breakTime = .minutes(5)
        let lane = LaneAsk(
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
        // In the middle of a stretch a break helps a shorter task.
        person.worked.add(
            WorkInterval(start: now - .minutes(10), end: now - .minutes(1)), kind: "puzzle", severity: 0)
        #expect(until() == .some(now + .minutes(4)))
    }
}
