import PlimsollModel
import Testing

@Suite struct EffectiveLimitsTests {
    /// SplitMix64, so that a failure can be run again.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let keys: [(String, [String])] = [
        ("open-leases", ["0", "1", "3", "8"]), ("day-time", ["0s", "1h", "4h", "6h", "20h"]),
        ("week-time", ["5h", "20h", "45h", "90h"]), ("day-tasks", ["0", "10", "500"]),
        ("lease-lifetime", ["2m", "50m", "3h"]), ("parked-leases", ["0", "3", "9"]), ("parked-time", ["1h", "72h"]),
        ("daily-rest", ["11h", "12h", "20h"]), ("quiet-hours", ["20:00-08:00", "22:00-05:00", "12:00-13:00"]),
        ("kind-day", ["0s", "2h", "8h"]), ("kind-week", ["1h", "12h", "40h"]),
        ("severity-2-day", ["0s", "60m", "4h"]), ("severity-3-day", ["0s", "10m"]),
    ]

    private static func layer(_ generator: inout Seeded) throws -> WorkloadLimits {
        var lines = ""
        for (key, values) in keys where Bool.random(using: &generator) {
            lines += "\(key): \(values.randomElement(using: &generator) ?? "")\n"
        }
        return try PolicyDocument.layer(yaml: lines)
    }

    private static func values(_ limits: WorkloadLimits) -> [String: String] {
        Dictionary(uniqueKeysWithValues: PolicyDocument.entries(limits).map { ($0.key, $0.value) })
    }

    /// Whether of these limits every key is at least as strict as the layer wants it.
    private static func respects(_ limits: WorkloadLimits, _ layer: WorkloadLimits, but skipped: Set<String> = [])
        -> Bool
    {
        let tightened = values(limits.tightened(by: layer))
        return values(limits).allSatisfy { skipped.contains($0.key) || tightened[$0.key] == $0.value }
    }

    @Test func `no layer ever loosens, and quiet hours only by the engineer`() throws {
        var generator = Seeded(state: 2_026)
        for round in 0..<3_000 {
            var document = PolicyDocument.defaults
            document.limits = try Self.layer(&generator)
            let team = try Self.layer(&generator)
            let project = try Self.layer(&generator)
            let engineer = PersonalLimits(limits: try Self.layer(&generator))
            let effective = EffectiveLimits(document: document, team: team, project: project, engineer: engineer)
            for layer in [document.limits, team, project, engineer.limits] {
                #expect(Self.respects(effective.limits, layer), "round \(round)")
            }
            let without = EffectiveLimits(document: document, team: team, project: project)
            #expect(effective.limits.quietHours == without.limits.quietHours, "round \(round)")

            // Opened by the engineer, everything else stays.
            let opened = EffectiveLimits(
                document: document, team: team, project: project,
                engineer: PersonalLimits(limits: engineer.limits, quietHours: .own(nil)))
            #expect(opened.limits.quietHours == nil)
            var same = opened.limits
            same.quietHours = effective.limits.quietHours
            #expect(same == effective.limits, "round \(round)")
        }
    }

    @Test func `half of a pair in a layer has the other half as it is shipped`() throws {
        let document = try PolicyDocument(
            yaml: "limits: {continuous-time: none, break: none, weekly-rest: none, weekly-rest-days: none}")
        let team = try PolicyDocument.layer(yaml: "continuous-time: 30m\nweekly-rest-days: 5\n")
        let effective = EffectiveLimits(document: document, team: team)
        #expect(effective.limits.continuousTime == .minutes(30) && effective.limits.breakTime == .minutes(10))
        #expect(effective.limits.weeklyRest == .hours(35) && effective.limits.weeklyRestDays == 5)
        #expect(effective.entries.first { $0.key == "break" }?.source == .team)
        #expect(EffectiveLimits(document: document).limits.breakTime == nil)
    }

    @Test func `a raise lifts no further than ceiling and law, and the layers still hold`() throws {
        var generator = Seeded(state: 48)
        for round in 0..<3_000 {
            var document = PolicyDocument.defaults
            document.limits = try Self.layer(&generator)
            document.ceiling = Bool.random(using: &generator) ? try Self.layer(&generator) : nil
            let raise = try Self.layer(&generator)
            let team = try Self.layer(&generator)
            let effective = EffectiveLimits(document: document, team: team, raise: raise)
            #expect(Self.respects(effective.limits, team), "round \(round)")
            let ceiling = document.ceiling ?? WorkloadLimits()
            let named = Self.values(ceiling).filter { $0.value != "none" }
            let byCeiling = Self.values(effective.limits.tightened(by: ceiling).tightened(by: .legalCeiling))
            let byDocument = Self.values(effective.limits.tightened(by: document.limits))
            for (key, value) in Self.values(effective.limits) {
                let isBelowDocument = byDocument[key] == value
                let isBelowCeiling = named[key] != nil && byCeiling[key] == value && key != "quiet-hours"
                #expect(isBelowDocument || isBelowCeiling, "round \(round): \(key) \(value)")
            }
        }
    }

    @Test func `each value says where it comes from`() throws {
        let document = try PolicyDocument(
            yaml: "limits: {open-leases: 5, day-time: 4h}\nceiling: {day-time: 6h, week-time: 30h}\n")
        let effective = EffectiveLimits(
            document: document, team: try PolicyDocument.layer(yaml: "{kind-day: 1h, break: 5m}"),
            project: try PolicyDocument.layer(yaml: "parked-leases: 1"),
            engineer: try PersonalLimits(yaml: "{open-leases: 2, quiet-hours: none}"),
            raise: try PolicyDocument.layer(yaml: "{day-time: 9h, week-time: 30h, kind-day: 9h}"))
        let sources = Dictionary(
            uniqueKeysWithValues: effective.entries.map { ($0.key, "\($0.value) \($0.source.rawValue)") })
        #expect(sources["day-time"] == "6h raise")
        #expect(sources["week-time"] == "30h raise")
        // The ceiling names no kind-day, and the team tightens what stands.
        #expect(sources["kind-day"] == "1h team")
        // A shorter break would be looser.
        #expect(sources["break"] == "10m shipped default")
        #expect(sources["parked-leases"] == "1 project")
        #expect(sources["open-leases"] == "2 engineer")
        #expect(sources["quiet-hours"] == "none engineer")
        #expect(sources["kind-week"] == "12h shipped default")
        #expect(EffectiveLimits(document: document).entries.first { $0.key == "open-leases" }?.source == .document)
    }

    @Test(
        arguments: [
            ("day-time: 5h", nil), ("day-time: 6h", nil),
            ("day-time: 7h", "day-time 7h is beyond the policy's ceiling of 6h"),
            ("kind-day: 3h", "the policy's ceiling names no kind-day"),
            ("week-time: 49h", "week-time 49h is beyond what the law allows, 48h"), ("week-time: 48h", nil),
            (
                "quiet-hours: 23:00-05:00",
                "quiet-hours is not raised: only the engineer opens them, with policy layer set --me"
            ),
            ("{}", "a raise names at least one limit"),
        ] as [(String, String?)])
    func `what can be raised`(raise: String, problem: String?) throws {
        let document = try PolicyDocument(yaml: "ceiling: {day-time: 6h, week-time: 60h, quiet-hours: 23:00-05:00}")
        let limits = try PolicyDocument.layer(yaml: raise)
        #expect(limits.problemAsRaise(under: document.ceiling) == problem)
        #expect(try PolicyDocument.layer(yaml: limits.layerYAML()) == limits)
    }

    @Test func `only quiet hours may be none in a personal layer`() throws {
        #expect(try PersonalLimits(yaml: "quiet-hours: none").quietHours == .own(nil))
        #expect(try PersonalLimits(yaml: "quiet-hours: 23:00-06:00").quietHours == .own(QuietHours("23:00-06:00")))
        #expect(try PersonalLimits(yaml: "day-time: 1h").quietHours == .asTheyAre)
        #expect(throws: ModelError.self) { try PersonalLimits(yaml: "day-time: none") }
        #expect(throws: ModelError.self) { try PersonalLimits(yaml: "oversight: {span-max: 3}") }
    }

    @Test(arguments: [
        ("open-leases: 0", true), ("open-leases: 1", false), ("day-time: 0s", true), ("day-time: 1s", false),
        ("week-time: 0", true), ("day-tasks: 0", true), ("day-tasks: 1", false), ("kind-day: 0s", true),
        ("kind-week: 0s", true), ("kind-week: none", false), ("severity-2-day: 0s", false),
        ("quiet-hours: 08:00-07:59", true), ("quiet-hours: 08:00-07:58", false), ("daily-rest: 24h", true),
        ("daily-rest: 23h", false), ("parked-leases: 0", false),
    ])
    func `a policy that stops everyone is known as such`(line: String, stops: Bool) throws {
        #expect((try PolicyDocument(yaml: "limits: {\(line)}").stopsEveryone != nil) == stops)
        #expect(PolicyDocument.defaults.stopsEveryone == nil)
    }
}
