public import FoundationEssentials

/// A certificate as the authority has just issued it, with what the record of issuance needs.
public struct IssuedCertificate: Sendable {
    /// The leaf as PEM text.
    public let pem: String
    /// The authority's certificate as PEM text; the holder's trust root.
    public let authorityPEM: String
    /// Who it was issued to.
    public let identity: PeerIdentity
    /// The serial number as lower-case hexadecimal.
    public let serial: String
    /// The first second of validity; a little before the issuance, for clocks that lag.
    public let notBefore: Date
    /// The last second of validity.
    public let notAfter: Date

    /// The leaf, then the authority's certificate.
    public var chainPEM: String { pem + authorityPEM }
}
