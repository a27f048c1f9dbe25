public import PlimsollModel

/// The work period that runs, and the rest that follows it: no lease is open later than the rest of 24 hours after its
/// start.
public struct RestClock: Sendable, Hashable {
    /// How long nothing is leased between two work periods.
    public let rest: Duration
    /// When the period began; nil: none runs, the next lease begins one.
    public let began: Moment?
    /// When its window closes, for a period that begins now where none runs.
    public let closes: Moment
    /// When the next one may begin if nothing is leased from now on; nil: no period runs.
    public let opensAgain: Moment?

    init(_ question: GateQuestion) {
        let (rest, length) = question.workPeriod
        self.rest = rest
        began = question.load.start(afterGap: rest)
        closes = (began ?? question.now) + length
        opensAgain = began == nil ? nil : question.end(before: question.now) + rest
    }

    /// The window has closed and the rest is under way.
    public func isResting(at now: Moment) -> Bool { began != nil && now >= closes }
}
