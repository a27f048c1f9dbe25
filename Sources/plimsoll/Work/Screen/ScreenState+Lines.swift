import PlimsollModel
import PlimsollProtocol
import WorkerKit

/// One line of the screen: text without any control character, and how it stands out.
struct ScreenLine: Equatable, Sendable {
    enum Style: Sendable { case plain, strong, faint, bar, urgent }

    let text: String
    var style = Style.plain
}

/// A size of a terminal in characters.
struct ScreenSize: Equatable, Sendable {
    let columns: Int
    let rows: Int

    /// Less is not drawn on; what lies outside is cut off by the terminal.
    static let least = ScreenSize(columns: 40, rows: 12)
    static let usual = ScreenSize(columns: 80, rows: 24)
}

extension ScreenState {
    /// The whole screen: exactly `size.rows` lines of exactly `size.columns` columns. Pure.
    func lines(size: ScreenSize, now: Duration) -> [ScreenLine] {
        let width = size.columns
        var lines = [header(width: width, now: now)]
        let footer = footerLines(width: width)
        let rest = size.rows - lines.count - footer.count
        if let all = pageLines(width: width) {
            lines += pad(Array(all.dropFirst(min(pageScroll, max(0, all.count - rest)))), to: rest)
        } else if let job {
            lines += taskLines(job, width: width, rows: rest)
        } else {
            lines += pad(waitingLines(width: width, now: now), to: rest)
        }
        lines += footer
        return lines.prefix(size.rows).map { ScreenLine(text: TextWidth.fit($0.text, width), style: $0.style) }
    }

    /// How many lines of the task, or of the page before it, fit, and how many there are: what scrolling needs.
    func taskExtent(size: ScreenSize) -> (page: Int, lines: Int) {
        let footer = footerLines(width: size.columns).count
        if let all = pageLines(width: size.columns) { return (size.rows - 1 - footer, all.count) }
        guard let job else { return (1, 0) }
        let form = formLines(job, width: size.columns).count
        let all = readingLines(job, width: size.columns).count
        return (readingRows(form: form, rows: size.rows - 1 - footer), all)
    }

    // MARK: - Parts

    private func header(width: Int, now: Duration) -> ScreenLine {
        guard let job else { return ScreenLine(text: " plimsoll work    \(connection)", style: .bar) }
        let task = job.task
        let left = " \(task.project.name) \(task.key)  kind \(task.kind)  severity \(task.severity)"
        let remaining = job.deadline - now
        let right: String
        switch job.standing {
        case .lost: right = "lease gone "
        case .sent: right = "sent "
        case .asked, .open: right = "\(Self.clock(max(.zero, remaining))) left "
        }
        let room = max(0, width - TextWidth.of(right) - 1)
        let isUrgent = job.standing == .open && remaining < Self.urgent
        return ScreenLine(
            text: TextWidth.fit(Harmless.line(left), room) + " " + right, style: isUrgent ? .urgent : .bar)
    }

    private func footerLines(width: Int) -> [ScreenLine] {
        var lines: [ScreenLine] = []
        if let warning = warnings.first {
            let more = warnings.count == 1 ? "" : ", \(warnings.count - 1) more"
            lines += said("\(warning) [esc\(more)]", mark: " ! ", width: width)
        }
        lines += message.isEmpty ? [ScreenLine(text: "")] : said(message, mark: " ", width: width)
        let keys: String
        if inline != nil {
            keys = "enter takes the text  esc leaves it  ctrl-u clears"
        } else if withdrawing != nil {
            keys = "q quit: it is then repeated by plimsoll consent withdraw"
        } else if let page {
            keys = (page.isAboutAgreements ? "a digit chooses" : "up, down: read") + "  any other key goes back"
        } else {
            switch job?.standing {
            case nil: keys = isLeaving ? "leaving" : "w why  l load  a agree  m mine  q quit  ? help"
            case .open: keys = "s send  d decline  r release  p park  w why  l load  a agree  m mine  q quit  ?"
            case .sent, .asked: keys = "w why  l load  a agree  m mine  q quit  ? help"
            case .lost: keys = "s send for a human  x put away  w why  l load  a agree  m mine  q quit  ? help"
            }
        }
        lines.append(ScreenLine(text: " \(keys)", style: .bar))
        return lines
    }

    /// A text of the footer after its mark, over as many lines as it needs; of a very long one the end is left out, and
    /// marked so, that the task keeps its room.
    private func said(_ text: String, mark: String, width: Int) -> [ScreenLine] {
        let margin = String(repeating: " ", count: mark.count)
        let room = width - mark.count
        var lines = TextWidth.wrap(text, room)
        if lines.count > Self.footerTextLinesMax {
            let whole = Self.footerTextLinesMax - 1
            lines = lines.prefix(whole) + [TextWidth.fit(lines.dropFirst(whole).joined(separator: " "), room)]
        }
        return lines.enumerated().map { index, line in
            ScreenLine(text: (index == 0 ? mark : margin) + line, style: .strong)
        }
    }

    /// Lines that one text of the footer may take.
    private static let footerTextLinesMax = 3

    private func taskLines(_ job: Job, width: Int, rows: Int) -> [ScreenLine] {
        let form = formLines(job, width: width)
        let page = readingRows(form: form.count, rows: rows)
        let all = readingLines(job, width: width)
        let start = min(scroll, max(0, all.count - page))
        let shown = pad(Array(all[start..<min(all.count, start + page)]), to: page)
        let more = all.count - start - page
        let rule = more > 0 ? " --- \(more) more lines: down, page down " : " ---"
        let formRows = max(0, rows - page - 1)
        let line = rule + String(repeating: "-", count: max(0, width - rule.count))
        return shown + [ScreenLine(text: line, style: .faint)]
            + pad(window(form, around: focusLine(job, width: width), rows: formRows), to: formRows)
    }

    /// The form gets what it needs, at most two thirds.
    private func readingRows(form: Int, rows: Int) -> Int { max(1, rows - 1 - min(form, (rows - 1) * 2 / 3)) }

    private func readingLines(_ job: Job, width: Int) -> [ScreenLine] {
        var lines: [ScreenLine] = []
        if case .lost(let words) = job.standing {
            let text =
                "The lease has ended: \(words). What you wrote is kept on this machine. You may still send it: "
                + "it is then kept for a human to look at."
            lines += TextWidth.wrap(text, width - 2).map { ScreenLine(text: " " + $0, style: .strong) }
            lines.append(ScreenLine(text: ""))
        }
        let instructions = Harmless.text(job.task.project.instructions)
        if !instructions.isEmpty {
            lines += TextWidth.wrap(instructions, width - 2).map { ScreenLine(text: " " + $0, style: .faint) }
            lines.append(ScreenLine(text: ""))
        }
        lines += PayloadText.lines(job.task.payload, width: width - 2).map { ScreenLine(text: " " + $0) }
        return lines
    }

    private func formLines(_ job: Job, width: Int) -> [ScreenLine] {
        job.entry.form.items.indices.flatMap { itemLines(job, $0, width: width) }
    }

    private func focusLine(_ job: Job, width: Int) -> Range<Int> {
        let before = (0..<job.entry.focus).reduce(0) { $0 + itemLines(job, $1, width: width).count }
        return before..<(before + itemLines(job, job.entry.focus, width: width).count)
    }

    private func itemLines(_ job: Job, _ index: Int, width: Int) -> [ScreenLine] {
        let entry = job.entry
        guard entry.form.items.indices.contains(index) else { return [] }
        let item = entry.form.items[index]
        let isFocused = index == entry.focus
        var title = (isFocused ? "> " : "  ") + item.title + (item.isRequired ? "" : " (may stay empty)")
        if !item.help.isEmpty { title += ": \(item.help)" }
        var lines = TextWidth.wrap(Harmless.line(title), width).map {
            ScreenLine(text: $0, style: isFocused ? .strong : .plain)
        }
        let value = entry.values[index]
        switch item.field {
        case .choice(let options):
            lines += optionLines(options, chosen: value.map { [$0] } ?? [], marks: ("(*)", "( )"), width: width)
        case .choices(let options, _, _):
            lines += optionLines(options, chosen: value?.arrayValue ?? [], marks: ("[x]", "[ ]"), width: width)
        case .number(_, let min, let max):
            let bounds = [min.map { "from \(AnswerForm.trimmed($0))" }, max.map { "to \(AnswerForm.trimmed($0))" }]
                .compactMap { $0 }.joined(separator: " ")
            let text = isFocused && !entry.typed.isEmpty ? entry.typed : value?.numberValue?.text ?? ""
            lines.append(ScreenLine(text: "    [\(text)\(isFocused ? "_" : "")] \(bounds)"))
        case .text, .json:
            lines += textLines(value, isFocused: isFocused, width: width)
        }
        if isFocused, !entry.typed.isEmpty, case .choice = item.field { lines.append(typedLine(entry)) }
        if isFocused, !entry.typed.isEmpty, case .choices = item.field { lines.append(typedLine(entry)) }
        if let problem = entry.problems[index] {
            lines.append(ScreenLine(text: "    ! \(problem)", style: .urgent))
        }
        return lines
    }

    private func typedLine(_ entry: FormEntry) -> ScreenLine {
        ScreenLine(text: "    \(entry.typed)_ (another digit, or enter)")
    }

    private func optionLines(
        _ options: [JSONValue], chosen: [JSONValue], marks: (on: String, off: String), width: Int
    ) -> [ScreenLine] {
        let words = options.enumerated().map { index, option in
            "\(index + 1) \(chosen.contains(option) ? marks.on : marks.off) \(Self.word(option))"
        }
        // Short ones side by side.
        let row = "    " + words.joined(separator: "   ")
        if TextWidth.of(row) <= width { return [ScreenLine(text: row)] }
        return words.map { ScreenLine(text: "    " + $0) }
    }

    private func textLines(_ value: JSONValue?, isFocused: Bool, width: Int) -> [ScreenLine] {
        if isFocused, let inline {
            return TextWidth.wrap(Harmless.line(inline) + "_", width - 4).suffix(Self.textLinesMax)
                .map { ScreenLine(text: "    " + $0) }
        }
        guard let value else {
            let text = isFocused ? "    enter: write in the editor   i: write here" : "    -"
            return [ScreenLine(text: text, style: .faint)]
        }
        let lines = TextWidth.wrap(Harmless.text(Self.word(value)), width - 4)
        var shown = lines.prefix(Self.textLinesMax).map { ScreenLine(text: "    " + $0) }
        if lines.count > shown.count {
            shown.append(ScreenLine(text: "    ... \(lines.count - shown.count) more lines", style: .faint))
        }
        return shown
    }

    /// Lines of a written text that the form shows.
    private static let textLinesMax = 4

    /// A time and its limit; zero stands for none.
    private static func share(_ seconds: UInt32, _ limit: UInt32) -> String {
        let used = DurationText.readable(.seconds(Int64(seconds)))
        return limit == 0 ? "\(used), no limit" : "\(used) of \(DurationText.readable(.seconds(Int64(limit))))"
    }

    func whyLines(_ job: Job, width: Int) -> [ScreenLine] {
        let why = job.task.why
        var lines = ["Why this task is yours now", ""]
        lines.append("Your agreements for \(Harmless.line(job.task.project.name)) were given when it was leased.")
        lines.append(
            "Policy version \(why.policyVersion), provenance \(why.provenance), instructions version "
                + "\(job.task.project.instructionsVersion).")
        lines.append("Open leases: \(why.openLeases) of \(why.openLeasesLimit).")
        let limit = why.dayTasksLimit == 0 ? "no limit" : "\(why.dayTasksLimit)"
        lines.append("Tasks today: \(why.dayTasks), limit: \(limit).")
        lines.append(
            "Leased time since a break: \(Self.share(why.continuousSeconds, why.continuousLimitSeconds)); today: "
                + "\(Self.share(why.daySeconds, why.dayLimitSeconds)); this week: "
                + "\(Self.share(why.weekSeconds, why.weekLimitSeconds)).")
        if !why.deadlineRule.isEmpty { lines.append("Its deadline is where the limit \(why.deadlineRule) is reached.") }
        lines.append(
            "Effort estimate: \(Self.clock(job.task.effort)). Task \(job.task.lease.task), fence "
                + "\(job.task.lease.fence).")
        lines += ["", "You may decline it (d): that costs nothing and is shown to nobody."]
        return lines.flatMap { TextWidth.wrap($0, width - 2) }.map { ScreenLine(text: " " + $0) }
    }

    private func waitingLines(width: Int, now: Duration) -> [ScreenLine] {
        var lines = ["", isLeaving ? "Leaving." : "No task in hand."]
        if !isLeaving, let idle {
            let refusal = idle.message.refusal
            if idle.message.hasRefusal {
                let words = refusal.sentence.isEmpty ? EventSentence.reason(idle.message.reason) : refusal.sentence
                lines.append(Harmless.line(words))
                lines.append("\(Self.figures(refusal)).")
                let clock = wall.map { $0.clock.later(by: now - $0.told) }
                if let back = EventSentence.comesBack(after: refusal, later: now - idle.came, clock: clock) {
                    lines.append("Work may come again in \(back).")
                }
            } else {
                lines.append("Reason: \(EventSentence.reason(idle.message.reason)).")
            }
            lines.append("Asked again in \(Self.clock(max(.zero, idle.until - now))).")
        }
        lines += ["", "This session: \(tally.sentence)."]
        return lines.flatMap { TextWidth.wrap($0, width - 2) }.map { ScreenLine(text: " " + $0) }
    }

    /// A rule with the figures that it has: a plain yes or no has none.
    private static func figures(_ refusal: Plimsoll_V1_Refusal) -> String {
        let value = refusal.value.isEmpty ? nil : "now \(Harmless.line(refusal.value))"
        let limit = refusal.limit.isEmpty ? nil : "limit \(Harmless.line(refusal.limit))"
        return ["Rule: \(Harmless.line(refusal.rule))", value, limit].compactMap { $0 }.joined(separator: ", ")
    }

    static let help = [
        "", " 1 2 3 ...   choose; of several choices: choose or take back",
        " 0-9 . -     type a number; backspace takes back", " tab, enter  next item; shift-tab: the one before",
        " enter or e  write a text in $EDITOR; i: write one line here", " del         empty the item",
        " up, down, page up, page down, home, end, space: read the task", " s           send the answer",
        " d           decline: not this one. Costs nothing.", " r           release: give it back for others",
        " p           park: keep it for later, without time running", " +           ask for more time",
        " w           why this task is yours, and why work comes or does not",
        " l           your load against your limits, your next break and your rest",
        " a           what you agree to; take one back",
        " m           what is held of you: answers, time, who looked; raise a concern",
        " esc         put away what is said with a ! above the keys",
        " q           quit: what is open is given back, drafts are kept",
        "", " What you write is kept on this machine until it is acknowledged.",
    ]

    private static func word(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): Harmless.text(text)
        case .bool(true): "yes"
        case .bool(false): "no"
        case .null: "nothing"
        default: Harmless.line(value.description)
        }
    }

    /// Minutes and seconds, or hours: `4:05`, `1:02:03`.
    static func clock(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        let tail = seconds % 60 < 10 ? "0\(seconds % 60)" : "\(seconds % 60)"
        guard seconds >= 3600 else { return "\(seconds / 60):\(tail)" }
        let minutes = seconds / 60 % 60
        return "\(seconds / 3600):\(minutes < 10 ? "0" : "")\(minutes):\(tail)"
    }

    private func pad(_ lines: [ScreenLine], to rows: Int) -> [ScreenLine] {
        let shown = lines.prefix(max(0, rows))
        return shown + Array(repeating: ScreenLine(text: ""), count: max(0, rows - shown.count))
    }

    /// The part of the form that holds the item in focus.
    private func window(_ lines: [ScreenLine], around focus: Range<Int>, rows: Int) -> [ScreenLine] {
        guard lines.count > rows else { return lines }
        var start = max(0, focus.upperBound - rows)
        start = min(start, focus.lowerBound)
        if focus.upperBound <= rows { start = 0 }
        return Array(lines[start..<min(lines.count, start + rows)])
    }
}
