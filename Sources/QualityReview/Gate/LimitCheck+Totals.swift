import PlimsollModel

/// Limits on leased time by local date and ISO week.
extension LimitCheck {
    static let dayTime = LimitCheck(rule: .dayTime) { question in
        guard let limit = question.limits.dayTime else { return .clear }
        return question.inEachZone { zone in
            let day = zone.bounds(at: question.now)
            return question.total(
                .dayTime, used: question.load.leased(since: day.start), limit: limit, startsAgain: day.end)
        }
    }

    static let weekTime = LimitCheck(rule: .weekTime) { question in
        guard let limit = question.limits.weekTime else { return .clear }
        return question.inEachZone { zone in
            let week = zone.weekBounds(at: question.now)
            return question.total(
                .weekTime, used: question.load.leased(since: week.start), limit: limit, startsAgain: week.end)
        }
    }

    /// Rotation: the same kind for long tires, and swapping between kinds is not rest (`breakTime` counts all of them).
    static let kindDay = LimitCheck(rule: .kindDay) { question in
        guard let limit = question.limits.kindDay else { return .clear }
        let kind = question.lane.kind
        return question.inEachZone { zone in
            let day = zone.bounds(at: question.now)
            return question.total(
                .kindDay, used: question.load.leased(kind: kind, since: day.start), limit: limit, startsAgain: day.end,
                scope: kind)
        }
    }

    static let kindWeek = LimitCheck(rule: .kindWeek) { question in
        guard let limit = question.limits.kindWeek else { return .clear }
        let kind = question.lane.kind
        return question.inEachZone { zone in
            let week = zone.weekBounds(at: question.now)
            return question.total(
                .kindWeek, used: question.load.leased(kind: kind, since: week.start), limit: limit,
                startsAgain: week.end, scope: kind)
        }
    }

    /// How limits on one severity name it.
    static func severityScope(_ severity: Int) -> String { "severity \(severity)" }

    /// Harder material; a limit of zero means never.
    static let severityDay = LimitCheck(rule: .severityDay) { question in
        let severity = question.lane.severity
        guard let limit = question.limits.severityDay(severity) else { return .clear }
        let scope = severityScope(severity)
        guard limit > .zero else {
            return .refuses(
                Refusal(rule: .severityDay, value: "0s", limit: DurationText.format(limit), scope: scope),
                gauge: Gauge(used: .zero, limit: limit))
        }
        return question.inEachZone { zone in
            let day = zone.bounds(at: question.now)
            return question.total(
                .severityDay, used: question.load.leased(severity: severity, since: day.start), limit: limit,
                startsAgain: day.end, scope: scope)
        }
    }

    /// The mean over the present ISO week and the sixteen before it, with what the person works elsewhere; no document
    /// can lift it.
    static let weekAverage = LimitCheck(rule: .weekAverage) { question in
        question.inEachZone { zone in
            let week = zone.weekBounds(at: question.now)
            let monday = zone.day(at: question.now).weekStart
            let weeks = LegalCeiling.weekAverageWeeks
            let first = monday.advanced(by: -7 * (weeks - 1))
            let elsewhere = question.person.declaredWeek * weeks
            let most = LegalCeiling.weekAverage * weeks
            let used = question.load.leased(from: first, in: zone) + elsewhere
            let gauge = Gauge(used: used, limit: most, over: weeks)
            /// When weeks enough have dropped out, if nothing more is worked; nil: what is worked elsewhere leaves none.
            func turn(with total: Duration) -> Moment? {
                guard elsewhere < most else { return nil }
                for dropped in 1...weeks {
                    let kept = question.load.leased(from: first.advanced(by: 7 * dropped), in: zone) + elsewhere
                    if total - used + kept < most { return zone.start(of: monday.advanced(by: 7 * dropped)) }
                }
                return nil
            }
            guard used < most else {
                return .refuses(
                    Refusal(
                        rule: .weekAverage, value: DurationText.readable(used / weeks),
                        limit: DurationText.readable(LegalCeiling.weekAverage), until: turn(with: used)), gauge: gauge)
            }
            let reached = question.now + (most - used)
            if reached < week.end {
                return .allows(until: reached, again: turn(with: most) ?? week.end, gauge: gauge)
            }
            // From the week's turn on the oldest week counts no more.
            let kept = question.load.leased(from: first.advanced(by: 7), in: zone) + elsewhere
            let room = most - kept - (week.end - question.now)
            return .allows(until: week.end + max(.zero, room), again: week.end, gauge: gauge)
        }
    }
}

extension GateQuestion {
    /// A total that grows from now on while the lease is open, and starts again at `end`.
    fileprivate func total(
        _ rule: Rule, used: Duration, limit: Duration, startsAgain end: Moment, scope: String? = nil
    ) -> LimitFinding {
        let gauge = Gauge(used: used, limit: limit)
        guard used < limit else {
            return .refuses(
                Refusal(
                    rule: rule, value: DurationText.readable(used), limit: DurationText.readable(limit),
                    until: limit > .zero ? end : nil, scope: scope), gauge: gauge)
        }
        // What is reached at the very turn is not reached: there the next day or week begins, with nothing in it.
        let reached = now + (limit - used)
        return .allows(until: reached < end ? reached : end + limit, again: end, scope: scope, gauge: gauge)
    }
}
