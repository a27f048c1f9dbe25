import NIOCore
import NIOPosix
import NIOSSL

/// The certificate that whoever listens at an address shows in its handshake.
enum ServerCertificate {
    /// How long connecting and the handshake may take together, each.
    private static let within = TimeAmount.seconds(5)

    /// Asks for it and hangs up: it is looked at before anything is trusted, so that one that has ended can be told
    /// apart from a coordinator that is not there. DER bytes of the leaf. Throws where nobody answers by TLS.
    static func shown(at address: ServerAddress) async throws -> [UInt8] {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: tls)
        let isName = !address.isIPv4 && !address.host.contains(":")
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let leaf = loop.makePromise(of: [UInt8].self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop)
                .connectTimeout(within)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = try NIOSSLClientHandler(
                            context: context, serverHostname: isName ? address.host : nil,
                            customVerificationCallback: { chain, verdict in
                                leaf.completeWith(Result { try chain.first?.toDERBytes() ?? [] })
                                // Enough was seen; nothing is said over a connection that nobody has verified.
                                verdict.succeed(.failed)
                            })
                        try channel.pipeline.syncOperations.addHandlers([handler, Hangup(leaf)])
                    }
                }
                .connect(host: address.host, port: address.port).get()
        } catch {
            leaf.fail(error)
            throw error
        }
        let timer = loop.scheduleTask(in: within) { leaf.fail(ChannelError.connectTimeout(within)) }
        defer { timer.cancel() }
        let result: Result<[UInt8], any Error>
        do { result = .success(try await leaf.futureResult.get()) } catch { result = .failure(error) }
        // Closed by the handshake's end already, or now.
        channel.close(mode: .all, promise: nil)
        return try result.get()
    }

    /// Closes at the handshake's end, which is always a failure here.
    private final class Hangup: ChannelInboundHandler {
        typealias InboundIn = Never
        private let leaf: EventLoopPromise<[UInt8]>

        init(_ leaf: EventLoopPromise<[UInt8]>) { self.leaf = leaf }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // Without effect once the certificate was seen.
            leaf.fail(error)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { leaf.fail(ChannelError.eof) }
    }
}
