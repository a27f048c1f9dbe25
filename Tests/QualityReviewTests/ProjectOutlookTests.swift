import PlimsollModel
import Testing

@testable import QualityReview

@Suite("Why work comes or does not, project by project")
struct ProjectOutlookTests {
    private func outlook(
        _ lanes: [(kind: String, left: LaneLeft)], deployment: ProjectOutlook.Deployment = .working,
        limits: WorkloadLimits = .defaults, at now: Moment = Scene.now,
        _ change: (inout PersonFacts) -> Void = { _ in }
    ) -> ProjectOutlook {
        ProjectOutlook(
            of: Scene.person(change), lanes: lanes.map { lane in (Scene.lane { $0.kind = lane.kind }, lane.left) },
            whole: Scene.lane { $0.kind = "" }, limits: limits, deployment: deployment, parked: 0, now: now)
    }

    @Test func workMayComeWithRoomAndTheLimitThatIsNext() throws {
        let outlook = outlook([("puzzle", .ready(effortSeconds: 300))]) { $0.openLeases = [Scene.lease()] }
        guard case .mayCome(let room, let next?) = outlook.cause else {
            Issue.record("\(outlook)")
            return
        }
        #expect(room == 2)
        #expect(next.name == "break" && next.changes == Scene.now + .minutes(49))
        #expect(outlook.sentence == "Work may come: up to 2 tasks now.")
    }

    @Test func aLimitOfAKindThatIsNotHereIsNotNext() {
        var limits = WorkloadLimits()
        limits.severity2Day = .minutes(5)
        limits.kindDay = .minutes(20)
        let outlook = outlook([("puzzle", .ready(effortSeconds: 300))], limits: limits)
        guard case .mayCome(_, let next?) = outlook.cause else {
            Issue.record("\(outlook)")
            return
        }
        #expect(next.name == "kind-day" && next.scope == "puzzle")
    }

    @Test func whatPromisesMostSpeaksForTheProject() {
        func cause(_ lanes: [LaneLeft]) -> String {
            outlook(lanes.enumerated().map { ("kind \($0)", $1) }).sentence
        }
        #expect(cause([.nothing, .inOtherHands]).hasPrefix("Everything that is left for you is in other hands"))
        #expect(cause([.inOtherHands, .nothing, .ready(effortSeconds: 60)]).hasPrefix("Work may come"))
        #expect(cause([.nothing, .unknown]).hasPrefix("Work may come"))
        #expect(cause([.nothing]) == "Nothing is left here that you have not answered or declined.")
        #expect(cause([]) == "Nothing is left here that you have not answered or declined.")
    }

    @Test func lanesOfOneKindAreOneAndTheBestOfThemSpeaks() {
        let outlook = outlook([
            ("puzzle", .nothing), ("rating", .inOtherHands), ("puzzle", .ready(effortSeconds: 60)),
        ])
        #expect(outlook.lanes.map(\.kind) == ["puzzle", "rating"])
        if case .mayCome = outlook.lanes[0].cause {} else { Issue.record("\(outlook.lanes)") }
    }

    @Test func aKindThatIsAtItsLimitIsRefusedWhileAnotherComes() throws {
        let now = Scene.now + .hours(4)
        func worked(_ person: inout PersonFacts) {
            person.worked.add(
                WorkInterval(start: now - .hours(3), end: now - .hours(1)), kind: "puzzle", severity: 0)
        }
        let both = outlook(
            [("puzzle", .ready(effortSeconds: 60)), ("rating", .ready(effortSeconds: 60))], at: now, worked)
        if case .mayCome = both.cause {} else { Issue.record("\(both)") }
        #expect(both.lanes.map(\.isRefused) == [true, false])
        let only = outlook([("puzzle", .ready(effortSeconds: 60))], at: now, worked)
        guard case .refused(let refusal) = only.cause else {
            Issue.record("\(only)")
            return
        }
        #expect(refusal.rule == .kindDay && refusal.scope == "puzzle" && only.sentence == refusal.sentence)
        let rest = outlook([("puzzle", .ready(effortSeconds: 60)), ("rating", .nothing)], at: now, worked)
        #expect(rest.sentence.hasSuffix("other work is refused."))
    }

    @Test func whatIsSoForEverybodyComesFirst() {
        let lanes: [(kind: String, left: LaneLeft)] = [("puzzle", .ready(effortSeconds: 60))]
        #expect(outlook(lanes, deployment: .readOnly) { $0.denied = true }.cause == .readOnly)
        #expect(outlook(lanes, deployment: .withoutCoordinator).cause == .noCoordinator)
        if case .refused(let refusal) = outlook(lanes, { $0.enrolled = [] }).cause {
            #expect(refusal.rule == .notEnrolled)
        } else {
            Issue.record("not enrolled, and yet not refused")
        }
    }
}
