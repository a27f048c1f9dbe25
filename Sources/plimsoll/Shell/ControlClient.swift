import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import PlimsollProtocol
import SwiftProtobuf

/// A connection to one coordinator over mutual TLS, with what can be asked of it.
struct ControlClient: Sendable {
    typealias Transport = HTTP2ClientTransport.Posix

    let control: Plimsoll_V1_Control.Client<Transport>
    let workQueue: Plimsoll_V1_WorkQueue.Client<Transport>
    let audit: Plimsoll_V1_Audit.Client<Transport>
    let receipts: Plimsoll_V1_Receipts.Client<Transport>
    let organisation: Plimsoll_V1_Organisation.Client<Transport>
    let concerns: Plimsoll_V1_Concerns.Client<Transport>
    let exports: Plimsoll_V1_Exports.Client<Transport>
    let deployment: Plimsoll_V1_Deployment.Client<Transport>
    let person: Plimsoll_V1_Person.Client<Transport>
    let hours: Plimsoll_V1_Hours.Client<Transport>
    /// Where it answered.
    let address: ServerAddress
    /// As whom we ask.
    let me: CertificateIdentity

    /// How long one address may take to answer the first question.
    static let answerWithin = Duration.seconds(5)
    /// How long one command's call may take; streams have no such end.
    static let callWithin = Duration.seconds(60)

    static var callOptions: CallOptions {
        var options = CallOptions.defaults
        options.timeout = callWithin
        return options
    }

    /// Runs `body` with the first of the addresses that answers.
    ///
    /// Each is asked for its health first, so that a call with an effect is sent to one coordinator only.
    static func with<Result: Sendable>(
        _ addresses: [ServerAddress], identity: IdentityFiles, _ body: (ControlClient) async throws -> Result
    ) async throws -> Result {
        let content = try identity.load()
        try content.checkClock()
        var failures: [String] = []
        var last: (any Error)?
        for address in addresses {
            var reached = false
            do {
                return try await connect(address, identity, content) { client in
                    try await client.greet()
                    reached = true
                    return try await body(client)
                }
            } catch let error where !reached && Self.isWorthAnotherAddress(error) {
                failures.append("\(address): \(CommandFailure(error).message)")
                last = error
            }
        }
        throw CommandFailure(
            .failed, "no coordinator answers: " + failures.joined(separator: "; "),
            next: "see that one runs (`plimsoll up`, `plimsoll serve`) and that --server names it", cause: last)
    }

    private static func connect<Result: Sendable>(
        _ address: ServerAddress, _ identity: IdentityFiles, _ content: IdentityFiles.Content,
        _ body: (ControlClient) async throws -> Result
    ) async throws -> Result {
        let transport = try Transport(
            target: address.target,
            transportSecurity: .mTLS(
                certificateChain: [.file(path: identity.certificatePath, format: .pem)],
                privateKey: .file(path: identity.keyPath, format: .pem)
            ) { tls in
                // The library's default would trust every public authority.
                tls.trustRoots = .certificates([.file(path: identity.trustPath, format: .pem)])
            })
        return try await withGRPCClient(transport: transport) { grpc in
            try await body(ControlClient(grpc, address: address, me: content.certificate))
        }
    }

    private let health: Grpc_Health_V1_Health.Client<Transport>

    private init(_ grpc: GRPCClient<Transport>, address: ServerAddress, me: CertificateIdentity) {
        control = Plimsoll_V1_Control.Client(wrapping: grpc)
        workQueue = Plimsoll_V1_WorkQueue.Client(wrapping: grpc)
        audit = Plimsoll_V1_Audit.Client(wrapping: grpc)
        receipts = Plimsoll_V1_Receipts.Client(wrapping: grpc)
        health = Grpc_Health_V1_Health.Client(wrapping: grpc)
        organisation = Plimsoll_V1_Organisation.Client(wrapping: grpc)
        concerns = Plimsoll_V1_Concerns.Client(wrapping: grpc)
        exports = Plimsoll_V1_Exports.Client(wrapping: grpc)
        deployment = Plimsoll_V1_Deployment.Client(wrapping: grpc)
        person = Plimsoll_V1_Person.Client(wrapping: grpc)
        hours = Plimsoll_V1_Hours.Client(wrapping: grpc)
        self.address = address
        self.me = me
    }

    /// Any answer shows that somebody is there; whether the coordinator is ready, the call itself will say.
    private func greet() async throws {
        var options = CallOptions.defaults
        options.timeout = Self.answerWithin
        _ = try await health.check(Grpc_Health_V1_HealthCheckRequest(), options: options)
    }

    /// Whether the coordinator says that it serves.
    func isServing() async throws -> Bool {
        var options = CallOptions.defaults
        options.timeout = Self.answerWithin
        return try await health.check(Grpc_Health_V1_HealthCheckRequest(), options: options).status == .serving
    }

    private static func isWorthAnotherAddress(_ error: any Error) -> Bool {
        guard let error = error as? RPCError else { return false }
        return error.code == .unavailable || error.code == .deadlineExceeded
    }
}

extension ConnectionOptions {
    /// Runs `body` with a coordinator.
    func withCoordinator<Result: Sendable>(
        _ body: (ControlClient) async throws -> Result
    ) async throws -> Result {
        try await ControlClient.with(addresses(), identity: identityFiles(), body)
    }
}

extension IdentityFiles.Content {
    /// Says what a TLS alert would not: that the certificate's time is over.
    func checkClock(now: Date = Date()) throws {
        guard now > certificate.notAfter else { return }
        throw CommandFailure(
            .notAuthorized,
            "the certificate of \(certificate.identity.uri) ended at \(certificate.notAfter.ISO8601Format())",
            next: "ask an operator for a new token, then: plimsoll cert request NAME --token TOKEN")
    }
}
