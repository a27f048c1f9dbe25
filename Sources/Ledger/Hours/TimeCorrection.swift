public import PlimsollModel
import Postgres

/// What a person said about leased time that is on record of them, and what became of it.
public struct TimeCorrection: Sendable, Hashable {
    public enum What: String, Sendable, CaseIterable {
        /// Worked and not counted: counts at once, because it only protects.
        case add
        /// Counted and not worked: loosens limits, so somebody else has to agree (P13).
        case remove
    }

    public enum State: String, Sendable, CaseIterable {
        /// Time added.
        case counted
        case waiting, agreed, refused, withdrawn
    }

    public let id: Int64
    public let person: String
    public let what: What
    public let interval: WorkInterval
    /// Leased time that was on record in between when it was said.
    public let recorded: Duration
    public let reason: String
    public let askedAt: Moment
    public let state: State
    /// Nil: nobody has.
    public let answeredBy: String?
    public let answerReason: String

    init(_ row: Row) throws {
        id = try row.int8(0)
        person = try row.text(1)
        what = try row.text(2) == What.add.rawValue ? .add : .remove
        interval = try WorkInterval(row, 3)
        recorded = .microseconds(try row.int8(5))
        reason = try row.text(6)
        askedAt = Moment(microseconds: try row.timestamptz(7))
        state = try row.textOrNil(8).flatMap(State.init(rawValue:)) ?? (what == .add ? .counted : .waiting)
        answeredBy = try row.textOrNil(9)
        answerReason = try row.text(10)
    }
}

/// The two ends of a stretch as a person wrote them, and why.
public struct CorrectionDraft: Sendable, Hashable {
    public let from: String
    public let to: String
    public let reason: String

    /// One correction is about a day's work at most, so that a mistyped date does not close a whole month.
    public static let longest = Duration.hours(24)
    /// As long as intervals are kept.
    public static let kept = Duration.hours(24 * WorkHistory.daysKept)

    public init(from: String, to: String, reason: String) {
        self.from = from
        self.to = to
        self.reason = reason
    }

    /// The stretch, read in the person's zone. Throws `.invalid` for what is no time, is not over, or is too long ago.
    func interval(in zoneName: String, now: Moment) throws -> WorkInterval {
        let (start, end): (Moment, Moment)
        do {
            let zone = try Zone.named(zoneName)
            start = try LocalTime.moment(from, in: zone)
            end = try LocalTime.moment(to, in: zone)
        } catch {
            throw LedgerError(.invalid, error.message, cause: error)
        }
        guard start < end else { throw LedgerError(.invalid, "a stretch of time ends after it begins") }
        guard end <= now else {
            throw LedgerError(.invalid, "\(to) is not over yet", remedy: "correct time that is over")
        }
        guard start >= now - Self.kept else {
            throw LedgerError(
                .invalid,
                "\(from) is more than \(WorkHistory.daysKept) days ago; of that time totals of days are kept alone",
                remedy: "raise a concern (plimsoll concern raise) where a day's total is wrong")
        }
        guard end - start <= Self.longest else {
            throw LedgerError(
                .invalid, "one correction is about 24 h at most", remedy: "say it in several, a day each")
        }
        try ReasonRule.checkLength(reason)
        return WorkInterval(start: start, end: end)
    }
}

/// Who may answer a correction that takes time away.
public enum CorrectionReader: Sendable, Hashable {
    /// Of everybody.
    case `operator`(String)
    /// Of those they answer for.
    case supervisor(String)

    var name: String {
        switch self {
        case .operator(let name), .supervisor(let name): name
        }
    }

    /// Empty: everybody's.
    var team: String {
        switch self {
        case .operator: ""
        case .supervisor(let name): name
        }
    }
}
