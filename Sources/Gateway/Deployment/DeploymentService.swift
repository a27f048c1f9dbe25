import GRPCCore
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
        .init(try await ledger.deployment())
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
