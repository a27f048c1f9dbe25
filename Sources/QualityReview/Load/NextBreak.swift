public import PlimsollModel

/// The next gap that is due: the deployment's break, or the law's after six hours.
public struct NextBreak: Sendable, Hashable {
    /// `break` or `six-hours`.
    public let rule: Rule
    /// How much leased time is left before it; zero: it is now.
    public let after: Duration
    /// How long nothing is leased then.
    public let length: Duration
    /// Of one that is now: when it is over.
    public let ends: Moment?
    /// Leased time runs now, so that `after` passes by the clock.
    public let isCounting: Bool

    /// The one that lasts longest of those that are now, else the one that comes first.
    init?(_ question: GateQuestion, _ rows: [LoadRow]) {
        let gaps: [(LoadRow, Duration)] = rows.compactMap { row in
            switch row.limit {
            case .rule(.breakTime): question.limits.breakTime.map { (row, $0) }
            case .rule(.sixHours): (row, LegalCeiling.sixHoursGap)
            default: nil
            }
        }
        let reached = gaps.filter(\.0.isReached)
        let chosen =
            reached.max { ($0.0.changes ?? .distantFuture) < ($1.0.changes ?? .distantFuture) }
            ?? gaps.min { ($0.0.changes ?? .distantFuture) < ($1.0.changes ?? .distantFuture) }
        guard let (row, length) = chosen, case .rule(let rule) = row.limit else { return nil }
        self.rule = rule
        self.length = length
        after = row.isReached ? .zero : (row.changes ?? question.now) - question.now
        ends = row.isReached ? row.changes : nil
        isCounting = question.load.openSince != nil
    }
}
