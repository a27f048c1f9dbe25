public import FoundationEssentials
import SwiftASN1
public import X509

/// What Plimsoll takes from somebody's certificate: who they are, by which serial, and from when to when.
///
/// Making one applies the rules for leaves, and nothing else: it checks no signature and no clock. A TLS handshake
/// against the deployment's private roots does that for peers, `TrustBundle.verify` for certificates in files.
public struct CertificateIdentity: Sendable, Hashable {
    /// Who the certificate was issued to.
    public let identity: PeerIdentity
    /// The serial number as lower-case hexadecimal without leading zero bytes; what deny-lists and records name.
    public let serial: String
    /// The first second of validity.
    public let notBefore: Date
    /// The last second of validity.
    public let notAfter: Date

    /// The share of a certificate's life after which its holder renews it. A third is left for trying again.
    public static let renewalShare = 2.0 / 3.0

    /// Reads a leaf certificate of the deployment `trustDomain`.
    ///
    /// Throws `authorityAsLeaf`, `missingUsage`, `noURI`, `severalURIs`, `otherNames`, `wrongScheme`, `badPath`,
    /// `badName`, `badTrustDomain`, `otherTrustDomain`, or `unreadable` for extensions that do not parse. The subject
    /// and its common name are never looked at. Cost: four extensions are parsed; once a stream, not once a message.
    public init(certificate: Certificate, trustDomain: String) throws(IdentityError) {
        let extensions = try LeafExtensions(of: certificate)
        guard !extensions.maySignCertificates else {
            throw IdentityError(
                .authorityAsLeaf, "this certificate may sign certificates, so it cannot be anybody's own")
        }
        let names = try extensions.names()
        let identity = try PeerIdentity(uri: names.uri)
        guard identity.trustDomain == trustDomain else {
            throw IdentityError(
                .otherTrustDomain,
                "this certificate is of the trust domain \(identity.trustDomain), not of \(trustDomain)")
        }
        // A server name in a person's certificate would let its holder pose as a coordinator to other workers.
        guard names.otherKinds.isEmpty, identity.role == .coordinator || names.hosts == 0 else {
            throw IdentityError(
                .otherNames,
                "a certificate of role \(identity.role.rawValue) may carry no names besides its URI"
                    + (identity.role == .coordinator ? ", DNS names and IP addresses" : ""))
        }
        guard extensions.maySignHandshakes else {
            throw IdentityError(.missingUsage, "this certificate lacks the key usage digitalSignature")
        }
        let missing = UsageRule.usages(of: identity.role).filter { !extensions.usages.contains($0) }
        guard missing.isEmpty else {
            throw IdentityError(
                .missingUsage,
                "a certificate of role \(identity.role.rawValue) needs the extended key usage "
                    + missing.map(\.description).joined(separator: " and "))
        }
        self.identity = identity
        self.serial = certificate.serialNumber.hexadecimal
        self.notBefore = certificate.notValidBefore
        self.notAfter = certificate.notValidAfter
    }

    /// Reads a leaf certificate from PEM text; of a chain it reads the first. Throws as above, or `unreadable`.
    public init(pem: String, trustDomain: String) throws(IdentityError) {
        try self.init(certificate: Certificate(leafPEM: pem), trustDomain: trustDomain)
    }

    /// Reads a leaf certificate from DER bytes. Throws as above, or `unreadable`.
    public init(der: [UInt8], trustDomain: String) throws(IdentityError) {
        let certificate = try IdentityError.wrapping(.unreadable, "these bytes are no DER certificate") {
            try Certificate(derEncoded: der)
        }
        try self.init(certificate: certificate, trustDomain: trustDomain)
    }

    /// The instant from which the holder should renew.
    public var renewalDate: Date {
        notBefore.addingTimeInterval(notAfter.timeIntervalSince(notBefore) * Self.renewalShare)
    }

    /// Whether two thirds of the certificate's life have passed at `now`.
    public func renewalDue(now: Date) -> Bool { now >= renewalDate }
}

/// Which extended key usages the certificate of a role carries and must have.
enum UsageRule {
    /// A coordinator is a server to everybody and a client to other coordinators and health checks.
    static func usages(of role: Role) -> [ExtendedKeyUsage.Usage] {
        role == .coordinator ? [.serverAuth, .clientAuth] : [.clientAuth]
    }
}

extension Certificate {
    /// The first certificate of PEM text.
    init(leafPEM pem: String) throws(IdentityError) {
        guard let first = try Certificate.all(inPEM: pem, max: PEMLimit.chainCertificatesMax).first else {
            throw IdentityError(.unreadable, "this PEM text holds no certificate")
        }
        self = first
    }

    /// Every certificate of PEM text in order; throws `unreadable` for anything else in it and beyond `max`.
    static func all(inPEM pem: String, max: Int) throws(IdentityError) -> [Certificate] {
        guard pem.utf8.count <= PEMLimit.textBytesMax else {
            throw IdentityError(.unreadable, "this PEM text is longer than \(PEMLimit.textBytesMax) bytes")
        }
        return try IdentityError.wrapping(.unreadable, "this is no PEM text of certificates") {
            let documents = try PEMDocument.parseMultiple(pemString: pem)
            guard documents.count <= max else {
                throw IdentityError(.unreadable, "this PEM text holds more than \(max) certificates")
            }
            return try documents.map { try Certificate(pemDocument: $0) }
        }
    }
}

/// How much PEM text is read at most; everything of ours stays far below.
enum PEMLimit {
    /// Of a whole file or message.
    static let textBytesMax = 64 * 1024
    /// Certificates in one chain file.
    static let chainCertificatesMax = 4
}

extension Certificate.SerialNumber {
    /// Lower-case hexadecimal, two digits a byte, without the sign byte that DER may add.
    var hexadecimal: String {
        let text = bytes.drop(while: { $0 == 0 }).map(\.twoDigits).joined()
        return text.isEmpty ? "00" : text
    }
}

extension UInt8 {
    /// This byte as two digits of lower-case hexadecimal.
    var twoDigits: String { (self < 0x10 ? "0" : "") + String(self, radix: 16) }
}
