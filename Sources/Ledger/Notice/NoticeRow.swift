import Crypto
public import PlimsollModel
import Postgres

/// The text of a notice, as somebody publishes it.
public struct NoticeDraft: Sendable, Hashable {
    public var id: String
    /// 1, or one more than the latest.
    public var version: Int
    /// BCP 47, such as `en` or `de-AT`.
    public var locale: String
    /// What is agreed to; the same in all versions.
    public var purpose: String
    /// The exact text that people are shown.
    public var text: String
    public var data: String
    public var recipients: String
    public var retention: String
    public var withdrawalMethod: String
    /// What somebody who says no does instead. Never empty.
    public var alternativeOffered: String
    /// The assessment of its impact on people, such as a data protection impact assessment.
    public var assessment: NoticeBasis
    /// The consultation of the workers, or of those who speak for them.
    public var consultation: NoticeBasis
    /// How long an agreement lasts, 1...366 days; nil: `validityDefault`.
    public var validityDays: Int?
    /// Whether this version changes anything that matters to a person; ignored for version 1.
    public var isMaterial: Bool

    public static let validityDefault = 90
    public static let validityRange = 1...366
    public static let textBytesMax = 262_144

    public init(
        id: String, version: Int, locale: String, purpose: String, text: String, data: String, recipients: String,
        retention: String, withdrawalMethod: String, alternativeOffered: String, assessment: NoticeBasis,
        consultation: NoticeBasis, validityDays: Int? = nil, isMaterial: Bool
    ) {
        self.id = id
        self.version = version
        self.locale = locale
        self.purpose = purpose
        self.text = text
        self.data = data
        self.recipients = recipients
        self.retention = retention
        self.withdrawalMethod = withdrawalMethod
        self.alternativeOffered = alternativeOffered
        self.assessment = assessment
        self.consultation = consultation
        self.validityDays = validityDays
        self.isMaterial = isMaterial
    }

    /// SHA-256 of the text in UTF-8: what a person is shown is what they agree to.
    public var sha256: [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// Throws `.invalid`, naming everything that is missing at once.
    func check() throws {
        try NameRule.check(id, "notice")
        let parts = [
            ("locale", locale), ("purpose", purpose), ("text", text), ("data", data), ("recipients", recipients),
            ("retention", retention), ("withdrawal method", withdrawalMethod),
            ("alternative offered", alternativeOffered), ("assessment", assessment.text),
            ("date of the assessment", assessment.on), ("consultation", consultation.text),
            ("date of the consultation", consultation.on),
        ]
        let missing = parts.filter { $0.1.allSatisfy(\.isWhitespace) }.map(\.0)
        guard missing.isEmpty else {
            throw LedgerError(.invalid, "the notice \(id) lacks: \(missing.joined(separator: ", "))")
        }
        try NameRule.check(purpose, "purpose")
        for (what, reference) in [("assessment", assessment), ("consultation", consultation)] {
            guard reference.day != nil else {
                throw LedgerError(
                    .invalid, "the date of the \(what) is \(reference.on), and must be written like 2026-03-31")
            }
        }
        guard text.utf8.count <= Self.textBytesMax else {
            throw LedgerError(.invalid, "the text of a notice is at most \(Self.textBytesMax) bytes long")
        }
        guard Self.validityRange.contains(validityDays ?? Self.validityDefault) else {
            throw LedgerError(.invalid, "an agreement lasts 1 to \(Self.validityRange.upperBound) days")
        }
    }
}

/// Another document that a notice stands on, and its date.
public struct NoticeBasis: Sendable, Hashable {
    /// What finds it: a title, a number, an address.
    public var text: String
    /// YYYY-MM-DD; empty for a notice that was published before references were asked for.
    public var on: String

    public init(text: String, on: String) {
        self.text = text
        self.on = on
    }

    /// Nil where it is no date.
    var day: LocalDay? { LocalDay(on) }
}

/// A published notice.
public struct NoticeRow: Sendable, Hashable {
    public let id: String
    public let version: Int
    public let locale: String
    public let purpose: String
    public let text: String
    public let sha256: [UInt8]
    public let data: String
    public let recipients: String
    public let retention: String
    public let withdrawalMethod: String
    public let alternativeOffered: String
    public let assessment: NoticeBasis
    public let consultation: NoticeBasis
    public let validityDays: Int
    public let isMaterial: Bool
    /// From then on it is the version in force, unless a later one is.
    public let effectiveAt: Moment
    /// The highest version whose moment has come.
    public let isInForce: Bool

    init(_ row: Row) throws {
        id = try row.text(0)
        version = Int(try row.int8(1))
        locale = try row.text(2)
        purpose = try row.text(3)
        text = try row.text(4)
        sha256 = try row.bytes(5)
        data = try row.text(6)
        recipients = try row.text(7)
        retention = try row.text(8)
        withdrawalMethod = try row.text(9)
        alternativeOffered = try row.text(10)
        validityDays = Int(try row.int8(11))
        isMaterial = try row.bool(12)
        effectiveAt = Moment(microseconds: try row.timestamptz(13))
        isInForce = try row.bool(14)
        assessment = NoticeBasis(text: try row.text(15), on: try row.text(16))
        consultation = NoticeBasis(text: try row.text(17), on: try row.text(18))
    }
}
