import PlimsollModel
import Testing

@testable import QualityReview

@Suite("A person's load is what the gate sees")
struct LoadLineTests {
    /// Rules that are measured, and so have a row.
    private static let measured: [Rule] = [
        .openLeases, .dayTime, .weekTime, .dayTasks, .breakTime, .dailyRest, .weeklyRest, .quietHours, .kindDay,
        .kindWeek, .severityDay, .sixHours, .weekAverage,
    ]

    // MARK: - Random histories

    private static func limits(_ random: inout SeededGenerator) -> WorkloadLimits {
        func time(_ minutes: [Int]) -> Duration? {
            Bool.random(using: &random) ? .minutes(minutes.randomElement(using: &random) ?? 0) : nil
        }
        var limits = WorkloadLimits()
        limits.openLeases = Bool.random(using: &random) ? Int.random(in: 0...4, using: &random) : nil
        limits.dayTasks = Bool.random(using: &random) ? Int.random(in: 0...12, using: &random) : nil
        limits.dayTime = time([0, 30, 120, 240])
        limits.weekTime = time([0, 240, 600, 1_200])
        limits.continuousTime = time([10, 30, 50])
        limits.breakTime = time([5, 10, 20])
        limits.dailyRest = time([660, 720, 1_200])
        limits.weeklyRest = time([600, 2_100])
        limits.weeklyRestDays = Int.random(in: 1...6, using: &random)
        limits.quietHours =
            Bool.random(using: &random)
            ? QuietHours(start: 20 * 60, end: Int.random(in: 5...9, using: &random) * 60)
            : nil
        limits.kindDay = time([0, 20, 120])
        limits.kindWeek = time([0, 60, 720])
        limits.severity2Day = time([0, 10, 60])
        limits.severity3Day = time([0, 20])
        return limits
    }

    private static func person(at now: Moment, _ random: inout SeededGenerator) -> PersonFacts {
        Scene.person { person in
            person.zone = ["Europe/Berlin", "Asia/Kolkata", "America/St_Johns"].randomElement(using: &random) ?? "UTC"
            if Int.random(in: 0..<5, using: &random) == 0 {
                person.formerZone = FormerZone(
                    name: "Pacific/Auckland", until: now + .hours(Int.random(in: 1...100, using: &random)))
            }
            var at = now - .hours(24 * Int.random(in: 0...9, using: &random) + 2)
            let pauses = [1, 5, 10, 20, 60, 700, 840]
            while at < now {
                let length = Duration.minutes([5, 10, 20, 30, 120, 360].randomElement(using: &random) ?? 1)
                let end = min(at + length, now)
                person.worked.add(
                    WorkInterval(start: at, end: end), kind: ["puzzle", "rating"].randomElement(using: &random) ?? "",
                    severity: Int.random(in: 0...3, using: &random))
                at = end + .minutes(pauses.randomElement(using: &random) ?? 1)
            }
            if Int.random(in: 0..<4, using: &random) == 0, let zone = try? Zone.named(person.zone) {
                let hours = Int.random(in: 6...8, using: &random)
                person.worked.totals = (20...118).reversed().map {
                    DayTotal(day: zone.day(at: now).advanced(by: -$0), worked: .hours(hours))
                }
            }
            person.declaredWeek = .hours([0, 0, 10, 48].randomElement(using: &random) ?? 0)
            person.openLeases = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                OpenLease(
                    granted: now - .minutes(Int.random(in: 0...40, using: &random)),
                    deadline: now + .minutes(Int.random(in: -2...30, using: &random)), kind: "puzzle",
                    severity: Int.random(in: 0...3, using: &random), project: Scene.project)
            }
            if let zone = try? Zone.named(person.zone) {
                person.labelsByDay = DayCount(
                    day: zone.day(at: now).advanced(by: -Int.random(in: 0...1, using: &random)),
                    count: Int.random(in: 0...12, using: &random))
            }
            person.agreements = [.takingPart, PurposeName("severity-2"), PurposeName("severity-3")].map {
                Scene.agreement($0, until: now + .hours(2_000))
            }
        }
    }

    /// The limits without every one but those of one rule; the law's stay.
    private static func alone(_ rule: Rule, of limits: WorkloadLimits) -> WorkloadLimits {
        var alone = WorkloadLimits()
        switch rule {
        case .openLeases: alone.openLeases = limits.openLeases
        case .dayTime: alone.dayTime = limits.dayTime
        case .weekTime: alone.weekTime = limits.weekTime
        case .dayTasks: alone.dayTasks = limits.dayTasks
        case .breakTime: (alone.continuousTime, alone.breakTime) = (limits.continuousTime, limits.breakTime)
        case .dailyRest: alone.dailyRest = limits.dailyRest
        case .weeklyRest: (alone.weeklyRest, alone.weeklyRestDays) = (limits.weeklyRest, limits.weeklyRestDays)
        case .quietHours: alone.quietHours = limits.quietHours
        case .kindDay: alone.kindDay = limits.kindDay
        case .kindWeek: alone.kindWeek = limits.kindWeek
        case .severityDay: (alone.severity2Day, alone.severity3Day) = (limits.severity2Day, limits.severity3Day)
        default: break
        }
        return alone
    }

    private static func rule(of row: LoadRow) -> Rule? { if case .rule(let rule) = row.limit { rule } else { nil } }

    @Test("The share is 100 percent exactly where the gate refuses by that rule, for every rule and any history")
    func shareAndGate() throws {
        var full: [Rule: Int] = [:]
        var open: [Rule: Int] = [:]
        for seed in 1...40 {
            var random = SeededGenerator(seed: UInt64(seed))
            for _ in 0..<150 {
                let now = Scene.now + .minutes(Int.random(in: 0...(7 * 1_440), using: &random))
                let person = Self.person(at: now, &random)
                let limits = Self.limits(&random)
                let lane = Scene.lane {
                    $0.kind = ["puzzle", "rating"].randomElement(using: &random) ?? ""
                    $0.severity = Int.random(in: 0...3, using: &random)
                    $0.effortSeconds = 0
                }
                let line = LoadLine(of: person, parked: 0, limits: limits, kinds: [lane.kind], now: now)
                let rows = line.rows.filter { row in
                    row.scope.map { $0 == lane.kind || $0 == LimitCheck.severityScope(lane.severity) } ?? true
                }
                for row in rows {
                    guard let rule = Self.rule(of: row) else { continue }
                    try #require(row.isReached == (row.sharePercent == 100), "\(seed) \(row)")
                    // Only where a rest of 24 hours leaves no time at all is nothing of nothing used.
                    if row.gauge.limit > 0 { try #require(row.isReached == (row.gauge.used >= row.gauge.limit)) }
                    let answer = Scene.decide(person, lane, Self.alone(rule, of: limits), now: now)
                    if row.isReached {
                        full[rule, default: 0] += 1
                        let refusal = try #require(answer.refusal, "\(seed) \(row)")
                        let isOutlasted = [.sixHours, .weekAverage, .dailyRest].contains(refusal.rule)
                        try #require(refusal.rule == rule || isOutlasted, "\(seed) \(row) \(refusal)")
                        if refusal.rule == rule { try #require(refusal.until == row.changes) }
                    } else {
                        open[rule, default: 0] += 1
                        try #require(answer.refusal?.rule != rule, "\(seed) \(row)")
                    }
                }
                // All of them together: the one that lets go last speaks.
                let reached = rows.filter { $0.isReached && Self.rule(of: $0) != nil }
                let refusal = Scene.decide(person, lane, limits, now: now).refusal
                if reached.isEmpty {
                    try #require(refusal.map { !Self.measured.contains($0.rule) } ?? true, "\(seed) \(rows)")
                } else {
                    let last = reached.map { $0.changes ?? .distantFuture }.max()
                    try #require(refusal.map { $0.until ?? .distantFuture } == last)
                    try #require(reached.contains { Self.rule(of: $0) == refusal?.rule })
                }
            }
        }
        for rule in Self.measured {
            #expect(full[rule, default: 0] > 0, "\(rule) was never reached")
            #expect(open[rule, default: 0] > 0, "\(rule) was always reached")
        }
    }

    // MARK: - Boundaries

    private func line(
        _ limits: WorkloadLimits = .defaults, at now: Moment = Scene.now, _ change: (inout PersonFacts) -> Void
    ) -> LoadLine {
        LoadLine(of: Scene.person(change), parked: 2, limits: limits, now: now)
    }

    private func row(_ name: String, _ scope: String? = nil, in line: LoadLine) throws -> LoadRow {
        try #require(line.rows.first { $0.name == name && $0.scope == scope })
    }

    @Test(
        "A microsecond below a limit is 99 percent, at it 100",
        arguments: [("break", 50), ("day-time", 240), ("kind-day", 120), ("six-hours", 360)])
    func boundaries(name: String, minutes: Int) throws {
        for (less, share) in [(1, 99), (0, 100)] {
            let now = Scene.now + .hours(8)
            let line = line(at: now) { person in
                let length = Duration.minutes(minutes) - .microseconds(less)
                person.worked.add(WorkInterval(start: now - length, end: now), kind: "puzzle", severity: 0)
            }
            let row = try row(name, name == "kind-day" ? "puzzle" : nil, in: line)
            #expect(row.sharePercent == share)
            #expect(row.isReached == (share == 100))
            if less == 1, name == "break" { #expect(row.changes == now + .microseconds(1)) }
        }
    }

    @Test func countsAndWhatIsNotLimited() throws {
        let line = line {
            $0.openLeases = [Scene.lease(), Scene.lease()]
            $0.labelsByDay = DayCount(day: LocalDay("2026-03-30") ?? LocalDay(0), count: 5)
        }
        let open = try row("open-leases", in: line)
        #expect(open.gauge.used == 2 && open.gauge.limit == 3 && open.sharePercent == 66 && open.changes == nil)
        let parked = try row("parked-leases", in: line)
        #expect(parked.gauge.used == 2 && parked.sharePercent == 66 && !parked.isReached)
        // No limit of tasks a day by default, so there is nothing to measure against.
        #expect(!line.rows.contains { $0.name == "day-tasks" })
        #expect(try row("severity-day", "severity 3", in: line).sharePercent == 100)
        #expect(try row("severity-day", "severity 2", in: line).sharePercent == 0)
    }

    @Test func aZoneThatIsUnknownHidesWhatNeedsADate() {
        let line = line { $0.zone = "Mars/Olympus" }
        let names = Set(line.rows.map(\.name))
        #expect(names.isDisjoint(with: ["day-time", "week-time", "quiet-hours", "week-average", "weekly-rest"]))
        #expect(names.contains("break"))
    }

    // MARK: - Break and rest

    @Test func theNextBreakComesByTheClockWhileALeaseIsOpen() throws {
        let working = try #require(
            line {
                $0.worked.add(
                    WorkInterval(start: Scene.now - .minutes(38), end: Scene.now - .minutes(1)), kind: "puzzle",
                    severity: 0)
                $0.openLeases = [Scene.lease()]
            }.pause)
        #expect(working.rule == .breakTime && working.isCounting && working.ends == nil)
        #expect(working.after == .minutes(12) && working.length == .minutes(10))
        let paused = try #require(
            line {
                $0.worked.add(
                    WorkInterval(start: Scene.now - .minutes(53), end: Scene.now - .minutes(3)), kind: "puzzle",
                    severity: 0)
            }.pause)
        #expect(paused.after == .zero && !paused.isCounting && paused.ends == Scene.now + .minutes(7))
        // Where the deployment asks for no break the law's gap is the next one.
        var free = WorkloadLimits.defaults
        free.continuousTime = nil
        let law = try #require(line(free) { _ in }.pause)
        #expect(law.rule == .sixHours && law.after == .hours(6) && law.length == .minutes(20))
    }

    @Test func theRestClockCountsFromTheFirstLeaseOfThePeriod() throws {
        let idle = line { _ in }.rest
        #expect(idle.began == nil && idle.opensAgain == nil && idle.closes == Scene.now + .hours(13))
        let working = line {
            $0.worked.add(
                WorkInterval(start: Scene.now - .hours(2), end: Scene.now - .hours(1)), kind: "puzzle", severity: 0)
        }.rest
        #expect(working.began == Scene.now - .hours(2) && working.closes == Scene.now + .hours(11))
        #expect(working.opensAgain == Scene.now + .hours(10) && !working.isResting(at: Scene.now))
        let now = Scene.now + .hours(12)
        let resting = line(at: now) { person in
            for hour in [13, 7, 1] {
                person.worked.add(
                    WorkInterval(start: now - .hours(hour), end: now - .hours(hour) + .minutes(30)), kind: "puzzle",
                    severity: 0)
            }
        }.rest
        #expect(resting.isResting(at: now) && resting.closes == now)
        #expect(resting.opensAgain == now - .minutes(30) + .hours(11))
    }
}
