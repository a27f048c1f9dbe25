import Identity
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A TCP or TLS client that speaks bytes, for peers that do not behave.
///
/// In TLS 1.3 a client's handshake is over before the server has looked at its certificate, so a refusal shows only
/// in what comes afterwards: a server that accepts sends its HTTP/2 settings at once, one that refuses closes.
final class RawPeer: Sendable {
    private struct State {
        var bytes = [UInt8]()
        var closed = false
        var failed = false
    }

    private final class Listener: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let state: Shared
        init(_ state: Shared) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            state.mutex.withLock { $0.bytes += buffer.readableBytesView }
        }
        func channelInactive(context: ChannelHandlerContext) {
            state.mutex.withLock { $0.closed = true }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            state.mutex.withLock { $0.failed = true }
            context.close(promise: nil)
        }
    }

    private final class Shared: Sendable {
        let mutex = Mutex(State())
    }

    private let shared: Shared
    private let channel: any Channel

    private init(_ channel: any Channel, _ shared: Shared) {
        self.channel = channel
        self.shared = shared
    }

    /// Connects by TCP alone.
    static func plain(port: Int) async throws -> RawPeer { try await connect(port: port, tls: nil) }

    /// Connects and shakes hands, with a certificate or without, trusting the deployment's authority.
    static func tls(
        port: Int, deployment: Deployment, holder: Deployment.Holder?, protocols: [String] = ["h2"]
    ) async throws -> RawPeer {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(deployment.authority.certificatePEM.utf8)))
        tls.applicationProtocols = protocols
        if let holder {
            tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(holder.certificatePEM.utf8))
                .map { .certificate($0) }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(holder.keyPEM.utf8), format: .pem))
        }
        return try await connect(port: port, tls: try NIOSSLContext(configuration: tls))
    }

    private static func connect(port: Int, tls: NIOSSLContext?) async throws -> RawPeer {
        let shared = Shared()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
                    }
                    try pipeline.addHandler(Listener(shared))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawPeer(channel, shared)
    }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    func close() { channel.close(promise: nil) }

    var isClosed: Bool { shared.mutex.withLock { $0.closed } }
    /// What came, deciphered.
    var bytes: [UInt8] { shared.mutex.withLock { $0.bytes } }
}

/// HTTP/2 by hand (RFC 9113, RFC 7541): as much as opens one call.
enum RawHTTP2 {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(type: 4, flags: 0, stream: 0, [])

    /// The start of a call to a method, no message yet.
    static func call(_ path: String, stream: UInt8 = 1) -> [UInt8] {
        var block: [UInt8] = [0x83, 0x87]
        block += [0x04] + text(path)
        block += [0x01] + text("localhost")
        block += [0x0f, 0x10] + text("application/grpc")
        block += [0x00] + text("te") + text("trailers")
        return frame(type: 1, flags: 0x4, stream: stream, block)
    }

    /// One message of a call.
    static func message(_ bytes: [UInt8], stream: UInt8 = 1) -> [UInt8] {
        frame(type: 0, flags: 0, stream: stream, [0] + length(bytes.count, 4) + bytes)
    }

    private static func frame(type: UInt8, flags: UInt8, stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        length(payload.count, 3) + [type, flags, 0, 0, 0, stream] + payload
    }

    private static func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + text.utf8 }

    private static func length(_ count: Int, _ width: Int) -> [UInt8] {
        (0..<width).reversed().map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
    }
}
