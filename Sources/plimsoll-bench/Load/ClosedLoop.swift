import Foundation
import GRPCCore
import PlimsollProtocol
import Synchronization
import WorkerKit

/// Workers that always want more: a batch of leases comes, all of it is answered in one message that asks for the next.
final class ClosedLoop: Fleet.Member {
    private let batch: Int
    private let fleet: @Sendable (Int, WorkStream?) -> Void
    private let stopping = Atomic<Bool>(false)
    private let accepted = Atomic<Int>(0)
    private let leased = Atomic<Int>(0)
    private let messages = Atomic<Int>(0)
    private let other = Atomic<Int>(0)
    private let idle = Atomic<Int>(0)
    private let busy = Atomic<Int>(0)
    /// Streams that were told that nothing is there, and when to ask again.
    private let waiting = Mutex<[(at: UInt64, stream: WorkStream)]>([])
    private let idleReason = Mutex("")

    /// `batch` items a message, 1 to 64; `note` is told of each stream's welcome and end.
    init(batch: Int, note: @Sendable @escaping (Int, WorkStream?) -> Void) {
        self.batch = batch
        fleet = note
    }

    /// Labels whose ack has arrived.
    var labels: Int { accepted.load(ordering: .relaxed) }
    var leases: Int { leased.load(ordering: .relaxed) }
    var received: Int { messages.load(ordering: .relaxed) }
    /// Settlements other than accepted, and revoked leases.
    var refusals: Int { other.load(ordering: .relaxed) }
    var idles: Int { idle.load(ordering: .relaxed) }
    var lastIdle: String { idleReason.withLock { $0 } }

    func held(_ index: Int) -> [Plimsoll_V1_LeaseReference] { [] }

    func work(_ index: Int, _ stream: WorkStream) async throws {
        var held: [Plimsoll_V1_Submit] = []
        held.reserveCapacity(batch)
        var wanted = 0
        var unsettled = 0
        var want = Plimsoll_V1_WorkerMessage()
        want.want = UInt32(batch)
        busy.add(1, ordering: .relaxed)
        defer { busy.subtract(1, ordering: .relaxed) }
        for try await message in stream.messages {
            messages.add(1, ordering: .relaxed)
            if message.hasWelcome {
                fleet(index, stream)
                wanted = batch
                try await stream.send(want)
                continue
            }
            let settlements = message.settlements
            if !settlements.isEmpty {
                let good = settlements.count { $0.outcome == .accepted }
                accepted.add(good, ordering: .relaxed)
                if good < settlements.count { other.add(settlements.count - good, ordering: .relaxed) }
                unsettled -= settlements.count
            }
            let leases = message.leases
            if !leases.isEmpty {
                leased.add(leases.count, ordering: .relaxed)
                wanted -= leases.count
                for lease in leases {
                    var submit = Plimsoll_V1_Submit()
                    submit.task = lease.task
                    submit.fence = lease.fence
                    submit.answer = BenchTasks.answer
                    held.append(submit)
                }
            }
            let revokes = message.revokes
            if !revokes.isEmpty {
                other.add(revokes.count, ordering: .relaxed)
                held.removeAll { submit in revokes.contains { $0.fence == submit.fence } }
            }
            let isStopping = stopping.load(ordering: .relaxed)
            if message.hasIdle {
                wanted = 0
                idle.add(1, ordering: .relaxed)
                idleReason.withLock { $0 = "\(message.idle.reason) \(message.idle.refusal.rule)" }
                if held.isEmpty, !isStopping {
                    wanted = batch
                    let at = Moment.now + UInt64(message.idle.askAgainMilliseconds) * 1_000_000
                    waiting.withLock { $0.append((at, stream)) }
                }
            }
            if !held.isEmpty, held.count >= batch || wanted == 0 || isStopping {
                var answer = Plimsoll_V1_WorkerMessage()
                answer.submits = held
                if !isStopping {
                    answer.want = UInt32(held.count)
                    wanted += held.count
                }
                unsettled += held.count
                held.removeAll(keepingCapacity: true)
                try await stream.send(answer)
            }
            if isStopping, unsettled == 0, wanted == 0 { break }
        }
        fleet(index, nil)
    }

    /// Asks again for streams that were idle; to be run beside the fleet.
    func askAgain() async throws {
        var want = Plimsoll_V1_WorkerMessage()
        want.want = UInt32(batch)
        while true {
            try await Task.sleep(for: .milliseconds(20))
            let now = Moment.now
            let due = waiting.withLock { waiting in
                let due = waiting.filter { $0.at <= now }
                waiting.removeAll { $0.at <= now }
                return due
            }
            // A stream that has ended is found out by its own task.
            for one in due { try? await one.stream.send(want) }
        }
    }

    /// No new wants; returns when everything held is answered, or after `limit`.
    func drain(within limit: Duration) async throws {
        stopping.store(true, ordering: .relaxed)
        let deadline = Moment.now + limit.nanoseconds
        while busy.load(ordering: .relaxed) > 0, Moment.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
