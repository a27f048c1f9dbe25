import Logging
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Keeps the listener alive when accepting fails, and lets it rest where trying again at once would be in vain.
///
/// Without it one error of `accept`, such as a process out of file descriptors, ends the whole server (P12).
final class ListenerGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = Never

    /// How long nothing is accepted after an error.
    static let rest = TimeAmount.milliseconds(200)

    private let logger: Logger
    private var resting = false
    private var readWanted = false

    init(logger: Logger) { self.logger = logger }

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
        if resting { readWanted = true } else { context.read() }
    }

    /// What `accept` may fail with while the listener stays good: accept(2), and the same five that the channel
    /// itself survives.
    private static let passing: Set<CInt> = [ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM]
}
