import GRPCCore
import NIOCore
import PlimsollProtocol
import Synchronization
import WorkerKit

/// Many engineers, each with a connection, a certificate and a work stream of their own, in this process on shared
/// event loops.
final class Fleet: Sendable {
    /// What a fleet needs to know.
    struct Plan: Sendable {
        var engineers: [Engineer]
        /// Tried in turn when a connection is lost.
        var ports: [Int]
        var project: String
        /// In flight at most, per stream: room for the answers under way and for the leases that they ask for.
        var inFlight: UInt32 = 64
        /// Over how long they connect, evenly.
        var ramp = Duration.zero
        /// Whether lost streams come back, as a worker's do; else the fleet fails.
        var reconnects = false
        /// Longest wait before a stream is tried again.
        var backoff = Duration.seconds(2)
    }

    /// What one stream does, from its hello to its end.
    protocol Member: Sendable {
        /// Leases held from an earlier stream, to present.
        func held(_ index: Int) -> [Plimsoll_V1_LeaseReference]
        func work(_ index: Int, _ stream: WorkStream) async throws
    }

    let plan: Plan
    private let group: any EventLoopGroup
    private let streams: Mutex<[WorkStream?]>
    /// The first of the numbers that name these workers' processes.
    private let sessions = UInt64.random(in: 1..<UInt64.max / 2)
    private let state = Mutex(State())

    private struct State {
        var isStopping = false
        var lost = 0
        var refused = 0
        var lastError = ""
    }

    /// How often a worker shows that it lives, and in how many steps a round over all of them is sent.
    private static let heartbeat = Duration.seconds(5)
    private static let heartbeatSteps = 100

    init(_ plan: Plan, on group: any EventLoopGroup) {
        self.plan = plan
        self.group = group
        streams = Mutex(Array(repeating: nil, count: plan.engineers.count))
    }

    /// Streams that were welcomed and are open.
    var connected: Int { streams.withLock { $0.count { $0 != nil } } }
    /// Streams that broke after their welcome, and attempts that never got one.
    var lost: Int { state.withLock { $0.lost } }
    var refused: Int { state.withLock { $0.refused } }
    var lastError: String { state.withLock { $0.lastError } }
    var isStopping: Bool { state.withLock { $0.isStopping } }

    func stream(_ index: Int) -> WorkStream? { streams.withLock { $0[index] } }
    /// To be called by the member with its welcome, and with nil at its end.
    func note(_ index: Int, _ stream: WorkStream?) { streams.withLock { $0[index] = stream } }

    /// Runs all streams while `body` runs; then cuts what is left of them.
    func run<Value: Sendable>(
        _ member: some Member, _ body: @Sendable @escaping () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { tasks in
            defer { tasks.cancelAll() }
            for index in plan.engineers.indices {
                tasks.addTask {
                    try await self.keep(index, member)
                    return nil
                }
            }
            tasks.addTask {
                try await self.sendHeartbeats()
                return nil
            }
            tasks.addTask {
                let value = try await body()
                self.state.withLock { $0.isStopping = true }
                return value
            }
            while let finished = try await tasks.next() {
                if let finished { return finished }
            }
            throw CancellationError()
        }
    }

    /// Waits until everybody was welcomed; gives false after `limit`.
    func waitUntilConnected(_ count: Int? = nil, within limit: Duration) async throws -> Bool {
        let wanted = count ?? plan.engineers.count
        let deadline = Moment.now + limit.nanoseconds
        while connected < wanted {
            if Moment.now > deadline { return false }
            try await Task.sleep(for: .milliseconds(10))
        }
        return true
    }

    private func keep(_ index: Int, _ member: some Member) async throws {
        let delay = plan.ramp * (Double(index) / Double(max(1, plan.engineers.count)))
        if delay > .zero { try await Task.sleep(for: delay) }
        var attempt = 0
        while !Task.isCancelled {
            do {
                try await open(index, port: plan.ports[attempt % plan.ports.count], member)
                return
            } catch {
                let wasOpen = stream(index) != nil
                note(index, nil)
                if Task.isCancelled || isStopping { return }
                state.withLock {
                    if wasOpen { $0.lost += 1 } else { $0.refused += 1 }
                    $0.lastError = "\(error)"
                }
                guard plan.reconnects else { throw error }
                attempt += 1
                try await Task.sleep(for: plan.backoff * Double.random(in: 0...1))
            }
        }
    }

    private func open(_ index: Int, port: Int, _ member: some Member) async throws {
        let connection = try WorkConnection(
            to: CoordinatorAddress("127.0.0.1:\(port)"), as: plan.engineers[index].identity, eventLoopGroup: group)
        var hello = Plimsoll_V1_Hello()
        hello.revision = 1
        hello.clientVersion = "plimsoll-bench"
        hello.inFlight = plan.inFlight
        hello.project = plan.project
        hello.held = member.held(index)
        hello.session = sessions + UInt64(index)
        let greeting = hello
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                // Where the connection fails, the stream says so.
                try? await connection.run()
            }
            defer { tasks.cancelAll() }
            try await connection.withStream(hello: greeting) { try await member.work(index, $0) }
            connection.close()
        }
    }

    private func sendHeartbeats() async throws {
        var message = Plimsoll_V1_WorkerMessage()
        message.heartbeat = true
        let share = max(1, (plan.engineers.count + Self.heartbeatSteps - 1) / Self.heartbeatSteps)
        let step = Self.heartbeat / Self.heartbeatSteps
        var next = 0
        while !Task.isCancelled {
            try await Task.sleep(for: step)
            for _ in 0..<share {
                if next >= plan.engineers.count {
                    next = 0
                    if plan.engineers.count < Self.heartbeatSteps { break }
                }
                // A stream that has just ended is found out by its own task.
                if let stream = stream(next) { try? await stream.send(message) }
                next += 1
            }
        }
    }
}
