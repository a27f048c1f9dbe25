import PlimsollModel
import PlimsollProtocol

/// A person's load against their line in lines of at most 80 columns: for the command and for the worker's screen.
/// Pure.
struct LoadText {
    let me: Plimsoll_V1_ShowMeResponse
    /// Blocks for the bars; else ASCII.
    let usesBlocks: Bool
    let width: Int
    private let clock: WallClock

    init(_ me: Plimsoll_V1_ShowMeResponse, usesBlocks: Bool, width: Int = 80) {
        self.me = me
        self.usesBlocks = usesBlocks
        self.width = min(width, 80)
        clock = WallClock(atMicroseconds: me.atMicroseconds, zone: me.zone)
    }

    struct Line: Equatable, Sendable {
        var text: String
        /// A title, or a limit that is reached.
        var isStrong = false

        func write() { Output.line(isStrong ? Terminal.bold(text) : text) }
    }

    var lines: [Line] {
        var lines = [Line(text: "\(me.name), \(me.zone), \(clock.stamp(clock.now))"), Line(text: "")]
        lines += block("your load; the line is what may not be passed", me.load.filter(\.project.isEmpty))
        for project in Set(me.load.map(\.project)).subtracting([""]).sorted() {
            lines += block("in \(project) instead", me.load.filter { $0.project == project })
        }
        if !me.withoutLimit.isEmpty { lines += told("no limit here", me.withoutLimit.joined(separator: ", ")) }
        lines.append(Line(text: ""))
        if me.hasNextBreak { lines += told("next break", Self.pause(me.nextBreak, clock)) }
        if me.hasRest { lines += told("rest", Self.rest(me.rest, clock)) }
        lines += [
            Line(text: ""),
            Line(text: "your projects, as the gate sees them; what is left there: plimsoll me why", isStrong: true),
        ]
        if me.projects.isEmpty { lines.append(Line(text: "  none: nobody has chosen you for a project")) }
        for standing in me.projects {
            lines += told("  " + standing.project, Self.standing(standing, clock))
        }
        if !me.ending.isEmpty {
            lines += [Line(text: ""), Line(text: "agreements that end soon; silence renews none", isStrong: true)]
            for agreement in me.ending {
                lines += told(
                    "  " + agreement.purpose,
                    "in \(clock.wait(agreement.endsInSeconds))"
                        + (agreement.forNewVersion
                            ? ", when a new version of its notice comes into force: plimsoll consent list"
                            : ": plimsoll consent give \(agreement.purpose)"))
            }
        }
        return lines.map { Line(text: Harmless.line($0.text), isStrong: $0.isStrong) }
    }

    // MARK: - Bars

    /// The columns of a row: name, bar, value, share, source.
    private static let nameColumns = 20
    private static let barCells = 16
    /// Beyond the line, for a load that a lowered limit has left behind.
    private static let overCells = 2
    private static let valueColumns = 16

    private func block(_ title: String, _ rows: [Plimsoll_V1_LimitLoad]) -> [Line] {
        guard !rows.isEmpty else { return [] }
        return [Line(text: title, isStrong: true)]
            + rows.flatMap { load in row(load).map { Line(text: $0, isStrong: load.reached) } }
    }

    /// One line; two where the name, which nothing may be cut off, needs one of its own.
    private func row(_ row: Plimsoll_V1_LimitLoad) -> [String] {
        let source = row.source == EffectiveLimits.Source.engineer.rawValue ? "own" : row.source
        let middle: String
        if row.unit == .state || row.limit == 0 {
            let columns = Self.barCells + 1 + Self.overCells + 1 + Self.valueColumns + 1 + 4
            middle = TextWidth.fit(Self.words(row, clock), columns)
        } else {
            middle =
                bar(row) + " " + TextWidth.fit(Self.value(row), Self.valueColumns) + " "
                + Table.padLeft("\(row.sharePercent)%", to: 4)
        }
        let name = "  " + Self.name(row)
        let fits = TextWidth.of(Harmless.line(name)) <= Self.nameColumns
        let label = TextWidth.fit(fits ? Harmless.line(name) : "", Self.nameColumns)
        let line = (label + " " + middle + " " + source).replacing(/\ +$/, with: "")
        return fits ? [line] : TextWidth.wrap(Harmless.line(name), width) + [line]
    }

    static func name(_ row: Plimsoll_V1_LimitLoad) -> String {
        row.scope.isEmpty ? row.rule : row.rule == Rule.severityDay.rawValue ? row.scope : "\(row.rule) \(row.scope)"
    }

    private func bar(_ row: Plimsoll_V1_LimitLoad) -> String {
        let (full, empty, line) = usesBlocks ? ("█", "·", "│") : ("#", ".", "|")
        let ratio = Double(row.value) / Double(row.limit)
        // Reached is full and nothing else is: the last cell belongs to the limit.
        let cells = row.reached ? Self.barCells : min(Self.barCells - 1, Int(ratio * Double(Self.barCells)))
        let over = min(Self.overCells, max(0, Int((ratio - 1) * Double(Self.barCells))))
        return String(repeating: full, count: cells) + String(repeating: empty, count: Self.barCells - cells) + line
            + String(repeating: full, count: over) + String(repeating: " ", count: Self.overCells - over)
    }

    static func value(_ row: Plimsoll_V1_LimitLoad) -> String {
        guard row.unit == .seconds else {
            return "\(row.value) of \(row.limit)" + (row.rule == Rule.weeklyRest.rawValue ? " days" : "")
        }
        func time(_ seconds: UInt64) -> String { DurationText.readable(.seconds(Int64(clamping: seconds))) }
        return "\(time(row.value)) of \(time(row.limit))"
    }

    /// In words: how much of how much, or the hours.
    static func amount(_ row: Plimsoll_V1_LimitLoad) -> String { row.unit == .state ? row.policy : value(row) }

    /// Where there is nothing to draw.
    private static func words(_ row: Plimsoll_V1_LimitLoad, _ clock: WallClock) -> String {
        guard row.unit == .state else {
            return row.reached ? "none of it is handed out to you" : "\(row.value) of \(row.limit)"
        }
        let change = row.changesInSeconds == 0 ? "" : clock.wait(row.changesInSeconds)
        return row.reached ? "\(row.policy): now, for \(change)" : "\(row.policy): in \(change)"
    }

    // MARK: - Words

    /// A name and what is said of it, on as many lines as that takes.
    private func told(_ name: String, _ words: String) -> [Line] {
        let label = TextWidth.fit(name, max(14, min(Self.nameColumns, TextWidth.of(name)))) + " "
        let margin = TextWidth.of(label)
        return TextWidth.wrap(Harmless.line(words), width - margin).enumerated().map { index, text in
            Line(text: (index == 0 ? label : String(repeating: " ", count: margin)) + text)
        }
    }

    static func pause(_ pause: Plimsoll_V1_NextBreak, _ clock: WallClock) -> String {
        let length = DurationText.readable(.seconds(Int64(clamping: pause.lengthSeconds)))
        if pause.afterSeconds == 0 { return "now, for \(clock.wait(pause.endsInSeconds)) (\(pause.rule))" }
        guard pause.counting else {
            let after = DurationText.readable(.seconds(Int64(clamping: pause.afterSeconds)))
            return "after \(after) of work, then \(length) off (\(pause.rule))"
        }
        return "in \(clock.wait(pause.afterSeconds)), then \(length) off (\(pause.rule))"
    }

    static func rest(_ rest: Plimsoll_V1_RestClock, _ clock: WallClock) -> String {
        let length = DurationText.readable(.seconds(Int64(clamping: rest.restSeconds)))
        guard rest.running else {
            return "you have had \(length) of rest; a work period that begins now closes in "
                + clock.wait(rest.closesInSeconds)
        }
        if rest.closesInSeconds == 0 { return "now; work may start again in \(clock.wait(rest.opensInSeconds))" }
        return "your work period closes in \(clock.wait(rest.closesInSeconds)); if you stop now, the next may begin in "
            + "\(clock.wait(rest.opensInSeconds)), after \(length) of rest"
    }

    static func standing(_ standing: Plimsoll_V1_ProjectStanding, _ clock: WallClock) -> String {
        guard standing.hasRefusal else { return "work may come" }
        let refusal = standing.refusal
        let until = refusal.untilSeconds == 0 ? "" : " for \(clock.wait(refusal.untilSeconds))"
        return "no work\(until) (\(refusal.rule)): \(refusal.sentence)"
    }
}

extension Plimsoll_V1_Refusal {
    /// Rounded up, so that nobody asks too early; 0: no moment is known.
    var untilSeconds: UInt64 { (untilMilliseconds + 999) / 1_000 }

    /// Every parameter and value.
    var json: JSONValue {
        [
            "rule": .string(rule), "value": .string(value), "limit": .string(limit), "sentence": .string(sentence),
            "until_seconds": untilSeconds == 0 ? .null : .number(JSONNumber(Int(clamping: untilSeconds))),
        ]
    }
}

extension Plimsoll_V1_LimitLoad {
    var json: JSONValue {
        let unitName =
            switch unit {
            case .seconds: "seconds"
            case .state: "state"
            default: "count"
            }
        return [
            "rule": .string(rule), "scope": .textOrNull(scope), "project": .textOrNull(project),
            "unit": .string(unitName),
            "value": .number(JSONNumber(Int(clamping: value))), "limit": .number(JSONNumber(Int(clamping: limit))),
            "share_percent": .number(JSONNumber(Int(sharePercent))), "reached": .bool(reached),
            "source": .textOrNull(source), "policy": .textOrNull(policy),
            "changes_in_seconds": changesInSeconds == 0
                ? .null : .number(JSONNumber(Int(clamping: changesInSeconds))),
        ]
    }
}
