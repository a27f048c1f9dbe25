import Foundation
import GRPCCore
import Histogram
import PlimsollProtocol
import Synchronization
import WorkerKit

/// Wants and answers at a fixed rate whatever the coordinator does, spread over all workers in turn. Latency counts
/// from the moment a want was meant to be sent, so a slow coordinator cannot hide its queue (coordinated omission).
final class OpenLoop: Fleet.Member {
    /// A lease in a worker's hands.
    private struct Held {
        let task: Int64
        let fence: Int64
        var isAnswered = false
    }

    private final class Worker: Sendable {
        let state = Mutex(WorkerState())
    }

    private struct WorkerState {
        var stream: WorkStream?
        /// When each open want was meant to be sent.
        var asked: [UInt64] = []
        var held: [Held] = []
    }

    /// What was seen since `reset`.
    struct Seen: Sendable {
        var latency = Histogram<UInt64>(highestTrackableValue: 600_000_000_000, numberOfSignificantValueDigits: .three)
        var offered = 0
        var leases = 0
        var labels = 0
        /// Wants that were answered by an idle or lost with a stream.
        var unserved = 0
        var otherSettlements = 0
        /// Leases for each whole second since `reset`.
        var leasesBySecond: [Int] = []
        var firstLeaseAfter: UInt64?
        var since = Moment.now
    }

    private let workers: [Worker]
    private let note: @Sendable (Int, WorkStream?) -> Void
    private let perSecond: Double
    private let seen = Mutex(Seen())
    private let answers = Mutex<[(worker: Int, fence: Int64)]>([])
    private let acked = Mutex<[Int64]>([])
    private let keepsAcked: Bool

    /// `perSecond` wants and as many answers a second. With `keepsAcked` the tasks of accepted answers are kept.
    init(
        workers: Int, perSecond: Double, keepsAcked: Bool = false,
        note: @Sendable @escaping (Int, WorkStream?) -> Void
    ) {
        self.workers = (0..<workers).map { _ in Worker() }
        self.perSecond = perSecond
        self.keepsAcked = keepsAcked
        self.note = note
    }

    /// Begins to count anew.
    func reset() { seen.withLock { $0 = Seen() } }
    var soFar: Seen { seen.withLock { $0 } }
    var ackedTasks: [Int64] { acked.withLock { $0 } }

    func held(_ index: Int) -> [Plimsoll_V1_LeaseReference] {
        workers[index].state.withLock { state in
            state.held.prefix(64).map { held in
                var reference = Plimsoll_V1_LeaseReference()
                reference.task = held.task
                reference.fence = held.fence
                return reference
            }
        }
    }

    func work(_ index: Int, _ stream: WorkStream) async throws {
        let worker = workers[index]
        defer {
            let lost = worker.state.withLock { state in
                defer { state.asked = [] }
                state.stream = nil
                return state.asked.count
            }
            if lost > 0 { seen.withLock { $0.unserved += lost } }
        }
        for try await message in stream.messages {
            let now = Moment.now
            if message.hasWelcome { welcome(index, worker, stream, message.welcome) }
            if !message.leases.isEmpty { take(index, worker, message.leases, at: now) }
            if !message.settlements.isEmpty { settle(worker, message.settlements) }
            if !message.revokes.isEmpty {
                let fences = Set(message.revokes.map(\.fence))
                worker.state.withLock { $0.held.removeAll { fences.contains($0.fence) } }
            }
            if message.hasIdle {
                let count = worker.state.withLock { state in
                    defer { state.asked = [] }
                    return state.asked.count
                }
                seen.withLock { $0.unserved += count }
            }
        }
        // The coordinator has ended the stream in order; a worker comes back.
        throw BenchError(.coordinator, "the stream ended")
    }

    private func welcome(_ index: Int, _ worker: Worker, _ stream: WorkStream, _ welcome: Plimsoll_V1_Welcome) {
        let again = worker.state.withLock { state in
            state.stream = stream
            // What was answered on the lost stream is answered again: the same answer gets the same ack.
            let answered = Set(state.held.filter(\.isAnswered).map(\.fence))
            let lost = Set(welcome.lost.map(\.fence)).subtracting(answered)
            state.held.removeAll { lost.contains($0.fence) }
            return state.held.map(\.fence)
        }
        note(index, stream)
        if !again.isEmpty { answers.withLock { $0 += again.map { (index, $0) } } }
    }

    private func take(_ index: Int, _ worker: Worker, _ leases: [Plimsoll_V1_Lease], at now: UInt64) {
        let times = worker.state.withLock { state in
            state.held += leases.map { Held(task: $0.task, fence: $0.fence) }
            let times = state.asked.prefix(leases.count)
            state.asked.removeFirst(times.count)
            return times
        }
        answers.withLock { $0 += leases.map { (index, $0.fence) } }
        seen.withLock { seen in
            seen.leases += leases.count
            if seen.firstLeaseAfter == nil { seen.firstLeaseAfter = now &- seen.since }
            let second = Int((now &- seen.since) / 1_000_000_000)
            if second < 100_000 {
                while seen.leasesBySecond.count <= second { seen.leasesBySecond.append(0) }
                seen.leasesBySecond[second] += leases.count
            }
            for time in times where time >= seen.since { seen.latency.record(now &- time) }
        }
    }

    private func settle(_ worker: Worker, _ settlements: [Plimsoll_V1_Settlement]) {
        var good = 0
        var ended: Set<Int64> = []
        for settlement in settlements {
            if settlement.outcome == .accepted { good += 1 }
            if settlement.outcome != .tryAgain { ended.insert(settlement.fence) }
        }
        worker.state.withLock { $0.held.removeAll { ended.contains($0.fence) } }
        if keepsAcked { acked.withLock { $0 += settlements.filter { $0.outcome == .accepted }.map(\.task) } }
        seen.withLock { seen in
            seen.labels += good
            seen.otherSettlements += settlements.count - good
        }
    }

    /// Sends wants and answers at their times until cancelled; to be run beside the fleet.
    func pace() async throws {
        let interval = 1e9 / perSecond
        let start = Moment.now
        var sent = 0
        while true {
            try Task.checkCancellation()
            let due = start + UInt64(Double(sent) * interval)
            let now = Moment.now
            guard due <= now else {
                try await Task.sleep(for: .nanoseconds(Int64(min(due - now, 2_000_000))))
                continue
            }
            await ask(sent % workers.count, due)
            await answerNext()
            sent += 1
        }
    }

    private func ask(_ index: Int, _ intended: UInt64) async {
        let stream = workers[index].state.withLock { state in
            if state.stream != nil { state.asked.append(intended) }
            return state.stream
        }
        seen.withLock { seen in
            seen.offered += 1
            if stream == nil { seen.unserved += 1 }
        }
        var message = Plimsoll_V1_WorkerMessage()
        message.want = 1
        // A stream that has just ended is found out by its own task.
        if let stream { try? await stream.send(message) }
    }

    private func answerNext() async {
        guard let (index, fence) = answers.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
        var message = Plimsoll_V1_WorkerMessage()
        let stream = workers[index].state.withLock { state -> WorkStream? in
            guard let stream = state.stream, let place = state.held.firstIndex(where: { $0.fence == fence }) else {
                return nil
            }
            state.held[place].isAnswered = true
            var submit = Plimsoll_V1_Submit()
            submit.task = state.held[place].task
            submit.fence = fence
            submit.answer = BenchTasks.answer
            message.submits = [submit]
            return stream
        }
        // Without a stream it is answered after the next welcome.
        if let stream { try? await stream.send(message) }
    }
}
