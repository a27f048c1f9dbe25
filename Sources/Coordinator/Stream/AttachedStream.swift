import PlimsollModel

/// What a coordinator offers the gateway for the life of one work stream.
///
/// The gateway calls ``receive(_:)`` for each message that came in and writes every element of ``replies`` out, in
/// order. When the transport ends, for whatever reason, it calls ``detach()``; the leases then live until the stream's
/// time to live has run out, so that a worker can present them elsewhere.
public struct AttachedStream: Sendable {
    public var welcome: StreamWelcome
    /// Ends when the coordinator ends the stream; the reason is then in ``StreamEnd``.
    public var replies: AsyncThrowingStream<StreamReply, any Error>
    let onReceive: @Sendable (StreamRequest) -> Void
    let onDetach: @Sendable () -> Void

    /// Takes one message of the worker and counts as a life sign. Never waits.
    public func receive(_ request: StreamRequest) { onReceive(request) }

    /// A life sign and nothing else.
    public func heartbeat() { onReceive(StreamRequest()) }

    /// The transport has ended.
    public func detach() { onDetach() }
}

public struct StreamWelcome: Sendable {
    public var coordinator: String
    public var heartbeat: Duration
    public var streamTimeToLive: Duration
    /// Presented leases that stand.
    public var kept: [LeaseChange] = []
    /// Presented leases that are gone.
    public var lost: [Revocation] = []
    public var notifications: [Notification] = []
}

/// Why the coordinator ended a stream, or refused to open one.
public struct StreamEnd: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        /// No such person, or the role is not granted.
        case roleNotGranted
        case denied
        /// More than ``StreamLimits/streamsPerPersonMax``.
        case tooManyStreams
        /// The worker sent more than the limits allow, or does not read.
        case limitExceeded
        case noSuchProject
        /// Not a member now, or the database is away: try another coordinator.
        case notReady
        /// The same worker process has opened another.
        case superseded
        /// Graceful shutdown has ended.
        case drained
    }

    public var code: Code
    public var message: String
    public var description: String { message }

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
