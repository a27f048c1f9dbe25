import Foundation
import PlimsollModel
import Testing

@testable import QualityReview

/// The rules about time once more, as slowly and plainly as they can be said: leased time is a set of minutes, and
/// every rule looks at each of them. Local dates come from Foundation's calendar. What the gate says must be the same.
private struct MinuteModel {
    /// Leased minutes since `origin`, with kind and severity.
    var leased: [Int: (kind: String, severity: Int)] = [:]
    let origin: Moment
    let limits: WorkloadLimits
    let calendar: Calendar

    init(origin: Moment, zone: String, limits: WorkloadLimits) throws {
        self.origin = origin
        self.limits = limits
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = try #require(TimeZone(identifier: zone))
        self.calendar = calendar
    }

    private func date(_ minute: Int) -> Date {
        Date(timeIntervalSince1970: Double(origin.seconds) + Double(minute) * 60)
    }
    private func day(_ minute: Int) -> DateComponents {
        calendar.dateComponents([.year, .month, .day], from: date(minute))
    }
    private func week(_ minute: Int) -> DateComponents {
        calendar.dateComponents([.yearForWeekOfYear, .weekOfYear], from: date(minute))
    }

    private func minutes(_ limit: Duration?) -> Int? { limit.map { Int($0.components.seconds) / 60 } }

    /// Leased minutes up to `minute`, back to the first gap of `gap` minutes.
    private func sinceGap(of gap: Int, upTo minute: Int) -> [Int] {
        var found: [Int] = []
        var idle = 0
        var at = minute
        while at >= 0, idle < gap {
            if leased[at] == nil {
                idle += 1
            } else {
                idle = 0
                found.append(at)
            }
            at -= 1
        }
        return found
    }

    /// Whether `minute`, which is leased, is one too many, and by which rules.
    func broken(by minute: Int, kind: String, severity: Int) -> Set<Rule> {
        var rules: Set<Rule> = []
        let before = leased.keys.filter { $0 <= minute }
        let today = before.filter { day($0) == day(minute) }
        let thisWeek = before.filter { week($0) == week(minute) }
        if let most = minutes(limits.dayTime), today.count > most { rules.insert(.dayTime) }
        if let most = minutes(limits.weekTime), thisWeek.count > most { rules.insert(.weekTime) }
        if let most = minutes(limits.kindDay), today.filter({ leased[$0]?.kind == kind }).count > most {
            rules.insert(.kindDay)
        }
        if let most = minutes(limits.kindWeek), thisWeek.filter({ leased[$0]?.kind == kind }).count > most {
            rules.insert(.kindWeek)
        }
        if severity == 2, let most = minutes(limits.severity2Day),
            today.filter({ leased[$0]?.severity == 2 }).count > most
        {
            rules.insert(.severityDay)
        }
        if let most = minutes(limits.continuousTime), let gap = minutes(limits.breakTime),
            sinceGap(of: gap, upTo: minute).count > most
        {
            rules.insert(.breakTime)
        }
        if sinceGap(of: 20, upTo: minute).count > 360 { rules.insert(.sixHours) }
        let rest = max(660, minutes(limits.dailyRest) ?? 0)
        if let start = sinceGap(of: rest, upTo: minute).last, minute - start >= 1_440 - rest {
            rules.insert(.dailyRest)
        }
        if let long = minutes(limits.weeklyRest), let most = limits.weeklyRestDays,
            Set(sinceGap(of: long, upTo: minute).map { day($0) }).count > most
        {
            rules.insert(.weeklyRest)
        }
        if let quiet = limits.quietHours {
            let clock = calendar.dateComponents([.hour, .minute], from: date(minute))
            if quiet.contains(minute: (clock.hour ?? 0) * 60 + (clock.minute ?? 0)) { rules.insert(.quietHours) }
        }
        return rules
    }
}

@Suite("The rules about time are what a minute-by-minute model says (P2)")
struct GateTimeModelTests {
    /// Weeks with a clock change, a leap day and a turn of the year, all Mondays at midnight UTC.
    private static let origins: [Int64] = [1_774_224_000, 1_792_368_000, 1_835_049_600, 1_798_416_000]

    private static func limits(_ random: inout SeededGenerator) -> WorkloadLimits {
        func maybe<Value>(_ value: Value, _ random: inout SeededGenerator) -> Value? {
            Int.random(in: 0..<3, using: &random) > 0 ? value : nil
        }
        var limits = WorkloadLimits()
        limits.dayTime = maybe(.minutes(Int.random(in: 30...300, using: &random)), &random)
        limits.weekTime = maybe(.minutes(Int.random(in: 200...1_500, using: &random)), &random)
        if Bool.random(using: &random) {
            limits.continuousTime = .minutes(Int.random(in: 10...90, using: &random))
            limits.breakTime = .minutes(Int.random(in: 2...30, using: &random))
        }
        limits.dailyRest = .hours(Int.random(in: 11...14, using: &random))
        if Bool.random(using: &random) {
            limits.weeklyRest = .hours(Int.random(in: 20...40, using: &random))
            limits.weeklyRestDays = Int.random(in: 1...6, using: &random)
        }
        limits.quietHours =
            maybe(
                QuietHours(
                    start: Int.random(in: 0..<720, using: &random), end: Int.random(in: 720..<1_440, using: &random)),
                &random) ?? nil
        if Bool.random(using: &random) {
            limits.quietHours = limits.quietHours?.others
        }
        limits.kindDay = maybe(.minutes(Int.random(in: 20...150, using: &random)), &random)
        limits.kindWeek = maybe(.minutes(Int.random(in: 100...700, using: &random)), &random)
        limits.severity2Day = maybe(.minutes(Int.random(in: 10...60, using: &random)), &random)
        return limits
    }

    @Test("whether, until when, and for how long not", arguments: 1...60)
    func agrees(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) &* 31 &+ 5)
        let origin = Moment(seconds: try #require(Self.origins.randomElement(using: &random)))
        let zone = try #require(
            ["Europe/Berlin", "America/New_York", "UTC", "Asia/Kolkata", "Australia/Lord_Howe"]
                .randomElement(using: &random))
        let limits = Self.limits(&random)
        var model = try MinuteModel(origin: origin, zone: zone, limits: limits)
        var history = WorkHistory()
        let kinds = ["puzzle", "rating"]
        // Some days of stretches and gaps, of which the rules need not have approved.
        var at = Int.random(in: 0..<2_000, using: &random)
        let end = at + Int.random(in: 500...9_000, using: &random)
        while at < end {
            let length = Int.random(in: 1...90, using: &random)
            let kind = try #require(kinds.randomElement(using: &random))
            let severity = Int.random(in: 0..<4, using: &random) == 0 ? 2 : 0
            for minute in at..<at + length { model.leased[minute] = (kind, severity) }
            history.add(
                WorkInterval(start: origin + .minutes(at), end: origin + .minutes(at + length)), kind: kind,
                severity: severity)
            at +=
                length
                + (Int.random(in: 0..<3, using: &random) == 0
                    ? Int.random(in: 600...2_400, using: &random) : Int.random(in: 1...45, using: &random))
        }
        let last = (model.leased.keys.max() ?? 0) + 1
        for _ in 0..<12 {
            let now = last + Int.random(in: 0...1_500, using: &random)
            let kind = try #require(kinds.randomElement(using: &random))
            let severity = Bool.random(using: &random) ? 2 : 0
            let person = Scene.person {
                $0.zone = zone
                $0.worked = history
                $0.agreements = [
                    Scene.agreement(.takingPart, from: .distantPast, until: .distantFuture),
                    Scene.agreement(.severity2, from: .distantPast, until: .distantFuture),
                ]
            }
            let lane = Scene.lane {
                $0.kind = kind
                $0.severity = severity
                $0.effortSeconds = 60
            }
            let answer = Gate.decide(
                person: person, lane: lane, limits: limits, now: origin + .minutes(now), want: 1)
            var ahead = model
            ahead.leased[now] = (kind, severity)
            let broken = ahead.broken(by: now, kind: kind, severity: severity)
            switch answer.decision {
            case .refused(let refusal):
                try #require(broken.contains(refusal.rule), "the gate: \(refusal), the model: \(broken) at \(now)")
                // By itself it lets go exactly then, if nothing is leased meanwhile.
                guard let until = refusal.until else { break }
                let minute = Int((until - origin).components.seconds / 60)
                var then = model
                then.leased[minute] = (kind, severity)
                try #require(!then.broken(by: minute, kind: kind, severity: severity).contains(refusal.rule))
                var before = model
                before.leased[minute - 1] = (kind, severity)
                try #require(
                    before.broken(by: minute - 1, kind: kind, severity: severity).contains(refusal.rule),
                    "\(refusal.rule) lets go before \(until)")
            case .granted(_, let deadline):
                try #require(broken.isEmpty, "the gate grants, the model: \(broken) at \(now)")
                let length = Int((deadline - origin).components.seconds / 60) - now
                // The length without a limit is three minutes, so two more are asked about.
                for minute in now..<now + length {
                    ahead.leased[minute] = (kind, severity)
                    try #require(ahead.broken(by: minute, kind: kind, severity: severity).isEmpty)
                }
                if length < 3 {
                    ahead.leased[now + length] = (kind, severity)
                    try #require(
                        !ahead.broken(by: now + length, kind: kind, severity: severity).isEmpty,
                        "the deadline is earlier than any limit")
                }
            }
        }
    }
}
