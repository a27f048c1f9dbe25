/// What is known of one consent event, for a receipt that its subject keeps.
public struct ReceiptRecord: Sendable, Hashable {
    /// A UUID in lower case.
    public var id: String
    /// The subject by number. Only the proof names them, with the event's detail as it was hashed.
    public var person: Int64
    public var purpose: String
    public var state: AgreementState
    public var at: Moment
    public var until: Moment?
    public var certificateSerial: String
    /// The lines that the event's hash is made of.
    public var eventText: String
    public var eventHash: [UInt8]
    /// Nil: no notice of the purpose existed.
    public var notice: Notice?
    /// Who answers for the projects that need the purpose.
    public var contacts: [String]
    /// Nil: not sealed and signed for yet, or the detail was erased.
    public var proof: InclusionProof?

    public init(
        id: String, person: Int64, purpose: String, state: AgreementState, at: Moment, until: Moment?,
        certificateSerial: String, eventText: String, eventHash: [UInt8], notice: Notice?, contacts: [String],
        proof: InclusionProof?
    ) {
        self.id = id
        self.person = person
        self.purpose = purpose
        self.state = state
        self.at = at
        self.until = until
        self.certificateSerial = certificateSerial
        self.eventText = eventText
        self.eventHash = eventHash
        self.notice = notice
        self.contacts = contacts
        self.proof = proof
    }

    /// The text that was shown, as it was published.
    public struct Notice: Sendable, Hashable {
        public var id: String
        public var version: Int
        public var locale: String
        public var text: String
        public var sha256: [UInt8]
        public var data: String
        public var recipients: String
        public var retention: String
        public var withdrawalMethod: String
        public var alternativeOffered: String
        public var validityDays: Int
        public var assessment: String
        public var consultation: String

        public init(
            id: String, version: Int, locale: String, text: String, sha256: [UInt8], data: String, recipients: String,
            retention: String, withdrawalMethod: String, alternativeOffered: String, validityDays: Int,
            assessment: String, consultation: String
        ) {
            self.id = id
            self.version = version
            self.locale = locale
            self.text = text
            self.sha256 = sha256
            self.data = data
            self.recipients = recipients
            self.retention = retention
            self.withdrawalMethod = withdrawalMethod
            self.alternativeOffered = alternativeOffered
            self.validityDays = validityDays
            self.assessment = assessment
            self.consultation = consultation
        }

        /// A reference that names the very text.
        public var reference: String { "plimsoll:notice/\(id)/\(version)?sha256=\(Hex.text(sha256))" }
    }
}

/// The two forms that receipts are known in.
public enum ReceiptForm: String, Sendable, CaseIterable {
    /// ISO/IEC TS 27560:2023, consent record information structure, as the guide of the W3C Data Privacy Vocabulary
    /// reads it: header, processing, parties, events.
    case ts27560
    /// Kantara Initiative, Consent Receipt Specification 1.1.0.
    case kantara
}
