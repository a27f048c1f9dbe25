import FoundationEssentials
import GRPCNIOTransportHTTP2Posix
import Identity
import Logging
import NIOCertificateReloading

/// The coordinator's certificate, key and trust, checked before they are used and again at each reload.
struct ServerCredentials: Sendable {
    let trust: TrustBundle
    private let reloader: TimedCertificateReloader
    private let paths: GatewayConfiguration.Credentials
    private let logger: Logger

    /// Reads and checks the files. Throws `badCredentials`, saying which file and what to do.
    init(_ paths: GatewayConfiguration.Credentials, logger: Logger) throws(GatewayError) {
        self.paths = paths
        self.logger = logger
        let trust = try Self.reading(paths.trustPath) { try TrustBundle(pem: Self.text(of: paths.trustPath)) }
        self.trust = trust
        let configuration = TimedCertificateReloader.Configuration(
            refreshInterval: .seconds(86_400),
            certificateSource: .init(
                location: .memory { try Array(Self.checkedCertificate(paths, trust: trust).utf8) }, format: .pem),
            privateKeySource: .init(
                location: .memory { try Array(Self.checkedKey(paths).pem.utf8) }, format: .pem))
        do {
            reloader = try TimedCertificateReloader.makeReloaderValidatingSources(configuration: configuration)
        } catch {
            throw Self.refusal(error, paths.certificatePath)
        }
    }

    /// Mutual TLS with these credentials: private trust roots and no others, ALPN required.
    func transportSecurity() throws(GatewayError) -> HTTP2ServerTransport.Posix.TransportSecurity {
        do {
            return try .mTLS(certificateReloader: reloader) { tls in
                // The library's own default would let in a client certificate of any public authority.
                tls.trustRoots = .certificates([.bytes(Array(trust.pem.utf8), format: .pem)])
                tls.clientCertificateVerification = .noHostnameVerification
                tls.requireALPN = true
            }
        } catch {
            throw Self.refusal(error, paths.certificatePath)
        }
    }

    /// Reads certificate and key again; new connections use them. What cannot be used is refused, and the last good
    /// pair stays. Trust is read at the start only: rotate authorities by trusting both, then restart.
    func reload() throws(GatewayError) {
        do {
            try reloader.reload()
            logger.notice("certificate and key were read again")
        } catch {
            let refusal = Self.refusal(error, paths.certificatePath)
            logger.error("certificate and key stay as they were", metadata: ["error": "\(refusal.message)"])
            throw refusal
        }
    }

    // MARK: - Checks

    private static func checkedCertificate(
        _ paths: GatewayConfiguration.Credentials, trust: TrustBundle
    ) throws -> String {
        let pem = try reading(paths.certificatePath) { try text(of: paths.certificatePath) }
        let holder = try reading(paths.certificatePath) { try trust.verify(pem: pem, now: Date()) }
        guard holder.identity.role == .coordinator else {
            throw GatewayError(
                .badCredentials,
                "\(paths.certificatePath) is a certificate of role \(holder.identity.role.rawValue); "
                    + "a coordinator needs one of role coordinator: plimsoll cert issue")
        }
        let key = try checkedKey(paths)
        guard try reading(paths.certificatePath, { try key.matches(certificatePEM: pem) }) else {
            throw GatewayError(.badCredentials, "\(paths.certificatePath) is not for \(paths.keyPath)")
        }
        return pem
    }

    private static func checkedKey(_ paths: GatewayConfiguration.Credentials) throws -> KeyPair {
        try reading(paths.keyPath) { try KeyPair.load(from: URL(fileURLWithPath: paths.keyPath)) }
    }

    private static func text(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    private static func reading<Value>(_ path: String, _ body: () throws -> Value) throws(GatewayError) -> Value {
        do {
            return try body()
        } catch {
            throw refusal(error, path)
        }
    }

    private static func refusal(_ error: any Error, _ path: String) -> GatewayError {
        switch error {
        case let error as GatewayError: error
        case let error as IdentityError: GatewayError(.badCredentials, "\(path): \(error.message)", cause: error)
        default: GatewayError(.badCredentials, "\(path) cannot be used: \(error)", cause: error)
        }
    }
}
