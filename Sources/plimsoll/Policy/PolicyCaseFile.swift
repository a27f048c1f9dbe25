import Foundation
import PlimsollModel
import QualityReview

/// A file of policy tests: a policy, and cases with what the gate is expected to say.
struct PolicyCaseFile {
    let cases: [GateCase]

    private static let project = ProjectID(1)
    private static let caseKeys = [
        "name", "like", "zone", "former_zone", "agreements", "worked", "days", "elsewhere", "open", "labels_today",
        "enrolled", "denied", "paused", "at", "ask", "want", "team", "project", "engineer", "expect",
    ]

    init(path: String) throws {
        let file = try YAMLMap(text: TextFile.read(path), file: path)
        try file.allow(keys: ["policy", "cases"])
        let document = try Self.policy(file, beside: path)
        guard let entries = try file.maps("cases"), !entries.isEmpty else {
            throw file.failure("cases", "must be a list of at least one case")
        }
        var known: [String: YAMLMap] = [:]
        var cases: [GateCase] = []
        for entry in entries {
            try entry.allow(keys: Self.caseKeys)
            let name = try entry.required("name")
            guard known[name] == nil else { throw entry.failure("name", "“\(name)” is there twice") }
            var whole = entry
            if let other = try entry.string("like") {
                guard let base = known[other] else {
                    throw entry.failure("like", "names no case above this one: “\(other)”")
                }
                whole = try entry.filled(from: base, merging: ["ask"])
            }
            known[name] = whole
            cases.append(try Self.gateCase(name, whole, document))
        }
        self.cases = cases
    }

    /// A path relative to the file, or a document in place.
    private static func policy(_ file: YAMLMap, beside path: String) throws -> PolicyDocument {
        if let inPlace = try file.document("policy") {
            do {
                return try PolicyDocument(proposed: inPlace)
            } catch {
                throw file.failure("policy", "cannot be used: \(error.message)")
            }
        }
        let name = try file.required("policy")
        let beside = URL(filePath: path).deletingLastPathComponent().appending(path: name).path
        return try ValidatePolicy.read(name.hasPrefix("/") ? name : beside).document
    }

    private static func gateCase(_ name: String, _ entry: YAMLMap, _ document: PolicyDocument) throws -> GateCase {
        let now = try entry.requiredMoment("at")
        guard let ask = try entry.map("ask") else { throw entry.failure("ask", "is missing") }
        try ask.allow(keys: ["kind", "severity", "effort", "purposes"])
        let lane = LaneAsk(
            project: project, kind: try ask.string("kind") ?? "task",
            severity: try ask.integer("severity", in: 0...3) ?? 0,
            effortSeconds: Int((try ask.duration("effort") ?? .minutes(5)).components.seconds),
            purposes: try (ask.strings("purposes") ?? []).map { PurposeName($0) },
            paused: try entry.bool("paused") ?? false)
        return GateCase(
            name: name, person: try person(entry, now), lane: lane, limits: try limits(entry, document), now: now,
            want: try entry.integer("want", in: 1...64) ?? 1, expected: try expectation(entry))
    }

    private static func limits(_ entry: YAMLMap, _ document: PolicyDocument) throws -> WorkloadLimits {
        func layer<Layer>(_ key: String, _ read: (String) throws(ModelError) -> Layer) throws -> Layer? {
            guard let text = try entry.document(key) else { return nil }
            do { return try read(text) } catch { throw entry.failure(key, "cannot be used: \(error.message)") }
        }
        return EffectiveLimits(
            document: document, team: try layer("team", PolicyDocument.layer),
            project: try layer("project", PolicyDocument.layer),
            engineer: try layer("engineer") { text throws(ModelError) in try PersonalLimits(yaml: text) }
        ).limits
    }

    private static func person(_ entry: YAMLMap, _ now: Moment) throws -> PersonFacts {
        var facts = PersonFacts(
            zone: try entry.string("zone") ?? "UTC",
            enrolled: try entry.bool("enrolled") ?? true ? [project] : [], denied: try entry.bool("denied") ?? false)
        if let former = try entry.map("former_zone") {
            try former.allow(keys: ["name", "changed"])
            facts.formerZone = FormerZone(
                name: try former.required("name"), until: try former.requiredMoment("changed") + FormerZone.kept)
        }
        for agreement in try entry.maps("agreements") ?? [] {
            try agreement.allow(keys: ["purpose", "state", "from", "until"])
            guard let state = AgreementState(rawValue: try agreement.required("state")) else {
                let known = AgreementState.allCases.map(\.rawValue).joined(separator: ", ")
                throw agreement.failure("state", "is one of \(known)")
            }
            facts.agreements.append(
                Agreement(
                    purpose: PurposeName(try agreement.required("purpose")), noticeID: "notice", noticeVersion: 1,
                    state: state, from: try agreement.requiredMoment("from"),
                    until: try agreement.moment("until") ?? .distantFuture))
        }
        for work in try entry.maps("worked") ?? [] {
            try work.allow(keys: ["from", "to", "kind", "severity"])
            facts.worked.add(
                WorkInterval(start: try work.requiredMoment("from"), end: try work.requiredMoment("to")),
                kind: try work.string("kind") ?? "task", severity: try work.integer("severity", in: 0...3) ?? 0)
        }
        for total in try entry.maps("days") ?? [] {
            try total.allow(keys: ["day", "worked"])
            guard let day = LocalDay(try total.required("day")), let worked = try total.duration("worked") else {
                throw total.failure("day", "takes a date such as 2026-03-30, and “worked” a duration")
            }
            facts.worked.totals.append(DayTotal(day: day, worked: worked))
        }
        facts.worked.totals.sort { $0.day < $1.day }
        facts.declaredWeek = try entry.duration("elsewhere") ?? .zero
        for lease in try entry.maps("open") ?? [] {
            try lease.allow(keys: ["since", "deadline", "kind", "severity"])
            let since = try lease.requiredMoment("since")
            facts.openLeases.append(
                OpenLease(
                    granted: since,
                    deadline: try lease.moment("deadline") ?? max(since + LeaseLength.longest, now + .seconds(1)),
                    kind: try lease.string("kind") ?? "task",
                    severity: try lease.integer("severity", in: 0...3) ?? 0, project: project))
        }
        if let labels = try entry.integer("labels_today", in: 0...1_000_000) {
            do {
                facts.labelsByDay = DayCount(day: try Zone.named(facts.zone).day(at: now), count: labels)
            } catch {
                throw entry.failure("zone", "is no time zone: \(error.message)")
            }
        }
        return facts
    }

    private static func expectation(_ entry: YAMLMap) throws -> GateCase.Expectation {
        guard let expect = try entry.map("expect") else { throw entry.failure("expect", "is missing") }
        try expect.allow(keys: ["granted", "deadline", "count", "refused", "until"])
        func only(_ outcome: String, with keys: Set<String>) throws {
            for key in expect.keys where !keys.contains(key) {
                throw expect.failure(key, "does not go with “\(outcome)”, so nothing would be compared with it")
            }
        }
        if let refused = try expect.string("refused") {
            try only("refused", with: ["refused", "until"])
            guard let rule = Rule(rawValue: refused) else {
                let known = Rule.allCases.map(\.rawValue).joined(separator: ", ")
                throw expect.failure("refused", "names no rule; known are \(known)")
            }
            return .refused(rule, until: try until(expect))
        }
        guard let granted = try expect.bool("granted") else {
            throw entry.failure("expect", "says “granted: true” or “refused: RULE”")
        }
        guard granted else {
            try only("granted: false", with: ["granted", "until"])
            return .refused(nil, until: try until(expect))
        }
        try only("granted: true", with: ["granted", "deadline", "count"])
        return .granted(deadline: try expect.moment("deadline"), count: try expect.integer("count", in: 0...64))
    }

    private static func until(_ expect: YAMLMap) throws -> GateCase.Until? {
        if try expect.string("until") == "never" { return .never }
        return try expect.moment("until").map { .moment($0) }
    }
}
