import GRPCCore
import PlimsollProtocol

/// `grpc.health.v1`: the standard questions of load balancers. Every service of this process has the same answer.
struct HealthService: Grpc_Health_V1_Health.ServiceProtocol {
    let health: HealthState
    let isReady: @Sendable () -> Bool
    /// Fully qualified names that are asked for; the empty name, the process as a whole, is always known.
    let services: Set<String>

    func check(
        request: ServerRequest<Grpc_Health_V1_HealthCheckRequest>, context: ServerContext
    ) async throws -> ServerResponse<Grpc_Health_V1_HealthCheckResponse> {
        guard knows(request.message.service) else {
            throw GatewayError(.notFound, "no such service")
        }
        return ServerResponse(message: Grpc_Health_V1_HealthCheckResponse(isServing ? .serving : .notServing))
    }

    /// Asked anew: what was true before this process was frozen is not true after it.
    private var isServing: Bool { health.isServing && isReady() }

    func watch(
        request: ServerRequest<Grpc_Health_V1_HealthCheckRequest>, context: ServerContext
    ) async throws -> StreamingServerResponse<Grpc_Health_V1_HealthCheckResponse> {
        let known = knows(request.message.service)
        return StreamingServerResponse { writer in
            // The standard: an unknown service is answered, not refused, because it may yet come.
            let changes = known ? health.watch() : nil
            if changes == nil { try await writer.write(Grpc_Health_V1_HealthCheckResponse(.serviceUnknown)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                if let changes {
                    group.addTask {
                        for await serving in changes {
                            try await writer.write(Grpc_Health_V1_HealthCheckResponse(serving ? .serving : .notServing))
                        }
                    }
                }
                group.addTask { try await context.cancellation.cancelled }
                // The first to end is the caller who has gone, or a write that failed because of that.
                try await group.next()
                group.cancelAll()
            }
            return [:]
        }
    }

    private func knows(_ service: String) -> Bool { service.isEmpty || services.contains(service) }
}

extension Grpc_Health_V1_HealthCheckResponse {
    fileprivate init(_ status: ServingStatus) {
        self.init()
        self.status = status
    }
}
