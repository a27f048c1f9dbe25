import Foundation
import PlimsollModel
import QualityReview

/// What the gate itself takes, without a database: a person with four weeks of work, five purposes, all limits.
struct DecisionRow: BenchRow {
    static let name = "decision"
    static let summary =
        "one decision of the gate: 200 intervals, 5 purposes, limits of policy, team, project and person"
    static let microsecondsMax = 5.0

    private static let decisions = 1_000_000
    private static let intervals = 200
    private static let asked = 64
    /// A Friday at noon in Berlin.
    private static let noon = PlimsollModel.Moment(seconds: 1_774_605_600)

    func run(_ context: BenchContext) async throws -> [Measurement] {
        let limits = try Self.limits()
        let person = Self.person()
        let lanes = Self.lanes()
        var runs: [Double] = []
        var granted = 0
        for _ in 0..<context.settings.runs {
            let start = DispatchTime.now().uptimeNanoseconds
            for index in 0..<Self.decisions {
                let answer = Gate.decide(
                    person: person, lane: lanes[index % lanes.count], limits: limits,
                    now: Self.noon + .milliseconds(index % 1_000), want: 1)
                if answer.isGranted { granted += 1 }
            }
            runs.append(Double(DispatchTime.now().uptimeNanoseconds - start) / Double(Self.decisions) / 1_000)
        }
        let mean = runs.median
        return [
            Measurement(
                "decision", runs, unit: "us", target: "5", met: mean < Self.microsecondsMax,
                notes: [
                    "mean of \(Self.decisions) decisions, \(granted / max(1, context.settings.runs)) of them grants; "
                        + "\(person.worked.intervals.all.count) intervals"
                ])
        ]
    }

    /// The deployment's document, tightened thrice.
    private static func limits() throws -> WorkloadLimits {
        let document = try PolicyDocument(yaml: "limits: {day-tasks: 500}\n")
        return EffectiveLimits(
            document: document, team: try PolicyDocument.layer(yaml: "week-time: 19h\n"),
            project: try PolicyDocument.layer(yaml: "kind-day: 110m\n"),
            engineer: try PersonalLimits(yaml: "day-time: 3h\n")
        ).limits
    }

    /// Ten stretches on each of twenty working days, the last of them this morning.
    private static func person() -> PersonFacts {
        let purposes = ["taking-part", "training", "evaluation", "severity-2", "throughput"]
        var facts = PersonFacts(
            zone: "Europe/Berlin", enrolled: [ProjectID(1)],
            agreements: purposes.map {
                Agreement(
                    purpose: PurposeName($0), noticeID: $0, noticeVersion: 1, state: .given,
                    from: noon - .hours(24 * 30), until: noon + .hours(24 * 30))
            })
        for day in 0..<28 where day % 7 < 5 {
            for stretch in 0..<(intervals / 20) {
                // From eight in the morning, ten minutes of every twenty.
                let start = noon - .hours(24 * (27 - day) + 4) + .minutes(20 * stretch)
                guard start < noon else { continue }
                facts.worked.add(
                    WorkInterval(start: start, end: start + .minutes(10)), kind: "kind-\(stretch % 3)", severity: 0)
            }
        }
        facts.labelsByDay = DayCount(day: LocalDay("2026-03-27") ?? LocalDay(0), count: 12)
        return facts
    }

    private static func lanes() -> [LaneAsk] {
        (0..<asked).map { index in
            LaneAsk(
                project: ProjectID(1), kind: "kind-\(index % 4)", severity: index % 8 == 0 ? 2 : 0, effortSeconds: 120,
                purposes: ["taking-part", "training", "evaluation", "throughput"].map { PurposeName($0) })
        }
    }
}
