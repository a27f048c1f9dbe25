import Coordinator
import GRPCCore
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

extension ControlService {
    func enrolEngineer(
        request: Plimsoll_V1_EnrolEngineerRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_EnrolEngineerResponse {
        let token = request.token ? EnrolmentToken.make() : nil
        let outcome = try await ledger.enrolEngineers(
            [NewEngineer(name: request.name, zone: request.zone.orNil, tokenHash: token?.hash)],
            projects: request.projects,
            selection: SelectionRecord(
                rule: request.rule, dataUsed: request.dataUsed, decidedBy: request.decidedBy,
                alternativeOffered: request.alternativeOffered), team: request.team.orNil, by: context.caller.name)
        let person = outcome.people[0]
        return .with {
            $0.name = person.name
            $0.zone = person.zone
            $0.projects = request.projects
            $0.token = token?.token ?? ""
            $0.warning = outcome.span?.warning ?? ""
        }
    }

    /// P9: a name and one word.
    func listEngineers(
        request: Plimsoll_V1_ListEngineersRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListEngineersResponse {
        try await ledger.recordRead(.engineerList, by: context.caller.name)
        let engineers = try await availability.engineers()
        return .with {
            $0.engineers = engineers.map { engineer in
                .with {
                    $0.name = engineer.name
                    $0.available = engineer.isAvailable
                }
            }
        }
    }

    func grantRole(
        request: Plimsoll_V1_GrantRoleRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_GrantRoleResponse {
        let token = request.token ? EnrolmentToken.make() : nil
        try await ledger.grantRole(
            role(request.role), to: request.name, tokenHash: token?.hash, by: context.caller.name)
        return .with {
            $0.name = request.name
            $0.role = request.role
            $0.token = token?.token ?? ""
        }
    }

    func revokeRole(
        request: Plimsoll_V1_RevokeRoleRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_RoleGrant {
        try await ledger.revokeRole(
            role(request.role), from: request.name, reason: request.reason, by: context.caller.name)
        return .with {
            $0.name = request.name
            $0.role = request.role
        }
    }

    func listRoles(
        request: Plimsoll_V1_ListRolesRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListRolesResponse {
        try await ledger.recordRead(.roleList(of: request.name.orNil), by: context.caller.name)
        let grants = try await ledger.roles(of: request.name.orNil)
        return .with {
            $0.grants = grants.map { grant in
                .with {
                    $0.name = grant.name
                    $0.role = grant.role.rawValue
                }
            }
        }
    }

    private func role(_ name: String) throws -> RoleName {
        guard let role = RoleName(rawValue: name) else {
            let roles = RoleName.allCases.map(\.rawValue).joined(separator: ", ")
            throw GatewayError(.badMessage, "there is no role “\(name)”; the roles are \(roles)")
        }
        return role
    }
}
