import PlimsollModel

/// Breaks, rests and quiet hours: time with nothing leased.
extension LimitCheck {
    /// After so much leased time without a real gap comes one. Shorter gaps neither count nor reset.
    static let breakTime = LimitCheck(rule: .breakTime) { question in
        guard let limit = question.limits.continuousTime, let gap = question.limits.breakTime else { return .clear }
        return question.pause(.breakTime, after: limit, gap: gap)
    }

    /// The law's gap after six hours; no document can lift it.
    static let sixHours = LimitCheck(rule: .sixHours) { question in
        question.pause(.sixHours, after: LegalCeiling.sixHours, gap: LegalCeiling.sixHoursGap)
    }

    /// A work period starts with the first lease after a rest; the rest of the 24 hours from then is the next one.
    static let dailyRest = LimitCheck(rule: .dailyRest) { question in
        let (rest, length) = question.workPeriod
        guard let start = question.load.start(afterGap: rest) else {
            let end = question.now + length
            return .allows(until: end, again: end + rest, gauge: Gauge(used: .zero, limit: length))
        }
        let end = start + length
        let gauge = Gauge(used: question.now - start, limit: length)
        guard question.now < end else {
            return .refuses(
                Refusal(
                    rule: .dailyRest, value: DurationText.readable(question.now - start),
                    limit: DurationText.readable(rest), until: question.end(before: question.now) + rest),
                gauge: gauge)
        }
        return .allows(until: end, again: question.end(before: end) + rest, gauge: gauge)
    }

    /// After work on so many local dates since the last long rest, none on another before such a rest.
    static let weeklyRest = LimitCheck(rule: .weeklyRest) { question in
        guard let rest = question.limits.weeklyRest, let most = question.limits.weeklyRestDays else { return .clear }
        return question.inEachZone { zone in
            let worked = question.load.dates(afterGap: rest, in: zone)
            let withToday = worked.count + (worked.includesToday ? 0 : 1)
            // Days that are behind: a last one that has begun may be finished.
            let gauge = Gauge(used: withToday - 1, limit: most)
            guard withToday <= most else {
                return .refuses(
                    Refusal(
                        rule: .weeklyRest, value: String(worked.count), limit: DurationText.readable(rest),
                        until: question.end(before: question.now) + rest), gauge: gauge)
            }
            let last = zone.day(at: question.now).advanced(by: most - withToday)
            let end = zone.end(of: last)
            // A date that passes unworked is none of those, and the next one may be worked in its place.
            let rested = question.end(before: end) + rest
            let tonight = zone.end(of: zone.day(at: question.now))
            let again = worked.includesToday ? rested : rested > question.now ? min(rested, tonight) : tonight
            return .allows(until: end, again: again, gauge: gauge)
        }
    }

    /// Local hours in which nothing is leased. Only the engineer opens them, and then there are none here.
    static let quietHours = LimitCheck(rule: .quietHours) { question in
        guard let quiet = question.limits.quietHours else { return .clear }
        let finding = question.inEachZone { zone in
            let begins = zone.first(from: question.now, within: quiet)
            let ends = zone.first(from: begins, within: quiet.others)
            guard begins > question.now else {
                return .refuses(
                    Refusal(rule: .quietHours, value: "", limit: quiet.description, until: ends),
                    gauge: Gauge(isFull: true))
            }
            return .allows(until: begins, again: ends, gauge: Gauge(isFull: false))
        }
        // Where one zone's night ends the other's may have begun.
        switch finding {
        case .refuses(let refusal, let gauge):
            let until = refusal.until.map { question.morning(from: $0, quiet) }
            return .refuses(refusal.letting(go: until), gauge: gauge)
        case .allows(let most, let until, let again, let scope, let gauge):
            return .allows(
                count: most, until: until, again: again.map { question.morning(from: $0, quiet) }, scope: scope,
                gauge: gauge)
        case .clear: return .clear
        }
    }
}

extension GateQuestion {
    /// The first moment from this one on that is quiet in none of the zones that count by then.
    fileprivate func morning(from moment: Moment, _ quiet: QuietHours) -> Moment {
        // Of one zone it is the morning already.
        guard zones.count > 1 else { return moment }
        var at = moment
        // Two nights can meet a few times before both are over, or the former zone is.
        for _ in 0..<Self.nightsMet {
            let until = person.formerZone?.until ?? at
            let counting = at < until ? zones : Array(zones.prefix(1))
            guard let index = counting.firstIndex(where: { $0.first(from: at, within: quiet) <= at }) else { return at }
            let ends = counting[index].first(from: at, within: quiet.others)
            at = index == 0 ? ends : min(ends, until)
        }
        return at
    }

    private static let nightsMet = 20

    /// How long nothing is leased between two work periods, and what that leaves of 24 hours for one.
    var workPeriod: (rest: Duration, length: Duration) {
        let rest = max(limits.dailyRest ?? .zero, LegalCeiling.dailyRest)
        return (rest, max(.zero, Duration.hours(24) - rest))
    }

    /// A gap that is due after so much leased time without one.
    fileprivate func pause(_ rule: Rule, after limit: Duration, gap: Duration) -> LimitFinding {
        let run = load.run(withoutGap: gap)
        let gauge = Gauge(used: run, limit: limit)
        guard run < limit else {
            return .refuses(
                Refusal(
                    rule: rule, value: DurationText.readable(run), limit: DurationText.readable(gap),
                    until: end(before: now) + gap), gauge: gauge)
        }
        let reached = now + (limit - run)
        // Nothing open: what counts is over, and a gap from then on takes it away.
        return .allows(until: reached, again: end(before: reached) + gap, gauge: gauge)
    }
}
