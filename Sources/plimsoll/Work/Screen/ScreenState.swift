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
        /// Of every task that stands on an agreement that is gone.
        case removeDrafts(AgreementPage.Agreed)
        case fetchWhy, fetchLoad, fetchAgreements
        /// The deployment's clock and the person's zone.
        case fetchClock
        case fetchOwn(OwnPage.Topic)
        /// Let the person write a concern in the editor; nil: about the deployment.
        case writeConcern(project: String?, begun: String)
        case raiseConcern(String, project: String?)
        case pullCord(String)
        /// Withdraw the agreement to a purpose until it is on the record.
        case withdraw(String)
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
    var jobs: [Job] = []
    /// The last idle, when it came, and when it will be asked again.
    var idle: (message: Plimsoll_V1_Idle, came: Duration, until: Duration)?
    /// The deployment's clock in the person's zone, and when it was told; nil: not yet.
    var wall: (clock: WallClock, told: Duration)?
    /// When it was last asked for.
    var wallAsked: Duration?
    var connection = "not connected yet"
    var message = ""
    /// A break ahead, a certificate, an agreement that ends: each stays until it is put away, the first in sight.
    var warnings: [String] = []
    var scroll = 0
    /// In front of the task; nil: none.
    var page: ScreenPage?
    var pageScroll = 0
    /// Written and not yet taken by a coordinator; the editor opens with it.
    var unsentConcern = ""
    /// While it is set, no task is shown.
    var withdrawing: PendingWithdrawal?
    var isLeaving = false
    /// Text typed on the screen itself, where there is no wish for an editor.
    var inline: String?
    var tally = WorkTally()

    /// The longest text typed on the screen itself.
    static let inlineMax = 2_000
    /// Deadlines nearer than this are shown as urgent.
    static let urgent = Duration.seconds(5 * 60)
    /// A wait so long is worth asking for the clock, which is asked for no more often than `wallAskedEvery`: a person's
    /// zone may change, and a coordinator may have been away.
    static let wallWorth = Duration.seconds(60 * 60)
    static let wallAskedEvery = Duration.seconds(60 * 60)

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
            self.idle = (idle, now, now + .milliseconds(Int64(idle.askAgainMilliseconds)))
            return clockWanted(for: idle, now: now)
        case .notification(let notification): warn(Harmless.line(notification.message))
        case .renewed: message = "the certificate was renewed"
        case .leaving: isLeaving = true
        }
        return []
    }

    /// The same is said once, and of very many the oldest go.
    private mutating func warn(_ text: String) {
        guard !warnings.contains(text) else { return }
        warnings.append(text)
        if warnings.count > Self.warningsMax { warnings.removeFirst() }
    }

    private static let warningsMax = 20

    /// For naming the moment to come back, where that is far.
    private mutating func clockWanted(for idle: Plimsoll_V1_Idle, now: Duration) -> [Action] {
        let wait = Duration.milliseconds(Int64(clamping: idle.refusal.untilMilliseconds))
        guard wait >= Self.wallWorth, wallAsked.map({ now - $0 >= Self.wallAskedEvery }) ?? true else { return [] }
        wallAsked = now
        return [.fetchClock]
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
        }
    }
}
