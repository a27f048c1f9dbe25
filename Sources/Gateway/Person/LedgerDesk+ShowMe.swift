import Coordinator
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
        let facts = PersonFacts(person: standing.person) { standing.lanes[$0] }
        let today = facts.labelsByDay.map { $0.day == standing.today ? $0.count : 0 } ?? 0
        let load = PersonLoad(standing, facts)
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
                    let answer = Gate.decide(
                        person: facts, lane: LaneAsk(project), limits: standing.line.limits(in: project.id),
                        now: standing.now, want: 1)
                    if let refusal = answer.refusal { $0.refusal = .init(refusal, now: standing.now) }
                }
            }
            $0.load = load.rows
            $0.withoutLimit = load.withoutLimit
            if let pause = load.line.pause { $0.nextBreak = .init(pause, now: standing.now) }
            $0.rest = .init(load.line.rest, now: standing.now)
            $0.ending = load.ending
            $0.atMicroseconds = standing.now.microseconds
        }
    }
}

extension LaneAsk {
    /// A project as such: of no kind, and its usual effort.
    init(_ project: StoredProject) {
        self.init(project, kind: "", severity: 0, effortSeconds: project.effortSeconds)
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
