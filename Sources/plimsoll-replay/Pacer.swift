import Synchronization
import WorkerKit

/// Lets answers go at an even rate, so that a run of known length needs a known number of tasks.
final class Pacer: Sendable {
    private typealias Answer = (session: WorkSession, lease: LeaseKey, bytes: [UInt8])

    private let waiting = Mutex<[Answer]>([])
    private let perStep: Int

    private static let stepsPerSecond = 50

    /// `rate` in answers a second.
    init(rate: Int) { perStep = max(1, rate / Self.stepsPerSecond) }

    func add(_ session: WorkSession, _ lease: LeaseKey, _ bytes: [UInt8]) {
        waiting.withLock { $0.append((session, lease, bytes)) }
    }

    /// Until it is cancelled; then all that waits goes at once.
    func run() async {
        let clock = ContinuousClock()
        var next = clock.now
        while !Task.isCancelled {
            release(perStep)
            next = max(next + .milliseconds(1_000 / Self.stepsPerSecond), clock.now - .milliseconds(200))
            // Ends early only when it is cancelled, which the loop looks at.
            try? await clock.sleep(until: next)
        }
        release(.max)
    }

    private func release(_ most: Int) {
        let due = waiting.withLock { waiting in
            let due = Array(waiting.prefix(most))
            waiting.removeFirst(due.count)
            return due
        }
        for answer in due { answer.session.answer(answer.lease, answer.bytes) }
    }
}
