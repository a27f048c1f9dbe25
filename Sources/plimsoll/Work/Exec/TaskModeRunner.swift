import PlimsollProtocol
import Synchronization
import WorkerKit

/// `plimsoll work --exec CMD --exec-mode task`.
struct TaskModeRunner: Sendable {
    let configuration: WorkerConfiguration
    let program: TaskProgram
    /// Where talk goes.
    let say: @Sendable (String) -> Void

    /// The first and the longest pause after failures in a row.
    static let pauseFirst = Duration.seconds(1)
    static let pauseMax = Duration.seconds(30)
    /// How long past its deadline a task that a limit parks is left to the coordinator: longer than the coordinator's
    /// grace, and than the worker holds what nothing is heard of, so that one of the two ends the program.
    static let parkWait = Duration.seconds(15)

    /// Works until it is told to leave; `onStart` gets what to call for that.
    func run(onStart: (@Sendable @escaping () -> Void) -> Void) async throws -> WorkTally {
        let worker = Worker(configuration)
        let failures = Mutex(0)
        let tally = Mutex(WorkTally())
        onStart { worker.leave() }
        try await worker.run { event in
            tally.withLock { $0.count(event) }
            if let sentence = EventSentence.of(event) { say(sentence) }
        } handler: { task in
            guard let document = TaskDocument.line(task) else {
                say("task \(task.key): the payload cannot be read; given back")
                return .release
            }
            // At a limit the coordinator parks the task, which ends the program; giving it back would lose it.
            let limit = task.parks ? task.deadline + Self.parkWait : task.deadline
            switch try await program.run(document, limit: max(.zero, limit - worker.now)) {
            case .answered(let answer):
                failures.withLock { $0 = 0 }
                return .answer(answer)
            case .declined:
                failures.withLock { $0 = 0 }
                return .decline()
            case .failed(let reason) where Task.isCancelled:
                // Parked or gone, which was said; no fault of the program.
                say("task \(Harmless.line(task.key)): \(reason)")
                return .release
            case .failed(let reason):
                let count = failures.withLock { count in
                    count += 1
                    return count
                }
                let pause = Self.pause(afterFailures: count)
                say("task \(Harmless.line(task.key)): \(reason); given back, pausing \(pause.components.seconds) s")
                worker.pause(for: pause)
                return .release
            }
        }
        return tally.withLock { $0 }
    }

    /// Doubles with each failure in a row, up to `pauseMax`.
    static func pause(afterFailures count: Int) -> Duration {
        min(pauseMax, pauseFirst * (1 << min(max(0, count - 1), 10)))
    }
}

/// What was done, for the last line.
struct WorkTally: Sendable, Equatable {
    var accepted = 0
    var kept = 0
    var declined = 0
    var released = 0

    mutating func count(_ event: WorkEvent) {
        switch event {
        case .settled(_, let settlement) where settlement.outcome == .accepted: accepted += 1
        case .settled(_, let settlement)
        where settlement.outcome == .keptLate || settlement.outcome == .alreadyAnswered:
            kept += 1
        case .changed(_, .declined, _): declined += 1
        case .changed(_, .released, _): released += 1
        default: break
        }
    }

    var sentence: String {
        var parts = ["\(accepted) accepted"]
        if kept > 0 { parts.append("\(kept) kept for a human") }
        if declined > 0 { parts.append("\(declined) declined") }
        if released > 0 { parts.append("\(released) given back") }
        return parts.joined(separator: ", ")
    }
}
