import NIOCore

/// Watches one call (an HTTP/2 stream) and resets it when its peer takes nothing of what is sent for too long.
///
/// Without it a handler that waits for room to write, its status included, would wait as long as the connection
/// lives. Costs nothing while there is room.
final class CallGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let unread: TimeAmount
    private var deadline: Scheduled<Void>?

    init(unread: Duration) { self.unread = TimeAmount(unread) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        if !context.channel.isWritable {
            let channel = context.channel
            deadline = context.eventLoop.scheduleTask(in: unread) { channel.close(promise: nil) }
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
    }
}
