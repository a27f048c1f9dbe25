import Crypto
public import FoundationEssentials
public import PlimsollModel

/// Whose word it is: the person of the certificate that asked, and that certificate.
public struct ConsentVoice: Sendable, Hashable {
    public let name: String
    public let certificateSerial: String

    public init(name: String, certificateSerial: String) {
        self.name = name
        self.certificateSerial = certificateSerial
    }
}

/// What a person gets for each consent event, at once (fields of ISO/IEC TS 27560 and Kantara 1.1).
public struct ConsentReceipt: Sendable, Hashable {
    public let receiptID: UUID
    public let purpose: String
    /// The notice that the event was about; nil where no notice of the purpose exists.
    public let noticeID: String?
    public let noticeVersion: Int?
    public let state: AgreementState
    public let at: Moment
    /// Only for given and renewed.
    public let until: Moment?
    /// SHA-256 over the event's canonical text.
    public let eventHash: [UInt8]
    /// Open and parked leases that ended with it.
    public let leasesEnded: Int
}

/// A consent event before it is written.
struct ConsentEvent: Sendable {
    let fact: PersonFact
    let purpose: String
    let state: AgreementState
    let noticeID: String?
    let noticeVersion: Int?
    let noticeHash: [UInt8]?
    let until: Moment?
    let certificateSerial: String
    let receiptID: UUID

    /// One line a field, in this order, so that anybody can compute the hash again from a receipt.
    var canonicalText: String {
        [
            "plimsoll consent event 1",
            "person \(fact.person)",
            "number \(fact.n)",
            "purpose \(purpose)",
            "state \(state.rawValue)",
            "at \(fact.at.microseconds)",
            "notice \(noticeID.map { "\($0)/\(noticeVersion ?? 0)" } ?? "-")",
            "notice-sha256 \(noticeHash?.hex ?? "-")",
            "until \(until.map { String($0.microseconds) } ?? "-")",
            "certificate \(certificateSerial)",
            "receipt \(receiptID.uuidString.lowercased())",
        ].joined(separator: "\n") + "\n"
    }

    var hash: [UInt8] { Array(SHA256.hash(data: Array(canonicalText.utf8))) }

    func receipt(leasesEnded: Int) -> ConsentReceipt {
        ConsentReceipt(
            receiptID: receiptID, purpose: purpose, noticeID: noticeID, noticeVersion: noticeVersion, state: state,
            at: fact.at, until: until, eventHash: hash, leasesEnded: leasesEnded)
    }
}
