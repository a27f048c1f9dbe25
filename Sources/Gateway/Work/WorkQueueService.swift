import GRPCCore
import PlimsollProtocol

/// `plimsoll.v1.WorkQueue`: the work stream here, everything else at the desk.
struct WorkQueueService: Plimsoll_V1_WorkQueue.ServiceProtocol {
    let configuration: GatewayConfiguration
    let dispatch: any WorkDispatch
    let desk: any PersonDesk
    let sessions: WorkSessions

    func work(
        request: StreamingServerRequest<Plimsoll_V1_WorkerMessage>, context: ServerContext
    ) async throws -> StreamingServerResponse<Plimsoll_V1_CoordinatorMessage> {
        let session = WorkSession(
            caller: try context.caller, dispatch: dispatch, configuration: configuration,
            cancellation: context.cancellation)
        return StreamingServerResponse { writer in
            try await sessions.with(session) { try await session.run(request.messages, writer: writer) }
            return [:]
        }
    }

    func listAgreements(
        request: ServerRequest<Plimsoll_V1_ListAgreementsRequest>, context: ServerContext
    ) async throws -> ServerResponse<Plimsoll_V1_ListAgreementsResponse> {
        ServerResponse(message: try await desk.listAgreements(request.message, caller: context.caller))
    }

    func giveAgreement(
        request: ServerRequest<Plimsoll_V1_GiveAgreementRequest>, context: ServerContext
    ) async throws -> ServerResponse<Plimsoll_V1_ConsentReceipt> {
        ServerResponse(message: try await desk.giveAgreement(request.message, caller: context.caller))
    }

    func refuseAgreement(
        request: ServerRequest<Plimsoll_V1_RefuseAgreementRequest>, context: ServerContext
    ) async throws -> ServerResponse<Plimsoll_V1_ConsentReceipt> {
        ServerResponse(message: try await desk.refuseAgreement(request.message, caller: context.caller))
    }

    func withdrawAgreement(
        request: ServerRequest<Plimsoll_V1_WithdrawAgreementRequest>, context: ServerContext
    ) async throws -> ServerResponse<Plimsoll_V1_ConsentReceipt> {
        ServerResponse(message: try await desk.withdrawAgreement(request.message, caller: context.caller))
    }

    func renewCertificate(
        request: ServerRequest<Plimsoll_V1_RenewCertificateRequest>, context: ServerContext
    ) async throws -> ServerResponse<Plimsoll_V1_CertificateChain> {
        ServerResponse(message: try await desk.renewCertificate(request.message, caller: context.caller))
    }

    func showMe(
        request: ServerRequest<Plimsoll_V1_ShowMeRequest>, context: ServerContext
    ) async throws -> ServerResponse<Plimsoll_V1_ShowMeResponse> {
        ServerResponse(message: try await desk.showMe(request.message, caller: context.caller))
    }
}
