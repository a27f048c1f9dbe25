import PlimsollModel
import PlimsollProtocol

/// Why work comes to a person or does not, in lines of at most 80 columns: for the command and for the worker's screen.
/// Pure.
struct WhyText {
    let why: Plimsoll_V1_ExplainResponse
    let chosen: [Plimsoll_V1_Selection]
    let width: Int
    private let clock: WallClock

    init(_ why: Plimsoll_V1_ExplainResponse, _ chosen: [Plimsoll_V1_Selection], width: Int = 80) {
        self.why = why
        self.chosen = chosen
        self.width = min(width, 80)
        clock = WallClock(atMicroseconds: why.atMicroseconds, zone: why.zone)
    }

    var lines: [LoadText.Line] {
        var lines = [line("\(why.name), \(why.zone), \(clock.stamp(clock.now))"), line(""), title("now")]
        if why.projects.isEmpty { lines += indented("Nobody has chosen you for a project, so no work can come.") }
        for reason in why.projects { lines += told(reason) }
        lines += [line(""), title("refused before; kept 7 days, one whenever the deciding rule changes")]
        if why.refusals.isEmpty { lines += indented("Nothing was.") }
        for refusal in why.refusals { lines += told(refusal) }
        lines += [line(""), title("in your hands")]
        if why.leases.isEmpty { lines += indented("No task, open or parked.") }
        for lease in why.leases { lines += told(lease) }
        lines += [line(""), title("why you were chosen")]
        if chosen.isEmpty { lines += indented("Nobody has chosen you for a project.") }
        for selection in chosen { lines += told(selection) }
        return lines.map { LoadText.Line(text: Harmless.line($0.text), isStrong: $0.isStrong) }
    }

    private func line(_ text: String) -> LoadText.Line { .init(text: text) }
    private func title(_ text: String) -> LoadText.Line { .init(text: text, isStrong: true) }

    /// Wrapped, each line after so many blanks.
    private func indented(_ text: String, by margin: Int = 2) -> [LoadText.Line] {
        TextWidth.wrap(Harmless.line(text), width - margin).map { line(String(repeating: " ", count: margin) + $0) }
    }

    private func told(_ reason: Plimsoll_V1_ProjectReason) -> [LoadText.Line] {
        var lines = indented("\(reason.project): \(reason.sentence)")
        if reason.hasRefusal { lines += indented(figures(reason.refusal), by: 4) }
        if reason.cause == .mayCome {
            lines += indented(
                reason.hasNextLimit
                    ? "Working on, the next limit is \(LoadText.name(reason.nextLimit)) "
                        + "(\(LoadText.amount(reason.nextLimit))), in \(clock.wait(reason.nextLimit.changesInSeconds))."
                    : "No limit comes nearer by working on.", by: 4)
        }
        // Where all kinds are alike, all is said.
        guard reason.lanes.contains(where: { $0.cause != reason.cause || $0.refusal != reason.refusal }) else {
            return lines
        }
        for lane in reason.lanes {
            let severity = lane.severity == 0 ? "" : ", severity \(lane.severity)"
            let words =
                switch lane.cause {
                case .mayCome: "work may come"
                case .refused: "\(lane.refusal.sentence) (\(figures(lane.refusal)))"
                case .nothingLeft: "nothing is left for you"
                case .allInOtherHands: "all is in other hands"
                default: lane.cause.word
                }
            lines += indented("\(lane.kind)\(severity): \(words)", by: 4)
        }
        return lines
    }

    private func figures(_ refusal: Plimsoll_V1_Refusal) -> String {
        let end = refusal.untilSeconds == 0 ? "ends by an act, not by time" : "for \(clock.wait(refusal.untilSeconds))"
        return Self.figures(rule: refusal.rule, scope: "", value: refusal.value, limit: refusal.limit) + "; \(end)"
    }

    private static func figures(rule: String, scope: String, value: String, limit: String) -> String {
        var parts = ["rule \(rule)"]
        if !scope.isEmpty { parts.append("of \(scope)") }
        if !value.isEmpty { parts.append("value \(value)") }
        if !limit.isEmpty { parts.append("limit \(limit)") }
        return parts.joined(separator: ", ")
    }

    private func told(_ refusal: Plimsoll_V1_RefusalRecord) -> [LoadText.Line] {
        let at = clock.stamp(Moment(microseconds: refusal.atMicroseconds))
        let until =
            refusal.untilMicroseconds == 0
            ? "" : "; until \(clock.stamp(Moment(microseconds: refusal.untilMicroseconds)))"
        let figures = Self.figures(
            rule: refusal.rule, scope: refusal.scope, value: refusal.value, limit: refusal.limit)
        return indented("\(at)  \(figures)\(until)") + indented(refusal.sentence, by: 4)
    }

    private func told(_ lease: Plimsoll_V1_LeaseRecord) -> [LoadText.Line] {
        let end = clock.wait(lease.endsInSeconds)
        let state =
            lease.parked
            ? "parked by \(lease.atLimit ? "a limit" : "you"), kept for \(end)"
            : "open, for \(end) at the longest\(bound(lease))"
        let severity = lease.severity == 0 ? "" : ", severity \(lease.severity)"
        var lines = indented("\(lease.project) \(lease.key) (\(lease.kind)\(severity)): \(state)")
        let why = lease.why
        if lease.hasFigures {
            func time(_ used: UInt32, _ limit: UInt32) -> String {
                func text(_ seconds: UInt32) -> String { DurationText.readable(.seconds(Int64(seconds))) }
                return limit == 0 ? "\(text(used)), no limit" : "\(text(used)) of \(text(limit))"
            }
            func count(_ used: UInt32, _ limit: UInt32) -> String {
                limit == 0 ? "\(used), no limit" : "\(used) of \(limit)"
            }
            lines += indented(
                "when it was granted: open leases \(count(why.openLeases, why.openLeasesLimit)); tasks that day "
                    + "\(count(why.dayTasks, why.dayTasksLimit)); without a break "
                    + "\(time(why.continuousSeconds, why.continuousLimitSeconds)); that day "
                    + "\(time(why.daySeconds, why.dayLimitSeconds)); that week "
                    + "\(time(why.weekSeconds, why.weekLimitSeconds))", by: 4)
        }
        lines += indented(
            "stands on policy \(why.policyVersion), instructions \(lease.instructionsVersion) and "
                + (lease.agreements.isEmpty ? "no agreement" : lease.agreements.joined(separator: ", ")), by: 4)
        return lines
    }

    private func bound(_ lease: Plimsoll_V1_LeaseRecord) -> String {
        lease.why.deadlineRule.isEmpty ? "" : ", because of \(lease.why.deadlineRule)"
    }

    private func told(_ selection: Plimsoll_V1_Selection) -> [LoadText.Line] {
        let ended = selection.endedOn.isEmpty ? "" : "; ended on \(selection.endedOn) by \(selection.endedBy)"
        return indented(
            "\(selection.project): by \(selection.decidedBy) on \(selection.decidedOn), rule \(selection.rule)\(ended)")
            + indented(
                "data used: \(selection.dataUsed); offered instead: \(selection.alternativeOffered)", by: 4)
    }
}
