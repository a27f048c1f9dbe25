import GRPCNIOTransportHTTP2Posix
import Logging
import NIOCore
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Puts the guards into the channels that the transport makes.
struct ConnectionHooks: Sendable {
    let times: GatewayConfiguration.Times
    let trustDomain: String
    let connections: OpenConnections
    let logger: Logger

    var callbacks: HTTP2ServerTransport.Config.ChannelDebuggingCallbacks {
        HTTP2ServerTransport.Config.ChannelDebuggingCallbacks(
            onBindTCPListener: guardListener, onAcceptTCPConnection: guardConnection, onAcceptHTTP2Stream: guardCall)
    }

    @Sendable private func guardListener(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ListenerGuard(connections: connections, logger: logger))
        }
    }

    /// Never fails: an error here would reach the listener and end it.
    @Sendable private func guardConnection(_ channel: any Channel) -> EventLoopFuture<Void> {
        let guarded = channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let tls = try pipeline.handler(type: NIOSSLServerHandler.self)
            let handler = ConnectionGuard(times: times, trustDomain: trustDomain, connections: connections)
            try pipeline.addHandler(handler, position: .after(tls))
        }
        return guarded.flatMap { limitUnacknowledged(channel) }.flatMapError { error in
            logger.debug("a connection could not be guarded and is closed", metadata: ["error": "\(error)"])
            channel.eventLoop.execute { channel.close(promise: nil) }
            return channel.eventLoop.makeSucceededVoidFuture()
        }
    }

    /// The kernel's own limit for a peer that acknowledges nothing or keeps its window shut.
    private func limitUnacknowledged(_ channel: any Channel) -> EventLoopFuture<Void> {
        #if os(Linux)
            let option = ChannelOptions.Types.SocketOption(
                level: .tcp, name: NIOBSDSocket.Option(rawValue: CInt(TCP_USER_TIMEOUT)))
            let value = ChannelOptions.Types.SocketOption.Value(clamping: times.unacknowledged.wireMilliseconds)
            return channel.setOption(option, value: value)
        #else
            return channel.eventLoop.makeSucceededVoidFuture()
        #endif
    }

    @Sendable private func guardCall(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(CallGuard(unread: times.unread), position: .first)
            // The connection may be gone already; then so is its guard.
            try? channel.parent?.pipeline.syncOperations.handler(type: ConnectionGuard.self).callOpened(channel)
        }
    }
}
