import PlimsollModel
import PlimsollProtocol
import WorkerKit

/// What keys do.
extension ScreenState {
    /// A key was pressed; `page` is how many lines of the task, or of the page before it, are on the screen, `lines`
    /// how many there are.
    mutating func pressed(_ key: Key, page: Int, lines: Int) -> [Action] {
        if inline != nil { return typedInline(key) }
        if withdrawing != nil { return [.character("q"), .control("c")].contains(key) ? [.leave] : [] }
        if self.page != nil { return pressedOnPage(key, page: page, lines: lines) }
        if let actions = opened(by: key) { return actions }
        switch key {
        case .character("q"), .control("c"): return [.leave]
        case .escape where !warnings.isEmpty: warnings.removeFirst()
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
            let value = jobs[0].entry.values[jobs[0].entry.focus]
            return [.edit(value.map { String(decoding: $0.encode(pretty: true), as: UTF8.self) } ?? "")]
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
