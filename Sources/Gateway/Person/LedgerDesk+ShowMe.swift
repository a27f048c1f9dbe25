import Ledger
import PlimsollModel
import PlimsollProtocol
import QualityReview
import SwiftProtobuf

extension LedgerDesk {
    /// The person's own load, and for each of their projects what the coordinator's gate would answer now.
    func showMe(
        _ request: Plimsoll_V1_ShowMeRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ShowMeResponse {
        let standing = try await ledger.standing(of: caller.name)
        let limits = standing.line.limits
        let facts = PersonFacts(standing)
        let today = facts.labelsByDay.map { $0.day == standing.today ? $0.count : 0 } ?? 0
        return .with {
            $0.name = standing.person.name
            $0.zone = standing.person.zone
            $0.openLeases = UInt32(facts.openLeases.count)
            $0.openLeasesLimit = UInt32(limits.openLeases ?? 0)
            $0.dayTasks = UInt32(today + facts.openLeases.count)
            $0.dayTasksLimit = UInt32(limits.dayTasks ?? 0)
            $0.projects = standing.projects.map { project in
                .with {
                    $0.project = project.name
                    let ask = LaneAsk(
                        project: project.id, kind: "", severity: 0, effortSeconds: project.effortSeconds,
                        purposes: project.purposes, paused: project.state != "open")
                    let answer = Gate.decide(
                        person: facts, lane: ask, limits: standing.line.limits(in: project.id), now: standing.now,
                        want: 1)
                    if let refusal = answer.refusal { $0.refusal = .init(refusal, now: standing.now) }
                }
            }
        }
    }
}

extension PersonFacts {
    /// Folded as the dispatcher folds it: a role that is not granted denies like a denial.
    init(_ standing: PersonStanding) {
        let person = standing.person
        self.init(
            zone: person.zone, enrolled: person.enrolled, denied: person.denied || !person.isEngineer,
            agreements: person.agreements.map {
                Agreement(
                    purpose: $0.purpose, noticeID: $0.notice, noticeVersion: $0.noticeVersion, state: $0.state,
                    from: $0.from, until: $0.until)
            },
            openLeases: person.leases.map { lease in
                let lane = standing.lanes[lease.lane]
                return OpenLease(
                    granted: lease.grantedAt, deadline: lease.deadline, kind: lane?.kind ?? "",
                    severity: lane?.severity ?? 0, project: lease.project)
            },
            labelsByDay: person.head.map { DayCount(day: $0.day, count: $0.dayLabels) })
        worked = person.worked
        declaredWeek = person.declaredWeek
        formerZone = person.formerZone.map { FormerZone(name: $0.name, until: $0.changedAt + FormerZone.kept) }
    }
}

extension Plimsoll_V1_Refusal {
    init(_ refusal: Refusal, now: Moment) {
        self.init()
        rule = refusal.rule.rawValue
        value = refusal.value
        limit = refusal.limit
        untilMilliseconds = refusal.until.map { UInt64(clamping: max(0, ($0 - now).milliseconds)) } ?? 0
        sentence = refusal.sentence
    }
}
