import PlimsollModel
import PlimsollProtocol
import WorkerKit

/// What the worker's screen shows and how it reacts to keys and events; without terminal, disk or network.
struct ScreenState: Sendable {
    /// What the shell around it must do.
    enum Action: Equatable {
        case answer(LeaseKey, [UInt8])
        case ask(LeaseRequest, LeaseKey)
        case saveDraft(LeaseKey)
        case removeDraft(project: Int64, task: Int64)
        /// Let the person write the item in focus in the editor.
        case edit(String)
        case leave
    }

    /// How a task in hand stands.
    enum Standing: Sendable, Equatable {
        case open
        /// Sent, not acknowledged yet.
        case sent
        /// Declined, released or parked; waiting for the word.
        case asked(String)
        /// The lease is gone; what is written can still be sent for a human.
        case lost(String)
    }

    struct Job: Sendable {
        let task: WorkTask
        var entry: FormEntry
        var deadline: Duration
        var standing = Standing.open
    }

    /// The tasks in hand; the first is on the screen.
    private(set) var jobs: [Job] = []
    /// The last idle, and when it will be asked again.
    private(set) var idle: (message: Plimsoll_V1_Idle, until: Duration)?
    private(set) var connection = "not connected yet"
    private(set) var message = ""
    /// Stays until the next task: a break ahead, a certificate, an agreement that ends.
    private(set) var warning = ""
    private(set) var scroll = 0
    private(set) var showsHelp = false
    private(set) var showsWhy = false
    private(set) var isLeaving = false
    /// Text typed on the screen itself, where there is no wish for an editor.
    private(set) var inline: String?
    private(set) var tally = WorkTally()

    /// The longest text typed on the screen itself.
    static let inlineMax = 2_000
    /// Deadlines nearer than this are shown as urgent.
    static let urgent = Duration.seconds(5 * 60)

    var job: Job? { jobs.first }

    // MARK: - What happens

    /// `draft` gives the values that were kept for a task.
    mutating func happened(
        _ event: WorkEvent, now: Duration, draft: (WorkTask, AnswerForm) -> [Int: JSONValue] = { _, _ in [:] }
    ) -> [Action] {
        tally.count(event)
        switch event {
        case .connecting(let address): connection = "connecting to \(address)"
        case .connected(let address, let coordinator):
            connection = "connected to \(Harmless.line(coordinator)) at \(address)"
            message = ""
        case .disconnected, .renewalFailed:
            if let sentence = EventSentence.of(event) { message = sentence }
            if case .disconnected = event { connection = "not connected" }
        case .leased(let task):
            let form = AnswerForm(schema: task.project.answerSchema)
            let values = draft(task, form)
            jobs.append(Job(task: task, entry: FormEntry(form, values: values), deadline: task.deadline))
            idle = nil
            if jobs.count == 1 {
                scroll = 0
                message = values.isEmpty ? "" : "your draft of this task is back"
            }
        case .deadline(let key, let moment): update(key) { $0.deadline = moment }
        case .settled(let key, let settlement): return settled(key, settlement)
        case .changed(let key, let state, let words): return changed(key, state, words)
        case .lost(let key, let reason, _): return lost(key, reason)
        case .idle(let idle):
            self.idle = (idle, now + .milliseconds(Int64(idle.askAgainMilliseconds)))
        case .notification(let notification): warning = Harmless.line(notification.message)
        case .renewed: message = "the certificate was renewed"
        case .leaving: isLeaving = true
        }
        return []
    }

    private mutating func settled(_ key: LeaseKey, _ settlement: Plimsoll_V1_Settlement) -> [Action] {
        guard let job = jobs.first(where: { $0.task.lease == key }) else { return [] }
        let event = WorkEvent.settled(key, settlement)
        switch settlement.outcome {
        case .refusedSchema:
            update(key) { job in
                if case .sent = job.standing { job.standing = .open }
                for problem in settlement.problems {
                    guard let index = job.entry.form.index(ofPointer: problem.pointer) else { continue }
                    job.entry.problems[index] = Harmless.line(problem.message)
                }
                if let index = job.entry.problems.keys.min() { job.entry.focus(on: index) }
            }
            message = EventSentence.of(event) ?? ""
            return []
        case .accepted:
            message = "accepted: \(Harmless.line(job.task.key))"
        default:
            message = EventSentence.of(event) ?? ""
        }
        putAway(key)
        // What was refused for a missing agreement is not kept here either (P3).
        return [.removeDraft(project: job.task.project.id, task: key.task)]
    }

    private mutating func changed(_ key: LeaseKey, _ state: Plimsoll_V1_LeaseState, _ words: String) -> [Action] {
        guard let job = jobs.first(where: { $0.task.lease == key }) else { return [] }
        let name = Harmless.line(job.task.key)
        switch state {
        case .parked: message = "parked: \(name); it comes back to you"
        case .declined: message = "declined: \(name); that costs nothing"
        case .released: message = "given back: \(name)"
        case .unchanged, .held:
            update(key) { $0.standing = .open }
            message = words.isEmpty ? "" : Harmless.line(words)
            return []
        default: message = "the task is gone: \(name)"
        }
        putAway(key)
        // A declined task does not come back; of the others the draft is kept, as it was saved when they were asked.
        return state == .declined ? [.removeDraft(project: job.task.project.id, task: key.task)] : []
    }

    private mutating func lost(_ key: LeaseKey, _ reason: Plimsoll_V1_RevokeReason) -> [Action] {
        guard let job = jobs.first(where: { $0.task.lease == key }) else { return [] }
        let words = EventSentence.reason(reason)
        if reason == .withdrawn || reason == .denied {
            putAway(key)
            message = "the task is gone: \(words)"
            return [.removeDraft(project: job.task.project.id, task: key.task)]
        }
        if job.entry.isEmpty, job.standing == .open {
            putAway(key)
            message = "the task is gone: \(words)"
            return []
        }
        if case .sent = job.standing { return [] }
        update(key) { $0.standing = .lost(words) }
        message = ""
        return [.saveDraft(key)]
    }

    private mutating func update(_ key: LeaseKey, _ change: (inout Job) -> Void) {
        guard let index = jobs.firstIndex(where: { $0.task.lease == key }) else { return }
        change(&jobs[index])
    }

    mutating func putAway(_ key: LeaseKey) {
        guard let index = jobs.firstIndex(where: { $0.task.lease == key }) else { return }
        jobs.remove(at: index)
        if index == 0 {
            scroll = 0
            inline = nil
            showsWhy = false
        }
    }

    // MARK: - Keys

    /// A key was pressed; `page` is how many lines of the task are on the screen, `lines` how many there are.
    mutating func pressed(_ key: Key, page: Int, lines: Int) -> [Action] {
        if inline != nil { return typedInline(key) }
        if showsHelp || showsWhy, key != .control("c") {
            showsHelp = false
            showsWhy = false
            return []
        }
        switch key {
        case .character("?"): showsHelp = true
        case .character("q"), .control("c"): return [.leave]
        case .up: scroll = max(0, scroll - 1)
        case .down: scroll = min(max(0, lines - page), scroll + 1)
        case .pageUp: scroll = max(0, scroll - max(1, page - 1))
        case .pageDown, .character(" "): scroll = min(max(0, lines - page), scroll + max(1, page - 1))
        case .home: scroll = 0
        case .end: scroll = max(0, lines - page)
        default: return pressedOnTask(key)
        }
        return []
    }

    private mutating func pressedOnTask(_ key: Key) -> [Action] {
        guard !jobs.isEmpty else { return [] }
        let lease = jobs[0].task.lease
        switch (key, jobs[0].standing) {
        case (.character("w"), _):
            showsWhy = true
            return []
        case (.character("x"), .lost):
            putAway(lease)
            message = "put away; the draft is kept on this machine"
            return []
        case (_, .sent), (_, .asked): return []
        case (.character("s"), _): return send()
        case (.character("d"), .open): return ask(.decline(.unspecified), "declining")
        case (.character("r"), .open): return ask(.release, "giving back")
        case (.character("p"), .open): return ask(.park, "parking")
        case (.character("+"), .open) where !isNumber:
            message = "asking for more time"
            return [.ask(.extend, lease)]
        case (.tab, _): jobs[0].entry.move(1)
        case (.backTab, _): jobs[0].entry.move(-1)
        case (.backspace, _): jobs[0].entry.backspace()
        case (.delete, _): jobs[0].entry.clear()
        case (.character("i"), _) where isText: inline = jobs[0].entry.values[jobs[0].entry.focus]?.stringValue ?? ""
        case (.enter, _), (.character("e"), _): return enter()
        case (.character(let character), _):
            guard jobs[0].entry.type(character) else { return [] }
            message = ""
        default: return []
        }
        return [.saveDraft(lease)]
    }

    private var isText: Bool { if case .text? = job?.entry.item?.field { true } else { false } }
    private var isNumber: Bool { if case .number? = job?.entry.item?.field { true } else { false } }

    private mutating func enter() -> [Action] {
        switch jobs[0].entry.item?.field {
        case .text: return [.edit(jobs[0].entry.values[jobs[0].entry.focus]?.stringValue ?? "")]
        case .json:
            let text = jobs[0].entry.values[jobs[0].entry.focus].map { String(decoding: $0.encode(pretty: true), as: UTF8.self) }
            return [.edit(text ?? "")]
        default:
            jobs[0].entry.commitTyped()
            jobs[0].entry.move(1)
            return [.saveDraft(jobs[0].task.lease)]
        }
    }

    private mutating func send() -> [Action] {
        if let problem = jobs[0].entry.findProblems() {
            message = "not sent yet. \(problem)"
            return []
        }
        let lease = jobs[0].task.lease
        let answer = jobs[0].entry.answer.encode()
        message = jobs[0].standing == .open ? "sent, not yet acknowledged" : "sent for a human to look at"
        jobs[0].standing = .sent
        return [.saveDraft(lease), .answer(lease, answer)]
    }

    private mutating func ask(_ request: LeaseRequest, _ word: String) -> [Action] {
        jobs[0].standing = .asked(word)
        message = word
        return [.saveDraft(jobs[0].task.lease), .ask(request, jobs[0].task.lease)]
    }

    private mutating func typedInline(_ key: Key) -> [Action] {
        guard var text = inline, let job else {
            inline = nil
            return []
        }
        switch key {
        case .enter, .tab, .escape:
            inline = nil
            guard key != .escape else { return [] }
            jobs[0].entry.set(text.isEmpty ? nil : .string(text))
            return [.saveDraft(job.task.lease)]
        case .backspace: if !text.isEmpty { text.removeLast() }
        case .control("u"): text = ""
        case .control("c"): return [.leave]
        case .character(let character) where text.count < Self.inlineMax: text.append(character)
        default: return []
        }
        inline = text
        return []
    }

    /// The editor is closed; nil when the person gave up. Throws nothing: what is wrong is shown.
    mutating func edited(_ text: String?, of lease: LeaseKey) -> [Action] {
        guard let text, let index = jobs.firstIndex(where: { $0.task.lease == lease }) else { return [] }
        // Editors end a file with a line feed; it is not meant.
        let meant = text.hasSuffix("\n") ? String(text.dropLast()) : text
        guard !meant.isEmpty else {
            jobs[index].entry.set(nil)
            return [.saveDraft(lease)]
        }
        if case .json? = jobs[index].entry.item?.field {
            do {
                jobs[index].entry.set(try JSONValue.parse(meant))
            } catch {
                message = Harmless.line("not taken: this is no JSON: \(error)")
                return []
            }
        } else {
            jobs[index].entry.set(.string(meant))
        }
        message = ""
        return [.saveDraft(lease)]
    }

    mutating func say(_ text: String) { message = Harmless.line(text) }
}
