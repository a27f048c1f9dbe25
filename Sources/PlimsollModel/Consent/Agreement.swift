/// Where a person stands with one purpose: the consent states of the W3C Data Privacy Vocabulary (DPV 2, module
/// "Consent Status").
public enum AgreementState: String, Sendable, Hashable, Codable, CaseIterable {
    case unknown
    case requested
    case requestDeferred = "request-deferred"
    case refused
    case given
    case renewed
    case expired
    case invalidated
    case revoked
    case withdrawn

    /// Only these two open the gate; every state not known to do so keeps it closed (P2).
    public var opensGate: Bool { self == .given || self == .renewed }

    /// The state's term in DPV, for receipts.
    public var dpvTerm: String {
        switch self {
        case .unknown: "dpv:ConsentUnknown"
        case .requested: "dpv:ConsentRequested"
        case .requestDeferred: "dpv:ConsentRequestDeferred"
        case .refused: "dpv:ConsentRefused"
        case .given: "dpv:ConsentGiven"
        case .renewed: "dpv:RenewedConsentGiven"
        case .expired: "dpv:ConsentExpired"
        case .invalidated: "dpv:ConsentInvalidated"
        case .revoked: "dpv:ConsentRevoked"
        case .withdrawn: "dpv:ConsentWithdrawn"
        }
    }
}

/// A person's current state for one purpose and notice version, folded from consent events.
public struct Agreement: Sendable, Hashable, Codable {
    public let purpose: PurposeName
    /// The notice whose text the person saw.
    public let noticeID: String
    /// That notice's version, from 1.
    public let noticeVersion: Int
    public let state: AgreementState
    /// The first instant at which `state` holds.
    public let from: Moment
    /// The first instant at which it no longer opens the gate; validity is mandatory, so there always is one.
    public let until: Moment
    /// What given or renewed turns into at `until`: `expired`, or `invalidated` where it is a new version of the notice
    /// that ends it.
    public let endsAs: AgreementState

    public init(
        purpose: PurposeName, noticeID: String, noticeVersion: Int, state: AgreementState, from: Moment, until: Moment,
        endsAs: AgreementState = .expired
    ) {
        self.purpose = purpose
        self.noticeID = noticeID
        self.noticeVersion = noticeVersion
        self.state = state
        self.from = from
        self.until = until
        self.endsAs = endsAs
    }

    /// Whether this agreement allows a lease at `moment`: given or renewed, and `from <= moment < until` (P2).
    public func opensGate(at moment: Moment) -> Bool {
        state.opensGate && from <= moment && moment < until
    }
}
