import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import PlimsollProtocol

/// The operator's connection to one coordinator.
struct ControlConnection: Sendable {
    typealias Transport = HTTP2ClientTransport.Posix

    let control: Plimsoll_V1_Control.Client<Transport>
    let health: Grpc_Health_V1_Health.Client<Transport>

    /// How long one call may take.
    static let callWithin = Duration.seconds(60)

    static var options: CallOptions {
        var options = CallOptions.defaults
        options.timeout = callWithin
        return options
    }

    /// Runs `body` with a connection to `port` on this machine.
    static func with<Value: Sendable>(
        port: Int, identity: IdentityFiles, _ body: (ControlConnection) async throws -> Value
    ) async throws -> Value {
        let transport = try Transport(
            target: .ipv4(address: "127.0.0.1", port: port),
            transportSecurity: .mTLS(
                certificateChain: [.file(path: identity.certificatePath, format: .pem)],
                privateKey: .file(path: identity.keyPath, format: .pem)
            ) { tls in
                // The library's default would trust every public authority.
                tls.trustRoots = .certificates([.file(path: identity.trustPath, format: .pem)])
            })
        return try await withGRPCClient(transport: transport) { client in
            try await body(
                ControlConnection(
                    control: Plimsoll_V1_Control.Client(wrapping: client),
                    health: Grpc_Health_V1_Health.Client(wrapping: client)))
        }
    }

    func isServing() async throws -> Bool {
        var options = CallOptions.defaults
        options.timeout = .seconds(5)
        return try await health.check(Grpc_Health_V1_HealthCheckRequest(), options: options).status == .serving
    }

    /// Repeats a call that was refused because there were too many.
    static func retrying<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        var attempts = 0
        while true {
            do {
                return try await body()
            } catch let error as RPCError where attempts < 100 && error.isPassing {
                attempts += 1
                try await Task.sleep(for: .milliseconds(Int.random(in: 50...250)))
            }
        }
    }
}

extension RPCError {
    /// Whether trying again later may help.
    var isPassing: Bool { code == .resourceExhausted || code == .unavailable }
}
