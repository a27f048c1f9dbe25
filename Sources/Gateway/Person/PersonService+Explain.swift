import Coordinator
import GRPCCore
import Ledger
import PlimsollModel
import PlimsollProtocol
import QualityReview
import SwiftProtobuf

extension PersonService {
    /// Why work comes or does not, by the gate of the coordinators and with what they would find.
    func explain(
        request: Plimsoll_V1_ExplainRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ExplainResponse {
        let since = request.sinceSeconds == 0 ? Ledger.refusalsKept : .seconds(Int64(clamping: request.sinceSeconds))
        let reasons = try await ledger.reasons(
            of: context.caller.name, project: request.project.orNil, since: since)
        let standing = reasons.standing
        return .with {
            $0.name = standing.person.name
            $0.zone = standing.person.zone
            $0.atMicroseconds = standing.now.microseconds
            $0.projects = standing.projects.map { .init($0, reasons) }
            $0.refusals = reasons.refusals.map { .init($0) }
            $0.leases = reasons.leases.filter { request.project.isEmpty || $0.project == request.project }
                .map { .init($0, now: standing.now) }
        }
    }
}

extension Plimsoll_V1_ProjectReason {
    fileprivate init(_ project: StoredProject, _ reasons: PersonReasons) {
        self.init()
        let standing = reasons.standing
        let lanes = (reasons.lanes[project.id] ?? []).map { lane in
            var effort = project.effortSeconds
            if case .ready(let seconds) = lane.left { effort = seconds }
            return (
                ask: LaneAsk(project, kind: lane.kind, severity: lane.severity, effortSeconds: effort),
                left: lane.left
            )
        }
        let outlook = ProjectOutlook(
            of: PersonFacts(person: standing.person) { standing.lanes[$0] }, lanes: lanes, whole: LaneAsk(project),
            limits: standing.line.limits(in: project.id),
            deployment: reasons.readOnly ? .readOnly : reasons.hasCoordinator ? .working : .withoutCoordinator,
            parked: standing.person.parked.count, now: standing.now)
        self.project = project.name
        sentence = outlook.sentence
        cause = .init(outlook.cause)
        switch outlook.cause {
        case .mayCome(let room, let next):
            self.room = UInt32(clamping: room)
            if let next { nextLimit = .init(next, standing.sources(in: project.id), now: standing.now) }
        case .refused(let refusal): self.refusal = .init(refusal, now: standing.now)
        case .nothingLeft, .allInOtherHands, .readOnly, .noCoordinator: break
        }
        self.lanes = outlook.lanes.map { lane in
            .with {
                $0.kind = lane.kind
                $0.severity = UInt32(clamping: lane.severity)
                $0.cause = .init(lane.cause)
                if case .refused(let refusal) = lane.cause { $0.refusal = .init(refusal, now: standing.now) }
            }
        }
    }
}

extension Plimsoll_V1_WorkCause {
    fileprivate init(_ cause: ProjectOutlook.Cause) {
        self =
            switch cause {
            case .mayCome: .mayCome
            case .refused: .refused
            case .nothingLeft: .nothingLeft
            case .allInOtherHands: .allInOtherHands
            case .readOnly: .readOnly
            case .noCoordinator: .noCoordinator
            }
    }
}

extension Plimsoll_V1_RefusalRecord {
    fileprivate init(_ stored: StoredRefusal) {
        self.init()
        atMicroseconds = stored.at.microseconds
        rule = stored.rule
        value = stored.value
        limit = stored.limit
        untilMicroseconds = stored.until?.microseconds ?? 0
        scope = stored.scope ?? ""
        // A rule that this build does not know has its name and figures, and no sentence.
        sentence =
            Rule(rawValue: stored.rule).map {
                Refusal(rule: $0, value: stored.value, limit: stored.limit, scope: stored.scope).sentence
            } ?? ""
    }
}

extension Plimsoll_V1_LeaseRecord {
    fileprivate init(_ lease: LeaseAccount, now: Moment) {
        self.init()
        project = lease.project
        key = lease.key
        task = lease.task.rawValue
        kind = lease.kind
        severity = UInt32(clamping: lease.severity)
        parked = lease.parkedByLimit != nil
        atLimit = lease.parkedByLimit ?? false
        endsInSeconds = (lease.ends - now).secondsUp
        instructionsVersion = lease.instructionsVersion
        agreements = lease.agreements
        why = .with {
            $0.policyVersion = lease.policyVersion
            $0.provenance = lease.provenance.rawValue
        }
        if let figures = GrantFigures(stored: lease.figures) {
            why = .init(
                GrantReason(policyVersion: lease.policyVersion, provenance: lease.provenance, figures: figures))
        }
        // As it was written: a later build may know other rules.
        why.deadlineRule = lease.deadlineRule ?? ""
    }
}
