import Logging
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Keeps the listener alive when accepting fails, lets it rest where trying again at once would be in vain, and
/// accepts no faster than handshakes end.
///
/// Without it one error of `accept`, such as a process out of file descriptors, ends the whole server (P12). And where
/// thousands of workers come at once, as after a coordinator died, all their handshakes would run side by side and
/// end together, the first as late as the last; in turn, the first are at work while the others wait in the kernel.
final class ListenerGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = Never

    /// How long nothing is accepted after an error.
    static let rest = TimeAmount.milliseconds(200)
    /// Between two looks at the handshakes under way.
    static let look = TimeAmount.milliseconds(1)
    /// Then one round is accepted all the same: peers that say nothing keep nobody out.
    static let looksMax = 20

    private let connections: OpenConnections
    private let logger: Logger
    private var resting = false
    private var readWanted = false
    private var looks = 0

    init(connections: OpenConnections, logger: Logger) {
        self.connections = connections
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let failure = error as? IOError, Self.passing.contains(failure.errnoCode) else {
            context.fireErrorCaught(error)
            return
        }
        guard !resting else { return }
        resting = true
        logger.warning("a connection could not be accepted", metadata: ["error": "\(failure)"])
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.rest) {
            let (handler, context) = bound.value
            handler.resting = false
            guard handler.readWanted else { return }
            handler.readWanted = false
            context.read()
        }
    }

    func read(context: ChannelHandlerContext) {
        guard !resting else {
            readWanted = true
            return
        }
        guard looks < Self.looksMax, connections.areHandshakesFull else {
            looks = 0
            context.read()
            return
        }
        looks += 1
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.look) {
            let (handler, context) = bound.value
            handler.read(context: context)
        }
    }

    /// What `accept` may fail with while the listener stays good: accept(2), and the same five that the channel
    /// itself survives.
    private static let passing: Set<CInt> = [ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM]
}
