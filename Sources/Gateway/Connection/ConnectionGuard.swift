import Identity
import NIOCore
import NIOSSL
import NIOTLS

/// Watches one accepted connection from the first byte to the last, and closes it hard when it outstays a limit.
///
/// The transport has no limit for handshakes, and its own timeouts end in a graceful close that waits for an answer,
/// for which a frozen peer lets it wait. Stands right after TLS, so what it sees read is deciphered; runs on the
/// connection's event loop alone.
final class ConnectionGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let times: GatewayConfiguration.Times
    private let trustDomain: String
    private let connections: OpenConnections
    private var admitted = false

    private var context: ChannelHandlerContext?
    /// The one time limit that runs now: handshake, first call, or idle.
    private var deadline: Scheduled<Void>?
    private var silence: RepeatedTask?
    private var heard = true
    private var calls = 0
    private var name: String?
    private var counted = false

    init(times: GatewayConfiguration.Times, trustDomain: String, connections: OpenConnections) {
        self.times = times
        self.trustDomain = trustDomain
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        admitted = connections.open(context.channel)
        counted = admitted
        guard admitted else { return }
        limit(to: times.handshake)
        // Two looks without a byte in between are the limit, give or take half.
        let half = TimeAmount(times.silence / 2)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        silence = context.eventLoop.scheduleRepeatedTask(initialDelay: half, delay: half) { _ in
            bound.value.closeIfSilent()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(context.channel) }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        // A connection too many is closed here and not where it is accepted: one that never becomes active would
        // never be let go of.
        if !admitted { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context.channel)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        heard = true
        // TLS hands out its own buffer of 32 KiB. HTTP/2's frame parser keeps what it is given while a stream is open,
        // so each connection held three of them for a few bytes; a copy of the right size frees two (96 KB a
        // connection).
        let bytes = unwrapInboundIn(data)
        var copy = context.channel.allocator.buffer(capacity: bytes.readableBytes)
        copy.writeImmutableBuffer(bytes)
        context.fireChannelRead(wrapInboundOut(copy))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { handshakeCompleted(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func closeIfSilent() {
        if heard { heard = false } else { context?.close(promise: nil) }
    }

    /// A call has begun on this connection.
    func callOpened(_ call: any Channel) {
        calls += 1
        deadline?.cancel()
        deadline = nil
        call.closeFuture.assumeIsolated().whenComplete { [weak self] _ in self?.callClosed() }
    }

    private func callClosed() {
        calls -= 1
        if calls == 0 { limit(to: times.idle) }
    }

    private func handshakeCompleted(_ context: ChannelHandlerContext) {
        connections.handshakeCompleted(context.channel)
        limit(to: times.hello)
        // A certificate that names nobody gets no further than the interceptor, which can say why. Here it only
        // means that there is nobody to count the connection for.
        guard let presented = try? context.pipeline.syncOperations.nioSSL_peerCertificate(),
            let der = try? presented.toDERBytes(),
            let holder = try? CertificateIdentity(der: der, trustDomain: trustDomain)
        else { return }
        guard connections.name(holder.identity.name) else {
            context.close(promise: nil)
            return
        }
        name = holder.identity.name
    }

    private func limit(to time: Duration) {
        deadline?.cancel()
        deadline = context?.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { [weak self] in
            self?.context?.close(promise: nil)
            return
        }
    }

    private func end(_ channel: any Channel) {
        context = nil
        deadline?.cancel()
        deadline = nil
        silence?.cancel()
        silence = nil
        guard counted else { return }
        counted = false
        connections.close(channel, name: name)
    }
}
