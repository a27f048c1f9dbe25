import Ledger
import PlimsollModel
import PlimsollProtocol
import QualityReview
import SwiftProtobuf

/// A person's load against their line as the wire tells it, each limit with where it comes from.
struct PersonLoad {
    /// In no project in particular.
    let line: LoadLine
    /// What holds everywhere, then what differs in a project with limits of its own.
    let rows: [Plimsoll_V1_LimitLoad]
    /// Keys of limits that are not set for this person.
    let withoutLimit: [String]
    let ending: [Plimsoll_V1_EndingAgreement]

    /// Limits that no load is measured against.
    private static let withoutLoad: Set<String> = ["break", "lease-lifetime", "parked-time", "weekly-rest-days"]

    init(_ standing: PersonStanding, _ facts: PersonFacts) {
        func load(_ limits: WorkloadLimits) -> LoadLine {
            LoadLine(of: facts, parked: standing.person.parked.count, limits: limits, now: standing.now)
        }
        let whole = load(standing.line.limits)
        let sources = standing.sources()
        var rows = whole.rows.map { Plimsoll_V1_LimitLoad($0, sources, now: standing.now) }
        for project in standing.projects {
            let limits = standing.line.limits(in: project.id)
            guard limits != standing.line.limits else { continue }
            let own = standing.sources(in: project.id)
            for row in load(limits).rows where !whole.rows.contains(row) {
                rows.append(Plimsoll_V1_LimitLoad(row, own, project: project.name, now: standing.now))
            }
        }
        line = whole
        self.rows = rows
        withoutLimit = PolicyDocument.entries(standing.line.limits).filter { key, value in
            value == "none" && !Self.withoutLoad.contains(key)
        }.map(\.key)
        let soon = facts.agreements.filter {
            $0.opensGate(at: standing.now) && $0.until - standing.now <= NoticeStanding.warning
        }
        ending = soon.sorted { ($0.until, $0.purpose.rawValue) < ($1.until, $1.purpose.rawValue) }
            .map { Plimsoll_V1_EndingAgreement($0, now: standing.now) }
    }
}

extension Plimsoll_V1_EndingAgreement {
    fileprivate init(_ agreement: Agreement, now: Moment) {
        self.init()
        purpose = agreement.purpose.rawValue
        endsInSeconds = (agreement.until - now).secondsUp
        forNewVersion = agreement.endsAs == .invalidated
    }
}

extension Plimsoll_V1_LimitLoad {
    init(_ row: LoadRow, _ sources: [String: EffectiveLimits.Entry], project: String = "", now: Moment) {
        self.init()
        rule = row.name
        scope = row.scope ?? ""
        self.project = project
        switch row.gauge.unit {
        case .count, .state:
            unit = row.gauge.unit == .count ? .count : .state
            value = UInt64(clamping: row.gauge.used)
            limit = UInt64(clamping: row.gauge.limit)
        case .time:
            unit = .seconds
            value = UInt64(clamping: row.gauge.usedTime.components.seconds)
            limit = UInt64(clamping: row.gauge.limitTime.components.seconds)
        }
        sharePercent = UInt32(clamping: row.sharePercent)
        reached = row.isReached
        changesInSeconds = row.changes.map { ($0 - now).secondsUp } ?? 0
        let entries = row.policyKeys.compactMap { sources[$0] }
        // Of two keys the one that somebody has set.
        let entry = entries.first { $0.source != .shipped } ?? entries.first
        source = row.policyKeys.isEmpty ? "law" : entry?.source.rawValue ?? ""
        policy = entries.first?.value ?? ""
    }
}

extension Plimsoll_V1_NextBreak {
    init(_ pause: NextBreak, now: Moment) {
        self.init()
        rule = pause.rule.rawValue
        afterSeconds = pause.after.secondsUp
        lengthSeconds = pause.length.secondsUp
        endsInSeconds = pause.ends.map { ($0 - now).secondsUp } ?? 0
        counting = pause.isCounting
    }
}

extension Plimsoll_V1_RestClock {
    init(_ clock: RestClock, now: Moment) {
        self.init()
        restSeconds = clock.rest.secondsUp
        running = clock.began != nil
        beganSecondsAgo = clock.began.map { UInt64(clamping: max(0, (now - $0).components.seconds)) } ?? 0
        closesInSeconds = (clock.closes - now).secondsUp
        opensInSeconds = clock.opensAgain.map { ($0 - now).secondsUp } ?? 0
    }
}

extension Duration {
    /// Whole seconds, rounded up, so that nobody who waits for them comes too early; none below zero.
    var secondsUp: UInt64 {
        UInt64(clamping: max(0, components.seconds + (components.attoseconds > 0 ? 1 : 0)))
    }
}
