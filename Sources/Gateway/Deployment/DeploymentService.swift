import GRPCCore
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// `plimsoll.v1.Deployment` over the ledger: switches of the whole deployment.
struct DeploymentService: Plimsoll_V1_Deployment.SimpleServiceProtocol {
    let ledger: Ledger

    func setReadOnly(
        request: Plimsoll_V1_SetReadOnlyRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_DeploymentStatus {
        .init(try await ledger.setReadOnly(request.readOnly, reason: request.reason, by: context.caller.name))
    }

    func showDeployment(
        request: Plimsoll_V1_ShowDeploymentRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_DeploymentStatus {
        var status = Plimsoll_V1_DeploymentStatus(try await ledger.deployment())
        // A denial moves it and a break does not, so beside a word that changes it would tell why (P9).
        if try context.caller.role != .operator { status.epoch = 0 }
        return status
    }
}

extension Plimsoll_V1_DeploymentStatus {
    init(_ switches: DeploymentSwitches) {
        self.init()
        readOnly = switches.isReadOnly
        epoch = switches.epoch
        reason = switches.reason
        since = switches.since?.description ?? ""
        by = switches.by
    }
}
