import PlimsollModel

/// One person's leased time of some weeks, held against the limits on time as a whole: no kind, no severity, no
/// project, because that is how leased time is kept that long.
///
/// What lies beyond a limit was never worked here and counts for nothing that comes after it; so a break that was not
/// taken costs its ten minutes and not the rest of the day.
enum TimeReplay {
    /// Seconds beyond a limit, by rule, of the leased time in `window`. `history` is what was worked before it.
    static func beyond(
        of past: PersonPast, under limits: WorkloadLimits, in window: Range<Moment>, before history: WorkHistory
    ) -> [Rule: Int64] {
        var beyond: [Rule: Int64] = [:]
        var facts = past.standing
        facts.worked = history
        for interval in leased(by: past, in: window).all {
            var now = interval.start
            while now < interval.end {
                let standing = past.standing(at: now)
                facts.zone = standing.zone
                facts.formerZone = standing.formerZone
                switch Gate.time(of: facts, limits: limits, now: now) {
                case .over(let refusal):
                    let until = max(now + Gate.shortestStep, min(refusal.until ?? interval.end, interval.end))
                    beyond[refusal.rule, default: 0] += (min(until, interval.end) - now).microseconds / 1_000_000
                    now = until
                case .free(let until):
                    let end = max(now + Gate.shortestStep, min(until, interval.end))
                    facts.worked.add(WorkInterval(start: now, end: end), kind: "", severity: 0)
                    now = end
                }
            }
        }
        return beyond
    }

    /// The leased time in a window, each moment once.
    static func leased(by past: PersonPast, in window: Range<Moment>) -> WorkIntervals {
        WorkIntervals(
            past.worked.lazy.filter { $0.interval.end > window.lowerBound && $0.interval.start < window.upperBound }
                .map {
                    WorkInterval(
                        start: max($0.interval.start, window.lowerBound), end: min($0.interval.end, window.upperBound))
                })
    }
}
