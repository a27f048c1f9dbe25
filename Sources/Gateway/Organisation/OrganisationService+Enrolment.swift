import GRPCCore
import Identity
import Ledger
import PlimsollProtocol
import SwiftProtobuf

extension OrganisationService {
    func enrolEngineers(
        request: Plimsoll_V1_EnrolEngineersRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_EnrolEngineersResponse {
        let tokens = request.people.map { _ in request.tokens ? EnrolmentToken.make() : nil }
        let outcome = try await ledger.enrolEngineers(
            zip(request.people, tokens).map {
                NewEngineer(name: $0.name, zone: $0.zone.orNil, tokenHash: $1?.hash)
            },
            projects: request.projects,
            selection: SelectionRecord(
                rule: request.rule, dataUsed: request.dataUsed, decidedBy: request.decidedBy,
                alternativeOffered: request.alternativeOffered), team: request.team.orNil, by: context.caller.name)
        return .with {
            $0.people = zip(outcome.people, tokens).map { person, token in
                .with {
                    $0.name = person.name
                    $0.zone = person.zone
                    $0.token = token?.token ?? ""
                }
            }
            if let span = outcome.span { $0.span = .init(span) }
        }
    }

    func moveEngineer(
        request: Plimsoll_V1_MoveEngineerRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_SpanOfControl {
        .init(
            try await ledger.moveEngineer(
                request.name, to: request.team, reason: request.reason, by: context.caller.name))
    }

    func leaveProject(
        request: Plimsoll_V1_LeaveProjectRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_LeaveProjectResponse {
        let caller = try context.caller
        let name = try Self.own(request.name, of: caller)
        let outcome = try await ledger.leaveProject(
            request.project, person: name, reason: request.reason.orNil, by: caller.name)
        return .with {
            $0.name = name
            $0.project = request.project
            // How much the person held is theirs to know (P9).
            if name == caller.name { $0.leasesEnded = UInt32(clamping: outcome.leasesEnded) }
            $0.remainingProjects = outcome.remaining
        }
    }

    func listSelections(
        request: Plimsoll_V1_ListSelectionsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListSelectionsResponse {
        let name = try context.caller.name
        let kept = try await ledger.selections(of: name)
        let teams = try await ledger.memberships(of: name)
        return .with {
            $0.selections = kept.map { .init($0) }
            $0.teams = teams.map { .init($0) }
        }
    }
}

extension Plimsoll_V1_Membership {
    init(_ membership: TeamMembership) {
        self.init()
        team = membership.team
        supervisor = membership.supervisor
        since = WireDate.text(membership.since)
        decidedBy = membership.decidedBy
        if let end = membership.end {
            endedOn = WireDate.text(end.at)
            endedBy = end.by
            endReason = end.reason ?? ""
        }
    }
}

extension Plimsoll_V1_Selection {
    init(_ kept: KeptSelection) {
        self.init()
        project = kept.project
        rule = kept.record.rule
        dataUsed = kept.record.dataUsed
        decidedBy = kept.record.decidedBy
        alternativeOffered = kept.record.alternativeOffered
        decidedOn = WireDate.text(kept.decidedAt)
        if let end = kept.end {
            endedOn = WireDate.text(end.at)
            endedBy = end.by
            endReason = end.reason ?? ""
        }
    }
}
