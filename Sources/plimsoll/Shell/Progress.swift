import Foundation
import Synchronization

/// One picture of how far something is. Pure, so that its rendering can be tested.
struct ProgressPicture: Equatable {
    var title: String
    var done: Int
    /// Zero: the end is not known.
    var total: Int
    var unit: String
    var elapsed: Duration

    /// A line that fits into `columns`.
    func line(columns: Int) -> String {
        let figures = total > 0 ? "\(percent)%  \(count(done))/\(count(total)) \(unit)" : "\(count(done)) \(unit)"
        let head = "\(title)  "
        let tail = "  \(figures)\(rest)"
        let room = columns - 1 - head.count - tail.count - 2
        guard total > 0, room >= Self.barCharactersMin else {
            return String("\(title)  \(figures)\(rest)".prefix(max(0, columns - 1)))
        }
        let width = min(room, Self.barCharactersMax)
        let filled = min(width, max(0, width * min(done, total) / total))
        return head + "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
            + "]" + tail
    }

    var percent: Int { total > 0 ? min(100, 100 * min(done, total) / total) : 0 }

    private var rest: String {
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        guard total > 0, done > 0, done < total, seconds >= 1 else { return "" }
        let left = Int((seconds * Double(total - done) / Double(done)).rounded(.up))
        return left >= 120 ? "  \(left / 60) min left" : "  \(left) s left"
    }

    private func count(_ number: Int) -> String {
        unit == "bytes" ? Self.size(number) : Self.grouped(number)
    }

    static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    static func size(_ bytes: Int) -> String {
        guard bytes >= 1_000 else { return "\(bytes) B" }
        var value = Double(bytes)
        for unit in ["kB", "MB", "GB"] {
            value /= 1_000
            if value < 1_000 || unit == "GB" {
                let tenths = Int((value * 10).rounded())
                return "\(tenths / 10).\(tenths % 10) \(unit)"
            }
        }
        return "\(bytes) B"
    }

    static let barCharactersMin = 10
    static let barCharactersMax = 40
}

/// Shows progress on stderr: a bar on a terminal, now and then a line elsewhere, nothing below a second.
final class Progress: Sendable {
    private struct State {
        var picture: ProgressPicture
        var shownAt: ContinuousClock.Instant
        var shownPercent = -1
        var drawn = false
        /// What was last said in a line of its own.
        var note = ""
    }

    /// How often the bar is drawn.
    private static let redraw = Duration.milliseconds(100)
    /// How often a line is written where there is no terminal.
    private static let lineEvery = Duration.seconds(5)
    /// Work shorter than this shows nothing.
    private static let patience = Duration.seconds(1)

    private let state: Mutex<State>
    private let started = ContinuousClock.now
    private let live: Bool

    init(_ title: String, total: Int = 0, unit: String, live: Bool = Terminal.talksToPerson) {
        self.live = live
        state = Mutex(
            State(
                picture: ProgressPicture(title: title, done: 0, total: total, unit: unit, elapsed: .zero),
                shownAt: started))
    }

    /// How far it is now; `total` changes what it is measured by.
    func update(done: Int, total: Int? = nil, title: String? = nil) {
        let now = ContinuousClock.now
        let line = state.withLock { state -> String? in
            state.picture.done = done
            if let total { state.picture.total = total }
            if let title { state.picture.title = title }
            state.picture.elapsed = now - started
            let every = live ? Self.redraw : Self.lineEvery
            guard now - started >= Self.patience, now - state.shownAt >= every else { return nil }
            state.shownAt = now
            guard !live else {
                state.drawn = true
                return "\r" + state.picture.line(columns: Terminal.size.columns) + "\u{1B}[K"
            }
            guard state.picture.percent != state.shownPercent || state.picture.total == 0 else { return nil }
            state.shownPercent = state.picture.percent
            return state.picture.line(columns: Self.plainColumns) + "\n"
        }
        if let line { Output.talkRaw(line) }
    }

    /// A sentence that stays, above the bar.
    func say(_ text: String) {
        let clear = state.withLock { $0.drawn }
        Output.talkRaw((clear ? "\r\u{1B}[K" : "") + text + "\n")
    }

    /// Takes the bar away; what stays is what the caller says next.
    func finish() {
        let clear = state.withLock { state in
            defer { state.drawn = false }
            return state.drawn
        }
        if clear { Output.talkRaw("\r\u{1B}[K") }
    }

    /// Where nobody looks, bars are left out and lines may be long.
    private static let plainColumns = 60
}
