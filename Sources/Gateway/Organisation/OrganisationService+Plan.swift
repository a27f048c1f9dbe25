import Coordinator
import GRPCCore
import Ledger
import PlimsollModel
import PlimsollProtocol
import QualityReview
import SwiftProtobuf
import Synchronization

extension OrganisationService {
    /// People whose past is read at once: a few thousand rows of leases.
    private static let peopleAtOnce = 50

    /// What a policy would do and would have done, person by person, and figures of many alone as the result.
    ///
    /// Costs what `PolicyPlanner` says, for each document of the day; what is read of one piece is gone with the next.
    func planPolicy(
        request: Plimsoll_V1_PlanPolicyRequest, response: RPCWriter<Plimsoll_V1_PlanPolicyPart>, context: ServerContext
    ) async throws {
        let caller = try context.caller
        guard planning.begin() else {
            throw GatewayError(
                .notReady, "this coordinator works out another plan just now", retryAfter: .seconds(2))
        }
        defer { planning.end() }
        let frame = try await ledger.beginPlan(request.document, project: request.project.orNil, by: caller.name)
        var planner = PolicyPlanner(frame.planned, documents: frame.documents.count)
        let total = UInt32(clamping: frame.people.count)
        for start in stride(from: 0, to: frame.people.count, by: Self.peopleAtOnce) {
            let some = Array(frame.people[start..<min(start + Self.peopleAtOnce, frame.people.count)])
            try await response.write(
                .with {
                    $0.progress = .with {
                        $0.done = UInt32(start)
                        $0.total = total
                    }
                })
            for past in try await ledger.past(of: some, in: frame) {
                try Task.checkCancellation()
                let lines = frame.documents.map { PlanLine(PersonLine(past.layers, under: $0), in: past.enrolled) }
                planner.add(PersonPast(past, in: frame), lines: lines)
                // Some milliseconds each; workers' streams wait for no plan.
                await Task.yield()
            }
        }
        let inForce = try frame.inForce.parsed()
        let plan = planner.plan(
            // Of the policy in force: a proposed one does not say how few people it may be looked at by.
            Discretion(smallestGroup: inForce.oversight.groupOperations), inForce: frame.inForcePlace,
            proposed: frame.proposedPlace)
        try await response.write(
            .with { $0.plan = .init(plan, frame, smallestGroup: inForce.oversight.groupOperations) })
    }
}

/// One plan at a time in a coordinator: each keeps a core busy for seconds.
final class PlanTurn: Sendable {
    private let taken = Mutex(false)

    /// Whether it is the caller's turn, who must end it.
    func begin() -> Bool {
        taken.withLock { taken in
            defer { taken = true }
            return !taken
        }
    }

    func end() { taken.withLock { $0 = false } }
}

extension PlanFrame {
    var planned: PolicyPlanner.Frame {
        PolicyPlanner.Frame(
            now: now, midnight: midnight,
            projects: projects.map { project in
                let own = lanes.values.filter { $0.project == project.id }
                    .map { LeasedLane(kind: $0.kind, severity: $0.severity) }
                return PolicyPlanner.Project(id: project.id, lanes: LaneAsk.usual(project, in: Set(own)))
            }, only: only)
    }
}

extension PlanLine {
    init(_ line: PersonLine, in projects: Set<ProjectID>) {
        var own: [ProjectID: WorkloadLimits] = [:]
        for project in projects {
            let limits = line.limits(in: project)
            if limits != line.limits { own[project] = limits }
        }
        self.init(base: line.limits, projects: own)
    }
}

extension PersonPast {
    /// Folded as the dispatcher folds it: a role that is not granted denies like a denial.
    init(_ past: StoredPast, in frame: PlanFrame) {
        var standing = PersonFacts(zone: past.zone, enrolled: past.enrolled, denied: !past.mayWork)
        standing.formerZone = past.formerZone.map { FormerZone(name: $0.name, changedAt: $0.changedAt) }
        standing.declaredWeek = past.declaredWeek
        standing.worked.totals = past.totals
        standing.labelsByDay = past.labels.map { DayCount(day: $0.day, count: $0.count) }
        let projects = Dictionary(uniqueKeysWithValues: frame.projects.map { ($0.id, $0) })
        self.init(
            standing: standing,
            consents: past.consents.map { Agreement($0) },
            grants: past.grants.compactMap { grant in
                guard let lane = frame.lanes[grant.lane] else { return nil }
                let project = projects[lane.project] ?? frame.closed[lane.project]
                return PastGrant(
                    granted: grant.granted, ended: grant.ended, labelled: grant.labelled,
                    lane: LaneAsk(
                        project: lane.project, kind: lane.kind, severity: lane.severity,
                        effortSeconds: max(1, grant.effortSeconds), purposes: project?.purposes ?? []))
            },
            worked: past.worked.map { PastWork(interval: $0.interval, kind: $0.kind, severity: $0.severity) })
    }
}
