import Coordinator
import GRPCCore
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

extension OrganisationService {
    func setLimitLayer(
        request: Plimsoll_V1_LimitLayer, context: ServerContext
    ) async throws -> Plimsoll_V1_LimitLayer {
        let caller = try context.caller
        let scope = try await scope(of: request, caller)
        if request.document.isEmpty {
            try await ledger.clearLimitLayer(scope, by: caller.name)
        } else {
            try await ledger.setLimitLayer(scope, request.document, by: caller.name)
        }
        return request
    }

    func showLimitLayer(
        request: Plimsoll_V1_LimitLayer, context: ServerContext
    ) async throws -> Plimsoll_V1_LimitLayer {
        var layer = request
        layer.document = try await ledger.limitLayer(scope(of: request, context.caller)) ?? ""
        return layer
    }

    func setMyLimits(request: Plimsoll_V1_MyLimits, context: ServerContext) async throws -> Plimsoll_V1_MyLimits {
        let name = try context.caller.name
        if request.document.isEmpty {
            try await ledger.clearLimitLayer(.person(name), by: name)
        } else {
            try await ledger.setLimitLayer(.person(name), request.document, by: name)
        }
        return request
    }

    func showMyLimits(
        request: Plimsoll_V1_ShowMyLimitsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_MyLimits {
        let document = try await ledger.limitLayer(.person(context.caller.name))
        return .with { $0.document = document ?? "" }
    }

    func showEffectiveLimits(
        request: Plimsoll_V1_ShowEffectiveLimitsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_EffectiveLimits {
        let caller = try context.caller
        let name = try Self.own(request.name, of: caller)
        // By person, whatever role the certificate is of.
        let viewer: LimitsViewer =
            name == caller.name
            ? .oneself : caller.role == .operator ? .operator(caller.name) : .supervisor(caller.name)
        let limits = try await ledger.effectiveLimits(for: name, project: request.project.orNil, viewer: viewer)
        return .with {
            $0.limits = limits.entries.map { entry in
                .with {
                    $0.key = entry.key
                    $0.value = entry.value
                    $0.source = entry.source.rawValue
                }
            }
        }
    }

    func rollBackPolicy(
        request: Plimsoll_V1_RollBackPolicyRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_PolicyVersion {
        let policy = try await ledger.rollBackPolicy(
            to: request.version, reason: request.reason, stoppingEveryone: request.stopEveryone,
            by: context.caller.name)
        return .init(policy, warnings: await Availability(ledger: ledger).warnings())
    }

    /// Whose layer a message means. A supervisor's certificate reaches the teams that its holder answers for.
    private func scope(of layer: Plimsoll_V1_LimitLayer, _ caller: Caller) async throws -> LimitScope {
        guard layer.team.isEmpty != layer.project.isEmpty else {
            throw GatewayError(.badMessage, "name either a team or a project")
        }
        guard caller.role == .supervisor else {
            return layer.team.isEmpty ? .project(layer.project) : .team(layer.team)
        }
        guard !layer.team.isEmpty else {
            throw GatewayError(.notAllowed, "the limits of a project are set by an operator")
        }
        guard try await ledger.supervisor(ofTeam: layer.team) == caller.name else {
            throw GatewayError(.notAllowed, "the limits of a team are set by its supervisor or an operator")
        }
        return .team(layer.team)
    }
}
