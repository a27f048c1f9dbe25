import PlimsollModel

/// A stretch in which one lease was open, [from, to).
struct Stretch: Equatable {
    var from: Micros
    var to: Micros
    var kind: String
    var severity: Int
}

/// What the rules say of time, over one person's stretches up to an instant: which rules hold then, and the first
/// moment at which one could be reached if something is leased from then on without a pause.
struct TimeRules {
    let limits: Limits
    let local: LocalTime
    let declaredWeek: Micros
    let now: Micros
    let kind: String
    let severity: Int
    /// The union of everything that was leased, in order, each up to `now`.
    private let all: [Run]
    private let ofKind: [Run]
    private let ofSeverity: [Run]
    private(set) var rules: Set<Rule> = []
    /// The first moment a limit could be reached.
    private(set) var bound = Micros.never
    private(set) var nearest: Rule?

    private typealias Run = (from: Micros, to: Micros)

    init(
        _ stretches: [Stretch], kind: String, severity: Int, limits: Limits, local: LocalTime, declaredWeek: Micros = 0,
        at now: Micros
    ) {
        self.declaredWeek = declaredWeek
        self.limits = limits
        self.local = local
        self.now = now
        self.kind = kind
        self.severity = severity
        all = Self.union(stretches, up: now)
        ofKind = Self.union(stretches.filter { $0.kind == kind }, up: now)
        ofSeverity = Self.union(stretches.filter { $0.severity == severity }, up: now)
        judge()
    }

    private static func union(_ stretches: [Stretch], up now: Micros) -> [Run] {
        var result: [Run] = []
        for stretch in stretches.sorted(by: { $0.from < $1.from }) {
            let to = min(stretch.to, now)
            guard stretch.from < to else { continue }
            if let last = result.last, stretch.from <= last.to {
                result[result.count - 1].to = max(last.to, to)
            } else {
                result.append((stretch.from, to))
            }
        }
        return result
    }

    private static func total(_ runs: [Run], from: Micros, to: Micros = .never) -> Micros {
        runs.reduce(0) { $0 + max(0, min($1.to, to) - max($1.from, from)) }
    }

    private mutating func judge() {
        perPeriod(.dayTime, limits.dayTime, all, isWeek: false)
        perPeriod(.weekTime, limits.weekTime, all, isWeek: true)
        perPeriod(.kindDay, limits.kindDay, ofKind, isWeek: false)
        perPeriod(.kindWeek, limits.kindWeek, ofKind, isWeek: true)
        if severity == 2 { perPeriod(.severityDay, limits.severity2Day, ofSeverity, isWeek: false) }
        if severity == 3 { perPeriod(.severityDay, limits.severity3Day, ofSeverity, isWeek: false) }
        sinceGap(.breakTime, limits.continuousTime, gap: limits.breakTime)
        sinceGap(.sixHours, 6 * .hour, gap: 20 * .minute)
        dailyRest()
        weeklyRest()
        weekAverage()
        if let quiet = limits.quietHours {
            let next = local.nextQuiet(now, from: quiet.from, to: quiet.to)
            if next == now { rules.insert(.quietHours) } else { reach(.quietHours, next) }
        }
    }

    private mutating func reach(_ rule: Rule, _ at: Micros) {
        if at < bound {
            bound = at
            nearest = rule
        }
    }

    /// So much in a local date or ISO week, in this one and in those that follow.
    private mutating func perPeriod(_ rule: Rule, _ limit: Micros?, _ runs: [Run], isWeek: Bool) {
        guard let limit else { return }
        let today = local.day(now)
        var first = isWeek ? local.monday(ofDay: today) : today
        let used = Self.total(runs, from: local.start(ofDay: first))
        if used >= limit {
            rules.insert(rule)
            return
        }
        var from = now
        var left = limit - used
        for _ in 0..<3 {
            first += isWeek ? 7 : 1
            let end = local.start(ofDay: first)
            if from + left < end { return reach(rule, from + left) }
            (from, left) = (end, limit)
        }
    }

    /// Leased time since the last gap of this length.
    private mutating func sinceGap(_ rule: Rule, _ limit: Micros?, gap: Micros?) {
        guard let limit, let gap else { return }
        var used: Micros = 0
        var next = now
        for run in all.reversed() {
            if next - run.to >= gap { break }
            used += run.to - run.from
            next = run.from
        }
        if used >= limit { rules.insert(rule) } else { reach(rule, now + limit - used) }
    }

    /// The law: 48 hours as the mean of the last 17 ISO weeks, with what the person declares for each.
    private mutating func weekAverage() {
        let first = local.start(ofDay: local.monday(ofDay: local.day(now)) - 16 * 7)
        let left = 17 * (48 * .hour - declaredWeek) - Self.total(all, from: first)
        if left <= 0 { rules.insert(.weekAverage) } else { reach(.weekAverage, now + left) }
    }

    /// A work period starts with the first lease after the rest; nothing is open later than a day less the rest after.
    private mutating func dailyRest() {
        let rest = limits.restBetweenDays
        let most = 24 * .hour - rest
        var start = now
        for run in all.reversed() {
            if start - run.to >= rest { break }
            start = run.from
        }
        if now >= start + most { rules.insert(.dailyRest) } else { reach(.dailyRest, start + most) }
    }

    /// After leased time on so many local dates since the last long gap, none until such a gap.
    private mutating func weeklyRest() {
        guard let rest = limits.weeklyRest, let most = limits.weeklyRestDays else { return }
        var days: Set<Int> = []
        var next = now
        for run in all.reversed() {
            if next - run.to >= rest { break }
            for day in local.day(run.from)...local.day(run.to - 1) { days.insert(day) }
            next = run.from
        }
        let today = local.day(now)
        days.insert(today)
        if days.count > most {
            rules.insert(.weeklyRest)
            return
        }
        reach(.weeklyRest, local.start(ofDay: today + 1 + most - days.count))
    }
}
