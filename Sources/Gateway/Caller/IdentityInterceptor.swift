import GRPCCore
import Identity
import Logging

/// Stands before every handler: proves who calls, asks whether they may, counts the call, and turns every error into
/// a status.
struct IdentityInterceptor: ServerInterceptor {
    let trustDomain: String
    let dispatch: any WorkDispatch
    let limits: CallLimits
    let logger: Logger

    @concurrent
    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>,
        context: ServerContext,
        next:
            @Sendable @concurrent (
                _ request: StreamingServerRequest<Input>,
                _ context: ServerContext
            ) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        do {
            let caller = try await admit(context)
            let connection = context.remotePeer
            try limits.open(of: caller.name, connection: connection)
            do {
                var inner = context
                inner.transportSpecific = caller
                return ending(try await next(request, inner), of: context.descriptor) {
                    limits.close(of: caller.name, connection: connection)
                }
            } catch {
                limits.close(of: caller.name, connection: connection)
                throw error
            }
        } catch {
            throw status(of: error, in: context.descriptor)
        }
    }

    /// Proves and authorizes the caller. Everything in doubt is refused.
    private func admit(_ context: ServerContext) async throws -> Caller {
        let caller = try Caller(provedBy: context, trustDomain: trustDomain)
        guard let rule = MethodRules.rule(for: context.descriptor) else {
            throw GatewayError(.notAllowed, "\(context.descriptor) is open to nobody")
        }
        let roles: Set<Role>? =
            switch rule.admission {
            case .granted(let roles), .subject(let roles): roles
            case .certified: nil
            }
        if let roles, !roles.contains(caller.role) {
            let allowed = roles.map(\.rawValue).sorted().joined(separator: ", ")
            throw GatewayError(
                .notAllowed,
                "\(context.descriptor) is for the role \(allowed), "
                    + "and this certificate is of role \(caller.role.rawValue)"
            )
        }
        try limits.takeCall(of: caller.name, role: caller.role, share: rule.share)
        switch rule.admission {
        case .granted:
            try await dispatch.authorize(person: caller.name, serial: caller.serial, role: caller.role.rawValue)
        case .subject:
            try await dispatch.authorizeSubject(person: caller.name, serial: caller.serial)
        case .certified: break
        }
        return caller
    }

    /// The same response, whose end is noted and whose errors are mapped.
    private func ending<Output>(
        _ response: StreamingServerResponse<Output>, of method: MethodDescriptor,
        then end: @escaping @Sendable () -> Void
    ) -> StreamingServerResponse<Output> {
        switch response.accepted {
        case .failure(let error):
            end()
            return StreamingServerResponse(error: error)
        case .success(var contents):
            let produce = contents.producer
            contents.producer = { [self] writer in
                defer { end() }
                do {
                    return try await produce(writer)
                } catch {
                    throw status(of: error, in: method)
                }
            }
            return StreamingServerResponse(accepted: .success(contents))
        }
    }

    private func status(of error: any Error, in method: MethodDescriptor) -> RPCError {
        if let status = error as? RPCError { return status }
        let refusal = GatewayError(of: error)
        if refusal.code == .internalFault {
            logger.error(
                "a call failed",
                metadata: [
                    "method": "\(method)", "error": "\(refusal.cause.map(String.init(reflecting:)) ?? refusal.message)",
                ])
        }
        return refusal.status
    }
}
