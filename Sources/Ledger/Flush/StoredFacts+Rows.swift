import PlimsollModel
import Postgres

// Rows about a person, as every statement that the gate's facts come from says them.

extension StoredAgreement {
    init(_ row: Row) throws {
        self.init(
            purpose: PurposeName(try row.text(1)),
            // P2: a state that this version does not know opens nothing.
            state: AgreementState(rawValue: try row.text(2)) ?? .unknown,
            from: Moment(microseconds: try row.timestamptz(3)), until: Moment(microseconds: try row.timestamptz(4)),
            notice: try row.text(5), noticeVersion: Int(try row.int4(6)), n: try row.int8(7),
            endsAs: try row.bool(8) ? .invalidated : .expired)
    }
}

extension LatestRefusal {
    init(_ row: Row) throws {
        self.init(
            person: PersonID(try row.int8(0)), at: Moment(microseconds: try row.timestamptz(1)),
            rule: Rule(rawValue: try row.text(2)))
    }
}

extension WorkInterval {
    /// Its start in this column, its end in the next.
    init(_ row: Row, _ column: Int) throws {
        self.init(
            start: Moment(microseconds: try row.timestamptz(column)),
            end: Moment(microseconds: try row.timestamptz(column + 1)))
    }
}

extension DayTotal {
    /// The date in this column, seconds in the next.
    init(_ row: Row, _ column: Int) throws {
        self.init(day: LocalDay(try row.date(column)), worked: .seconds(Int64(try row.int4(column + 1))))
    }
}
