import PlimsollProtocol
import WorkerKit

/// Lines mode without input and output: which task is in the program's hands, and what follows from what happens.
struct LinesDesk {
    /// What the shell around it must do, in order.
    enum Action: Equatable {
        case write([UInt8])
        case answer(LeaseKey, [UInt8])
        case ask(LeaseRequest, LeaseKey)
        case say(String)
        /// Start the program anew after a pause, and want nothing until then.
        case restart(after: Duration)
    }

    /// The most leases that were lost and are remembered, for answers that come after all.
    static let lostMax = 1024
    static let correctionsMax = 2
    static let restartFirst = Duration.milliseconds(500)
    static let restartMax = Duration.seconds(30)

    private struct Entry {
        let task: WorkTask
        var corrections = 0
    }

    private var entries: [LeaseKey: Entry] = [:]
    private var answered: Set<LeaseKey> = []
    private var lost: [LeaseKey] = []
    private var isRunning = false
    private var failures = 0

    var isEmpty: Bool { entries.isEmpty }

    /// The program runs: it gets what waits for it.
    mutating func started() -> [Action] {
        isRunning = true
        return entries.keys.sorted().flatMap { hand($0) }
    }

    /// The program is gone, whatever its exit code: what it held goes back, nothing is answered.
    mutating func ended(_ ending: ChildProcess.Ending) -> [Action] {
        isRunning = false
        failures += 1
        let pause = min(Self.restartMax, Self.restartFirst * (1 << min(failures - 1, 10)))
        let held = entries.keys.filter { !answered.contains($0) }.sorted()
        for key in held { entries[key] = nil }
        return held.map { .ask(.release, $0) } + [
            .say("the program ended (\(ending.sentence)); \(held.count) tasks given back, starting it again"),
            .restart(after: pause),
        ]
    }

    mutating func happened(_ event: WorkEvent) -> [Action] {
        switch event {
        case .leased(let task):
            entries[task.lease] = Entry(task: task)
            return isRunning ? hand(task.lease) : []
        case .lost(let key, _, _):
            forget(key)
            lost.append(key)
            if lost.count > Self.lostMax { lost.removeFirst() }
        case .settled(let key, let settlement) where settlement.outcome == .refusedSchema:
            return correct(key, settlement.problems)
        case .settled(let key, _):
            forget(key)
        case .changed(let key, let state, _) where state != .held && state != .unchanged:
            forget(key)
        default: break
        }
        return []
    }

    /// The program wrote a line.
    mutating func wrote(_ line: [UInt8]) -> [Action] {
        guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) else { return [] }
        do {
            switch try TaskDocument.reply(line) {
            case .answer(let key, let answer):
                // An answer for a lease that is lost is kept for a human (P6).
                guard entries[key] != nil || lost.contains(key) else { return [unknown(key)] }
                guard answered.insert(key).inserted else { return [.say("task \(key.task) is answered twice")] }
                failures = 0
                return [.answer(key, answer)]
            case .decline(let key):
                guard entries[key] != nil, !answered.contains(key) else { return [unknown(key)] }
                failures = 0
                return [.ask(.decline(.unspecified), key)]
            }
        } catch {
            return [.say("\(error)")]
        }
    }

    private func unknown(_ key: LeaseKey) -> Action {
        .say("the program speaks of task \(key.task) under fence \(key.fence), which it does not hold")
    }

    private mutating func hand(_ key: LeaseKey) -> [Action] {
        guard let entry = entries[key] else { return [] }
        guard let line = TaskDocument.line(entry.task) else {
            entries[key] = nil
            return [.say("task \(key.task): the payload cannot be read; given back"), .ask(.release, key)]
        }
        return [.write(line + [UInt8(ascii: "\n")])]
    }

    private mutating func correct(_ key: LeaseKey, _ problems: [Plimsoll_V1_AnswerProblem]) -> [Action] {
        answered.remove(key)
        guard let entry = entries[key] else { return [] }
        guard entry.corrections < Self.correctionsMax, isRunning else {
            entries[key] = nil
            return [.say("task \(key.task): the answer schema refused the answers; given back"), .ask(.release, key)]
        }
        var task = entry.task
        task.problems = problems
        entries[key] = Entry(task: task, corrections: entry.corrections + 1)
        return hand(key)
    }

    private mutating func forget(_ key: LeaseKey) {
        entries[key] = nil
        answered.remove(key)
        lost.removeAll { $0 == key }
    }
}

extension ChildProcess.Ending {
    var sentence: String {
        switch self {
        case .exited(let status): "exit code \(status)"
        case .killed(let signal): "signal \(signal)"
        }
    }
}
