public import PlimsollModel
import Postgres

/// One notice in force and where a person stands with its purpose.
public struct NoticeStanding: Sendable, Hashable {
    public let notice: NoticeRow
    /// As of now: an agreement whose time is up is `expired`, one that a new version has ended `invalidated`; nil:
    /// never asked.
    public let state: AgreementState?
    /// The end of the latest agreement, past or to come, as the gate has it.
    public let until: Moment?
    /// The notice of which a version that changes something material is in force from `until` on; nil: its time is up
    /// then.
    public let newVersionOf: String?
    /// Until the end of an agreement in force, where that is not more than `warning` away.
    public let endsIn: Duration?

    /// How long before its end a person is told that an agreement ends: it is never renewed by silence.
    public static let warning = Duration.seconds(14 * 86_400)

    /// The person's own projects that need the purpose.
    public let projects: [String]

    init(_ row: Row) throws {
        notice = try NoticeRow(row)
        state = AgreementState(rawValue: try row.text(19))
        until = try row.timestamptzOrNil(20).map { Moment(microseconds: $0) }
        projects = try row.textArray(21)
        newVersionOf = try row.textOrNil(23)
        let now = Moment(microseconds: try row.timestamptz(22))
        let left = state?.opensGate == true ? until.map { $0 - now } : nil
        endsIn = left.flatMap { $0 <= Self.warning ? $0 : nil }
    }
}

/// A notice's version as an event names it.
struct NoticeReference: Sendable {
    let id: String
    let version: Int
    let purpose: String
    let sha256: [UInt8]
    let validityDays: Int

    init(_ row: Row) throws {
        id = try row.text(0)
        version = Int(try row.int8(1))
        purpose = try row.text(2)
        sha256 = try row.bytes(3)
        validityDays = Int(try row.int8(4))
    }

    init(id: String, version: Int, purpose: String, sha256: [UInt8], validityDays: Int) {
        self.id = id
        self.version = version
        self.purpose = purpose
        self.sha256 = sha256
        self.validityDays = validityDays
    }
}

/// The latest event of a purpose.
struct LatestAgreement: Sendable {
    let state: AgreementState
    let notice: NoticeReference?
    let isInForce: Bool

    init(_ row: Row) throws {
        state = AgreementState(rawValue: try row.text(0)) ?? .unknown
        isInForce = try row.bool(4)
        if let id = try row.textOrNil(1), let hash = try row.bytesOrNil(3) {
            notice = NoticeReference(
                id: id, version: Int(try row.int8(2)), purpose: "", sha256: hash, validityDays: 0)
        } else {
            notice = nil
        }
    }
}
