import Foundation
import GRPCCore
import PlimsollProtocol
import SwiftProtobuf
import Synchronization
import WorkerKit

/// One work stream in a test's own hands: what arrives is kept, with the moment at which it came.
final class TestStream: Sendable {
    struct Arrived: Sendable {
        let at: ContinuousClock.Instant
        let message: Plimsoll_V1_CoordinatorMessage
    }

    private let stream: WorkStream
    private let arrived = Mutex<[Arrived]>([])
    private let seen = Mutex(0)

    private init(_ stream: WorkStream) { self.stream = stream }

    /// Runs `body` with a stream of one engineer; heartbeats are sent meanwhile.
    static func with<R: Sendable>(
        _ system: LiveSystem, _ engineer: String, at index: Int, project: String, inFlight: Int = 1,
        _ body: @Sendable @escaping (TestStream) async throws -> R
    ) async throws -> R {
        let hello = Plimsoll_V1_Hello.with {
            $0.revision = 1
            $0.clientVersion = "test/1"
            $0.inFlight = UInt32(inFlight)
            $0.project = project
        }
        return try await system.withConnection(engineer, at: index) { connection in
            try await connection.withStream(hello: hello) { stream in
                let me = TestStream(stream)
                return try await withThrowingTaskGroup(of: R?.self) { group in
                    group.addTask {
                        try await me.listen()
                        return nil
                    }
                    group.addTask {
                        try await me.beat()
                        return nil
                    }
                    group.addTask {
                        _ = try await me.next { $0.hasWelcome ? true : nil }
                        return try await body(me)
                    }
                    defer {
                        stream.finish()
                        group.cancelAll()
                    }
                    while let result = try await group.next() {
                        if let result { return result }
                    }
                    throw SystemFailure("the stream of \(engineer) ended")
                }
            }
        }
    }

    private func listen() async throws {
        for try await message in stream.messages {
            arrived.withLock { $0.append(Arrived(at: .now, message: message)) }
        }
        throw SystemFailure("the coordinator ended the stream")
    }

    private func beat() async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: .seconds(1))
            try await stream.send(.with { $0.heartbeat = true })
        }
    }

    func send(_ message: Plimsoll_V1_WorkerMessage) async throws { try await stream.send(message) }

    /// Answers a lease and waits for what becomes of the answer.
    func submit(_ lease: Plimsoll_V1_Lease, _ answer: String) async throws -> Plimsoll_V1_Settlement {
        try await send(
            .with {
                $0.submits = [
                    .with {
                        $0.task = lease.task
                        $0.fence = lease.fence
                        $0.answer = Data(answer.utf8)
                    }
                ]
            })
        return try await next { $0.settlements.first { $0.task == lease.task } }
    }

    /// Everything that has come.
    var messages: [Arrived] { arrived.withLock { $0 } }

    /// The first thing that `look` finds in messages not looked at before.
    func next<T: Sendable>(
        within budget: Duration = .seconds(20), _ look: (Plimsoll_V1_CoordinatorMessage) -> T?
    ) async throws -> T {
        let deadline = ContinuousClock.now + budget
        while true {
            let all = messages
            var found: T?
            seen.withLock { seen in
                while seen < all.count, found == nil {
                    found = look(all[seen].message)
                    seen += 1
                }
            }
            if let found { return found }
            guard ContinuousClock.now < deadline else {
                throw SystemFailure("nothing as expected came in \(budget); the last: \(all.suffix(2).map(\.message))")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
