import Foundation
import PlimsollProtocol

/// The things that the demo shows while work goes on, driven by what the engineers note and told once each.
struct DemoScenes {
    private let workers: [String: DemoWorker]
    private let folder: DemoFolder
    private let progress: Progress
    private var told: Set<String> = []
    private var heldKey: String?
    private var lateKey: String?
    private var isReleased = false
    private var isThawed = false

    init(workers: [String: DemoWorker], folder: DemoFolder, progress: Progress) {
        self.workers = workers
        self.folder = folder
        self.progress = progress
    }

    /// All that was to be seen has been seen.
    var isOver: Bool { missing.isEmpty }

    /// What has not been seen yet.
    var missing: [String] { Self.all.filter { !told.contains($0) } }

    private static let all = ["refuse", "decline", "kill", "again", "freeze", "late", "quarantine", "break", "back"]

    /// Looks at notes and tasks and does what is next. `lateAnswers` says how many there are.
    mutating func advance(_ tasks: [Plimsoll_V1_TaskRow], lateAnswers: Int) throws {
        let notes = DemoNote.read(folder.notes)
        if let refusal = refusal(in: folder.workerLog(DemoPeople.refuses)) {
            tell("refuse", "\(DemoPeople.refuses)'s worker asks and is refused every lease: \(refusal)")
        }
        advanceBreak(notes)
        if let note = notes.first(where: { $0.deed == .declined }) {
            tell("decline", "\(note.engineer) declined \(note.key); it costs nothing and goes to somebody else")
        }
        if let note = notes.first(where: { $0.deed == .holds }), heldKey == nil {
            heldKey = note.key
            workers[note.engineer]?.signal(SIGKILL)
            kill(note.process, SIGKILL)
            tell("kill", "\(note.engineer)'s worker is killed with \(note.key) in hand (kill -9)")
        }
        if let heldKey, let held = notes.firstIndex(where: { $0.deed == .holds }),
            let again = notes[(held + 1)...].first(where: { $0.key == heldKey && $0.deed == .answered })
        {
            tell("again", "\(heldKey) was delivered again, and \(again.engineer) answered it")
        }
        if let note = notes.first(where: { $0.deed == .thinks }), lateKey == nil {
            lateKey = note.key
            workers[note.engineer]?.signal(SIGSTOP)
            tell("freeze", "\(note.engineer)'s worker is frozen with \(note.key) in hand")
        }
        if let lateKey, !isReleased, let task = tasks.first(where: { $0.key == lateKey }), task.state == "done" {
            // Others have answered it by now: the slow answer comes when there is no room for it.
            isReleased = true
            try Data().write(to: folder.release)
        }
        let slow = notes.first { $0.engineer == DemoAnswer.thinks && $0.key == lateKey && $0.deed == .answered }
        if slow != nil, !isThawed {
            isThawed = true
            workers[DemoAnswer.thinks]?.signal(SIGCONT)
        }
        if lateAnswers > 0, let lateKey {
            tell("late", "\(DemoAnswer.thinks)'s answer to \(lateKey) came late; it is kept for a human, not lost")
        }
        if tasks.contains(where: { $0.key == DemoProject.crashingKey && $0.state == "quarantined" }) {
            tell("quarantine", "\(DemoProject.crashingKey) has ended too many workers and is in quarantine")
        }
    }

    private mutating func advanceBreak(_ notes: [DemoNote]) {
        guard let rest = notes.firstIndex(where: { $0.deed == .rests }) else { return }
        let (who, key) = (notes[rest].engineer, notes[rest].key)
        // Others are not told: with so few at work queue status says what was parked as of the last full hour.
        if hasRead(" is parked and comes back to you", folder.workerLog(who)) {
            tell("break", "\(who) has come to her own line of 15 s: a break; \(key) is parked for her and not lost")
        }
        if told.contains("break"), notes[rest...].contains(where: { $0.key == key && $0.deed == .answered }) {
            tell("back", "after the break \(key) came back to \(who), who answered it")
        }
    }

    private func hasRead(_ words: String, _ log: URL) -> Bool {
        // Before the worker has begun there is no log.
        (try? String(contentsOf: log, encoding: .utf8))?.contains(words) ?? false
    }

    /// What the gate told a worker that has agreed to nothing; nil: nothing yet.
    private func refusal(in log: URL) -> String? {
        // Before the worker has begun there is no log.
        guard let text = try? String(contentsOf: log, encoding: .utf8),
            let end = text.range(of: " [agreement]"),
            let begin = text[..<end.lowerBound].range(of: "nothing to do: ", options: .backwards)
        else { return nil }
        return String(text[begin.upperBound..<end.upperBound])
    }

    private mutating func tell(_ scene: String, _ sentence: String) {
        guard told.insert(scene).inserted else { return }
        progress.say("  * \(sentence)")
    }
}
