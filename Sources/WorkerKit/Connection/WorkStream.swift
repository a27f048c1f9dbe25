public import GRPCCore
public import PlimsollProtocol
import Synchronization

/// An open work stream, message by message; for programs that do their own bookkeeping.
///
/// Sending and receiving may go on at the same time, from two tasks; `messages` may be iterated once. No heartbeat is
/// sent for the caller: who holds a stream sends one every `welcome.heartbeat_seconds`.
public struct WorkStream: Sendable {
    private let writer: RPCWriter<Plimsoll_V1_WorkerMessage>
    private let handover: Handover

    /// What the coordinator sends, the welcome first. Ends with the stream, throws `RPCError` where it failed.
    public let messages: RPCAsyncSequence<Plimsoll_V1_CoordinatorMessage, any Error>

    init(
        writer: RPCWriter<Plimsoll_V1_WorkerMessage>,
        messages: RPCAsyncSequence<Plimsoll_V1_CoordinatorMessage, any Error>, handover: Handover
    ) {
        self.writer = writer
        self.messages = messages
        self.handover = handover
    }

    /// Sends one message; returns when the transport has taken it, which is its back-pressure.
    public func send(_ message: Plimsoll_V1_WorkerMessage) async throws { try await writer.write(message) }

    /// Half-closes: nothing more is sent, what the coordinator still says is received.
    public func finish() { handover.finish() }
}

/// Brings the writer from the request's producer, which must not return before the stream is finished, to the place
/// where the responses are read.
final class Handover: Sendable {
    private let writers = AsyncStream.makeStream(of: RPCWriter<Plimsoll_V1_WorkerMessage>.self)
    private let end = AsyncStream.makeStream(of: Never.self)

    /// Called by the producer: hands the writer over and waits for the finish, or for the end of the stream.
    func give(_ writer: RPCWriter<Plimsoll_V1_WorkerMessage>) async {
        writers.continuation.yield(writer)
        writers.continuation.finish()
        for await _ in end.stream {}
    }

    /// The writer, as soon as the first message is out. Throws `closed` when the stream ended before.
    func writer() async throws -> RPCWriter<Plimsoll_V1_WorkerMessage> {
        for await writer in writers.stream { return writer }
        throw WorkerError(.closed, "the stream ended before anything was sent")
    }

    func finish() { end.continuation.finish() }
}
