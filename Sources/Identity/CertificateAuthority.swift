import Crypto
public import FoundationEssentials
import SwiftASN1
import X509

/// The one certificate authority of a deployment: it signs leaves directly, there are no intermediates.
///
/// Its certificate carries the trust domain as the URI `spiffe://<trust domain>`, so the two files of its directory,
/// `ca.key` (mode 0600) and `ca.pem`, are all there is to it.
public struct CertificateAuthority: Sendable {
    /// The deployment that this authority speaks for.
    public let trustDomain: String
    /// The authority's certificate as PEM text: what every participant trusts.
    public let certificatePEM: String
    /// The first second of the authority's own validity.
    public let notBefore: Date
    /// The last second of the authority's own validity.
    public let notAfter: Date

    let certificate: Certificate
    let key: KeyPair

    /// The private key inside the directory of an authority.
    public static let keyFileName = "ca.key"
    /// The certificate inside the directory of an authority.
    public static let certificateFileName = "ca.pem"

    /// How long a new authority is valid: ten years of 365 days.
    public static let authorityValidityDefault = Duration.seconds(10 * 365 * 86_400)
    /// How long a leaf is valid unless told otherwise.
    public static let leafValidityDefault = Duration.seconds(24 * 3600)
    /// The longest validity of a leaf.
    public static let leafValidityMax = Duration.seconds(90 * 86_400)
    /// The shortest validity, because X.509 counts in whole seconds.
    public static let validityMin = Duration.seconds(1)
    /// The longest validity of an authority.
    public static let authorityValidityMax = Duration.seconds(50 * 365 * 86_400)
    /// How far certificates are dated back, for clocks that lag behind the authority's.
    public static let backdating = Duration.seconds(60)

    /// Makes an authority with a fresh key in `directory`, which is created with mode 0700 where it is missing.
    ///
    /// Throws `fileExists` when either file is there: an authority is never overwritten. Further `badTrustDomain`,
    /// `badValidity`, `fileFailed`. `validity` is counted in whole seconds from `now`.
    @discardableResult
    public static func create(
        trustDomain: String, in directory: URL, now: Date, validity: Duration = authorityValidityDefault
    ) throws(IdentityError) -> CertificateAuthority {
        try NameRule.check(trustDomain: trustDomain)
        guard (validityMin...authorityValidityMax).contains(validity) else {
            throw IdentityError(
                .badValidity,
                "an authority is valid for \(validityMin.wholeSeconds) to \(authorityValidityMax.wholeSeconds) s")
        }
        try DiskFile.makePrivateDirectory(directory)
        let keyFile = directory.appendingPathComponent(keyFileName)
        let certificateFile = directory.appendingPathComponent(certificateFileName)
        for file in [keyFile, certificateFile] where DiskFile.exists(file) {
            throw IdentityError(
                .fileExists,
                "\(file.path) exists, and an authority is never overwritten; use another directory, "
                    + "or move the old authority away if nothing trusts it any more")
        }
        let key = KeyPair()
        let certificate = try selfSigned(trustDomain: trustDomain, key: key, now: now, validity: validity)
        let authority = try CertificateAuthority(certificate: certificate, key: key)
        try DiskFile.create(keyFile, contents: key.pem, mode: .secret)
        try DiskFile.create(certificateFile, contents: authority.certificatePEM, mode: .open)
        return authority
    }

    /// Reads an authority from its directory.
    ///
    /// Throws `fileMissing`, `fileUnsafe` for a key that others may touch, `keyMismatch`, `unreadable`, and `noURI`,
    /// `severalURIs`, `wrongScheme` or `badPath` for a certificate that does not name a trust domain.
    public static func load(from directory: URL) throws(IdentityError) -> CertificateAuthority {
        let key = try KeyPair.load(from: directory.appendingPathComponent(keyFileName))
        let pem = try DiskFile.read(directory.appendingPathComponent(certificateFileName))
        return try CertificateAuthority(certificate: Certificate(leafPEM: pem), key: key)
    }

    private init(certificate: Certificate, key: KeyPair) throws(IdentityError) {
        guard key.matches(certificate) else {
            throw IdentityError(
                .keyMismatch,
                "\(Self.keyFileName) and \(Self.certificateFileName) do not belong together; restore both from one copy"
            )
        }
        self.trustDomain = try AuthorityRule.trustDomain(of: certificate)
        self.certificatePEM = try certificate.pemText()
        self.notBefore = certificate.notValidBefore
        self.notAfter = certificate.notValidAfter
        self.certificate = certificate
        self.key = key
    }

    /// What participants of the deployment trust.
    public var trust: TrustBundle { TrustBundle(authority: certificate, trustDomain: trustDomain, pem: certificatePEM) }

    private static func selfSigned(
        trustDomain: String, key: KeyPair, now: Date, validity: Duration
    ) throws(IdentityError) -> Certificate {
        let keyIdentifier = SubjectKeyIdentifier(hash: key.publicKey)
        // Two authorities of one deployment (the old and the new, while they overlap) must not share a name, or a
        // verifier may try the wrong one only.
        let mark = keyIdentifier.keyIdentifier.prefix(8).map(\.twoDigits).joined()
        return try IdentityError.wrapping(.unreadable, "the authority's certificate could not be written") {
            let subject = try DistinguishedName {
                OrganizationName(SubjectRule.organization)
                CommonName("authority \(mark)")
            }
            return try Certificate(
                version: .v3,
                serialNumber: .random(),
                publicKey: key.publicKey,
                notValidBefore: now.wholeSecond(minus: backdating),
                notValidAfter: now.wholeSecond(plus: validity),
                issuer: subject,
                subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectAlternativeNames([
                        .uniformResourceIdentifier(PeerIdentity.authorityURI(trustDomain: trustDomain))
                    ])
                    keyIdentifier
                },
                issuerPrivateKey: key.signer)
        }
    }
}

extension CertificateAuthority: CustomStringConvertible {
    public var description: String { "CertificateAuthority(\(trustDomain))" }
}

extension Certificate {
    /// This certificate as PEM text that ends with a line feed.
    func pemText() throws(IdentityError) -> String {
        try IdentityError.wrapping(.unreadable, "the certificate could not be written as PEM") {
            try serializeAsPEM().pemString + "\n"
        }
    }
}

extension Certificate.SerialNumber {
    /// Bytes of a serial number of ours. RFC 5280, section 4.1.2.2, allows 20 at most, sign included.
    private static let bytesOfOurs = 16

    /// A serial number of 126 random bits, always 16 bytes long: the first byte starts with 01, so that DER neither
    /// adds a sign byte nor drops a leading zero.
    static func random() -> Certificate.SerialNumber {
        var generator = SystemRandomNumberGenerator()
        var bytes = (0..<bytesOfOurs).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        bytes[0] = bytes[0] & 0x3f | 0x40
        return Certificate.SerialNumber(bytes: bytes)
    }
}

extension Duration {
    /// Whole seconds, the rest cut off.
    var wholeSeconds: Int64 { components.seconds }
}

extension Date {
    /// X.509 counts whole seconds; rounding down here keeps what is reported equal to what is in the certificate.
    func wholeSecond(plus duration: Duration = .zero) -> Date {
        Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.down) + Double(duration.wholeSeconds))
    }

    func wholeSecond(minus duration: Duration) -> Date { wholeSecond(plus: .zero - duration) }
}
