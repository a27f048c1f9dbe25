public import FoundationEssentials
import SwiftASN1
public import X509

/// The authorities that a participant trusts: usually one, two while an old and a new one overlap. All are of one
/// trust domain.
public struct TrustBundle: Sendable {
    /// The deployment that these authorities speak for.
    public let trustDomain: String
    /// The authorities' certificates as PEM text, as TLS libraries take trust roots.
    public let pem: String

    let authorities: [Certificate]

    /// The most authorities of one bundle.
    public static let authoritiesMax = 8

    /// Reads a bundle. Throws `unreadable` for anything that is not 1 to `authoritiesMax` authorities, and
    /// `otherTrustDomain` where they differ in it.
    public init(pem: String) throws(IdentityError) {
        let authorities = try Certificate.all(inPEM: pem, max: Self.authoritiesMax)
        guard let first = authorities.first else {
            throw IdentityError(.unreadable, "this PEM text holds no authority's certificate")
        }
        let trustDomain = try AuthorityRule.trustDomain(of: first)
        for authority in authorities.dropFirst() {
            let other = try AuthorityRule.trustDomain(of: authority)
            guard other == trustDomain else {
                throw IdentityError(
                    .otherTrustDomain, "these authorities are of \(trustDomain) and of \(other)")
            }
        }
        self.trustDomain = trustDomain
        self.pem = pem
        self.authorities = authorities
    }

    init(authority: Certificate, trustDomain: String, pem: String) {
        self.trustDomain = trustDomain
        self.pem = pem
        self.authorities = [authority]
    }

    /// Verifies a certificate as far as can be done without its holder: rules for leaves, signature by one of the
    /// authorities, both valid at `now`.
    ///
    /// Throws the errors of `CertificateIdentity`, then `otherAuthority`, `notYetValid`, `expired` or
    /// `authorityNotValid`; `unreadable` for critical extensions that nobody here understands. An authority signs
    /// leaves directly (its path length is 0), so there is no path to build.
    public func verify(_ certificate: Certificate, now: Date) throws(IdentityError) -> CertificateIdentity {
        let holder = try CertificateIdentity(certificate: certificate, trustDomain: trustDomain)
        for known in certificate.extensions where known.critical && !Self.understood.contains(known.oid) {
            throw IdentityError(
                .unreadable, "the critical extension \(known.oid) is not understood")
        }
        let signers = signers(of: certificate)
        guard !signers.isEmpty else {
            throw IdentityError(
                .otherAuthority, "no trusted authority of \(trustDomain) signed this certificate")
        }
        guard holder.notBefore <= now else {
            throw IdentityError(
                .notYetValid,
                "this certificate is not valid before \(holder.notBefore.ISO8601Format()); look at the clock")
        }
        guard now <= holder.notAfter else {
            throw IdentityError(
                .expired, "this certificate's time ended at \(holder.notAfter.ISO8601Format()); ask for a new one")
        }
        guard signers.contains(where: { $0.notValidBefore <= now && now <= $0.notValidAfter }) else {
            throw IdentityError(.authorityNotValid, "the authority that signed this certificate is not valid now")
        }
        return holder
    }

    /// Verifies a certificate in PEM text (the first, of a chain); throws as above.
    public func verify(pem: String, now: Date) throws(IdentityError) -> CertificateIdentity {
        try verify(Certificate(leafPEM: pem), now: now)
    }

    /// Verifies a certificate in DER bytes, as a peer shows it; throws as above.
    public func verify(der: [UInt8], now: Date) throws(IdentityError) -> CertificateIdentity {
        let certificate = try IdentityError.wrapping(.unreadable, "these bytes are no DER certificate") {
            try Certificate(derEncoded: der)
        }
        return try verify(certificate, now: now)
    }

    /// The last second of each authority's validity, in the order of the bundle.
    public var ends: [Date] { authorities.map(\.notValidAfter) }

    /// This bundle with one more authority; throws as `init(pem:)`.
    func adding(authorityPEM: String) throws(IdentityError) -> TrustBundle {
        try TrustBundle(pem: pem + (pem.hasSuffix("\n") ? "" : "\n") + authorityPEM)
    }

    /// The authorities here whose signature the certificate bears; says nothing about its rules and its time.
    func signers(of certificate: Certificate) -> [Certificate] {
        authorities.filter { authority in
            authority.subject == certificate.issuer
                && authority.publicKey.isValidSignature(certificate.signature, for: certificate)
        }
    }

    private static let understood: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.basicConstraints, .X509ExtensionID.keyUsage, .X509ExtensionID.extendedKeyUsage,
        .X509ExtensionID.subjectAlternativeName,
    ]
}

/// What makes a certificate one of an authority.
enum AuthorityRule {
    /// The trust domain that an authority's certificate names; throws where it is no such certificate.
    static func trustDomain(of certificate: Certificate) throws(IdentityError) -> String {
        let read = try IdentityError.wrapping(.unreadable, "this authority's extensions cannot be read") {
            (constraints: try certificate.extensions.basicConstraints, usage: try certificate.extensions.keyUsage)
        }
        guard case .isCertificateAuthority? = read.constraints, read.usage?.keyCertSign == true else {
            throw IdentityError(.unreadable, "this certificate is not an authority's: it may not sign certificates")
        }
        guard certificate.issuer == certificate.subject,
            certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
        else {
            throw IdentityError(.unreadable, "this authority's certificate is not signed by itself")
        }
        return try PeerIdentity.trustDomain(ofAuthorityURI: LeafExtensions(of: certificate).names().uri)
    }
}
