import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import Logging
import TestSupport
import Testing

@testable import Gateway

/// The tests over real connections, one at a time: their time limits are too short for many at once.
@Suite(.serialized) struct OverTLS {}

/// An authority and certificates in a directory of their own, made for one test and removed after it.
struct Deployment: Sendable {
    static let trustDomain = "gateway.test"

    let directory: URL
    let authority: CertificateAuthority
    let bad: BadCertificates

    init() throws {
        directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("plimsoll-gateway-\(UInt64.random(in: .min ... .max))")
        let place = directory.appendingPathComponent("ca")
        authority = try CertificateAuthority.create(trustDomain: Self.trustDomain, in: place, now: Date())
        bad = try BadCertificates(authorityDirectory: place, now: Date())
        try storeServer()
    }

    func remove() { try? FileManager.default.removeItem(at: directory) }

    /// A key and a certificate in memory.
    struct Holder: Sendable {
        var certificatePEM: String
        var keyPEM: String
        var serial = ""
    }

    func issue(
        _ identity: PeerIdentity, validity: Duration = .seconds(3600), dnsNames: [String] = [],
        ipAddresses: [String] = []
    ) throws -> Holder {
        let key = KeyPair()
        let issued = try authority.issue(
            request: key.request(for: identity), as: identity, validity: validity, dnsNames: dnsNames,
            ipAddresses: ipAddresses, now: Date())
        return Holder(certificatePEM: issued.pem, keyPEM: key.pem, serial: issued.serial)
    }

    func engineer(_ name: String = "ada", worker: String = "w1") throws -> Holder {
        try issue(.engineer(name, worker: worker, trustDomain: Self.trustDomain))
    }

    /// Puts a fresh certificate of the coordinator in place; its serial.
    @discardableResult
    func storeServer() throws -> String {
        let identity = try PeerIdentity.coordinator("c1", trustDomain: Self.trustDomain)
        let key = KeyPair()
        let issued = try authority.issue(
            request: key.request(for: identity), as: identity, dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"],
            now: Date())
        try IdentityFiles(directory: directory.appendingPathComponent("server")).store(issued, key: key)
        return issued.serial
    }

    /// A client of a gateway on this port, whose connection lives as long as `body`.
    func withClient<Result: Sendable>(
        _ holder: Holder, at port: Int,
        _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Result
    ) async throws -> Result {
        let transport = try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port),
            transportSecurity: .mTLS(
                certificateChain: [.bytes(Array(holder.certificatePEM.utf8), format: .pem)],
                privateKey: .bytes(Array(holder.keyPEM.utf8), format: .pem)
            ) { tls in
                tls.trustRoots = .certificates([
                    .bytes(Array(authority.certificatePEM.utf8), format: .pem)
                ])
            },
            config: .defaults { $0.http2.authority = "localhost" })
        return try await withGRPCClient(transport: transport) { try await body($0) }
    }

    /// The same as this person in this role, with a certificate of its own.
    func withClient<Result: Sendable>(
        _ name: String, _ role: Role, at port: Int,
        _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Result
    ) async throws -> Result {
        let holder = try issue(
            PeerIdentity(
                role: role, name: name, worker: role == .engineer ? "w1" : nil, trustDomain: Self.trustDomain))
        return try await withClient(holder, at: port, body)
    }

    var configuration: GatewayConfiguration {
        let files = IdentityFiles(directory: directory.appendingPathComponent("server"))
        var configuration = GatewayConfiguration(
            bind: .init(port: 0),
            credentials: .init(
                certificatePath: files.certificatePath, keyPath: files.keyPath, trustPath: files.trustPath))
        configuration.times.drain = .seconds(2)
        configuration.times.quiesce = .seconds(2)
        configuration.times.healthRefresh = .milliseconds(20)
        return configuration
    }
}

/// A gateway that runs on a port of its own, over dispatch and desk of the test.
struct RunningGateway: Sendable {
    let deployment: Deployment
    let server: GatewayServer
    let dispatch: TestDispatch
    let desk: TestDesk
    let port: Int

    /// A client whose connection lives as long as `body`.
    func withClient<Result: Sendable>(
        _ holder: Deployment.Holder,
        _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Result
    ) async throws -> Result {
        try await deployment.withClient(holder, at: port, body)
    }
}

/// Runs a gateway for the length of `body`, and cleans up whatever happens.
@discardableResult
func withGateway<Result: Sendable>(
    services: [any RegistrableRPCService] = [], _ configure: (inout GatewayConfiguration) -> Void = { _ in },
    _ body: @Sendable @escaping (RunningGateway) async throws -> Result
) async throws -> Result {
    let deployment = try Deployment()
    defer { deployment.remove() }
    var configuration = deployment.configuration
    configure(&configuration)
    let dispatch = TestDispatch()
    let desk = TestDesk()
    var logger = Logger(label: "gateway-test", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = .error
    let server = try GatewayServer(
        configuration: configuration, dispatch: dispatch, desk: desk, services: services, logger: logger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await server.run() }
        let port = try await server.port
        return try await body(
            RunningGateway(deployment: deployment, server: server, dispatch: dispatch, desk: desk, port: port))
    }
}

/// Tries until `condition` holds or the budget is used up; whether it held.
func eventually(
    within budget: Duration = .seconds(60), _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let end = ContinuousClock.now + budget
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}

/// The status that a call ends with; nil: it did not fail.
func failure<Result>(_ call: () async throws -> Result) async throws -> RPCError? {
    do {
        _ = try await call()
        return nil
    } catch let error as RPCError {
        return error
    }
}
