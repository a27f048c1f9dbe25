import GRPCCore
import GRPCNIOTransportHTTP2Posix
public import Identity
public import NIOCore
public import NIOPosix
public import PlimsollProtocol
import SwiftProtobuf

/// One connection to one coordinator over mutual TLS, as one identity.
///
/// Any number of streams and calls of that identity share it. A process with many identities makes one each: they
/// share the event loops, so a connection costs a socket, its TLS state and a few tasks, no thread. It connects when
/// it is first used, and lives while `run()` runs.
public struct WorkConnection: Sendable {
    /// Where it goes.
    public let address: CoordinatorAddress
    let client: Plimsoll_V1_WorkQueue.Client<HTTP2ClientTransport.Posix>
    private let connection: GRPCClient<HTTP2ClientTransport.Posix>

    /// Settings of a connection.
    public struct Options: Sendable {
        /// How often the transport asks whether a silent other end lives, at least 10 s. Nil: never. A coordinator must
        /// allow as much (ours does from 5 s on), or it ends the connection.
        public var keepalive: Duration?
        /// How long the answer to that may take.
        public var keepaliveTimeout: Duration
        /// Whether small writes wait up to 100 microseconds for others to share a system call with.
        public var coalescesWrites: Bool
        /// The largest message taken from a coordinator, in bytes: 64 leases of 256 KiB payload and their frames.
        public var messageBytesMax: Int

        public init(
            keepalive: Duration? = .seconds(10), keepaliveTimeout: Duration = .seconds(5),
            coalescesWrites: Bool = true,
            messageBytesMax: Int = 24 * 1024 * 1024
        ) {
            self.keepalive = keepalive
            self.keepaliveTimeout = keepaliveTimeout
            self.coalescesWrites = coalescesWrites
            self.messageBytesMax = messageBytesMax
        }

        public static var defaults: Self { Self() }
    }

    /// How long a connection without streams stays open.
    static let idleTime = Duration.seconds(30 * 60)
    /// How long the transport itself waits before it connects anew for a stream that waits. Longer waits, over several
    /// coordinators, are the session's business.
    static let transportBackoff = HTTP2ClientTransport.Config.Backoff(
        initial: .milliseconds(200), max: .seconds(2), multiplier: 1.6, jitter: 0.5)

    /// Prepares a connection; nothing is sent yet.
    ///
    /// The coordinator's certificate is verified in full against the identity's own authorities and the address, never
    /// against public ones. Throws `badIdentity` for files that TLS does not take.
    public init(
        to address: CoordinatorAddress,
        as identity: IdentityFiles.Content,
        options: Options = .defaults,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) throws(WorkerError) {
        var config = HTTP2ClientTransport.Posix.Config.defaults
        config.backoff = Self.transportBackoff
        config.connection.maxIdleTime = Self.idleTime
        config.connection.keepalive = options.keepalive.map {
            .init(time: $0, timeout: options.keepaliveTimeout, allowWithoutCalls: false)
        }
        if !options.coalescesWrites { config.connection.flushCoalescing = nil }
        do {
            let transport = try HTTP2ClientTransport.Posix(
                target: address.target,
                transportSecurity: .mTLS(
                    certificateChain: PEMBlocks.certificates(in: identity.certificatePEM),
                    privateKey: .bytes(Array(identity.key.pem.utf8), format: .pem)
                ) { tls in
                    // The library's default would trust every public authority.
                    tls.trustRoots = .certificates(PEMBlocks.certificates(in: identity.trust.pem))
                    tls.serverCertificateVerification = .fullVerification
                },
                config: config,
                serviceConfig: Self.serviceConfig(messageBytesMax: options.messageBytesMax),
                eventLoopGroup: eventLoopGroup)
            connection = GRPCClient(transport: transport)
        } catch {
            throw WorkerError(.badIdentity, "this identity cannot be used for TLS: \(error)", cause: error)
        }
        client = Plimsoll_V1_WorkQueue.Client(wrapping: connection)
        self.address = address
    }

    /// Runs the connection until `close()` and the end of the last stream. Cancelling cuts it at once.
    public func run() async throws { try await connection.runConnections() }

    /// Takes no new streams; the connection ends with the last one that is open.
    public func close() { connection.beginGracefulShutdown() }

    /// Opens the work stream, sends `hello` as the first message and runs `body` with it; the stream ends with `body`.
    ///
    /// The first message that arrives is the welcome. Waits for the connection without a limit of its own: who needs
    /// one cancels. Throws `WorkerError` for what the coordinator or the transport refuse, else what `body` throws.
    public func withStream<Value: Sendable>(
        hello: Plimsoll_V1_Hello,
        _ body: @Sendable @escaping (WorkStream) async throws -> Value
    ) async throws -> Value {
        let handover = Handover()
        let request = StreamingClientRequest(of: Plimsoll_V1_WorkerMessage.self) { writer in
            try await writer.write(.with { $0.hello = hello })
            await handover.give(writer)
        }
        do {
            return try await client.work(request: request) { response in
                let stream = WorkStream(
                    writer: try await handover.writer(), messages: response.messages, handover: handover)
                return try await body(stream)
            }
        } catch let error as RPCError {
            throw WorkerError(rpc: error)
        }
    }

    private static func serviceConfig(messageBytesMax: Int) -> ServiceConfig {
        let method = MethodConfig(
            names: [MethodConfig.Name(service: "")], maxRequestMessageBytes: messageBytesMax,
            maxResponseMessageBytes: messageBytesMax)
        return ServiceConfig(methodConfig: [method])
    }
}

/// PEM text that may hold several certificates, as the transport wants it: one source a certificate.
enum PEMBlocks {
    private static let end = "-----END CERTIFICATE-----"

    static func certificates(in text: String) -> [TLSConfig.CertificateSource] {
        text.split(separator: end, omittingEmptySubsequences: true)
            .filter { $0.contains("-----BEGIN CERTIFICATE-----") }
            .map { .bytes(Array(($0 + end + "\n").utf8), format: .pem) }
    }
}
