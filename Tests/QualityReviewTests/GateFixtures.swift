import PlimsollModel
import Testing

@testable import QualityReview

/// A morning in Berlin, 2026-03-30T10:00:00+02:00, and a person to whom nothing stands in the way.
enum Scene {
    static let now = Moment(seconds: 1_774_857_600)
    static let project = ProjectID(7)

    static func agreement(
        _ purpose: PurposeName = .takingPart, _ state: AgreementState = .given, from: Moment = now - .hours(240),
        until: Moment = now + .hours(2_160), version: Int = 1
    ) -> Agreement {
        Agreement(purpose: purpose, noticeID: "notice", noticeVersion: version, state: state, from: from, until: until)
    }

    static func person(_ change: (inout PersonFacts) -> Void = { _ in }) -> PersonFacts {
        var facts = PersonFacts(zone: "Europe/Berlin", enrolled: [project], agreements: [agreement()])
        change(&facts)
        return facts
    }

    static func lane(_ change: (inout LaneAsk) -> Void = { _ in }) -> LaneAsk {
        var ask = LaneAsk(project: project, kind: "puzzle", severity: 0, effortSeconds: 300, purposes: [.takingPart])
        change(&ask)
        return ask
    }

    static func lease(deadline: Moment = now + .minutes(15)) -> OpenLease {
        OpenLease(granted: now - .minutes(1), deadline: deadline, kind: "puzzle", severity: 0, project: project)
    }

    static func decide(
        _ person: PersonFacts = person(), _ lane: LaneAsk = lane(), _ limits: WorkloadLimits = .defaults,
        now: Moment = now, want: Int = 1
    ) -> GateAnswer {
        Gate.decide(person: person, lane: lane, limits: limits, now: now, want: want)
    }

    static func granted(_ answer: GateAnswer) -> (count: Int, deadline: Moment)? {
        if case .granted(let count, let deadline) = answer.decision { (count, deadline) } else { nil }
    }
}
