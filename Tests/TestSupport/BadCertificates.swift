import Crypto
public import FoundationEssentials
public import Identity
import SwiftASN1
import X509

/// One certificate of every kind that must not get anybody in, with the key that belongs to it.
///
/// All are signed by the very authority of the deployment under test, except the one whose fault is another signer. So
/// each has exactly one fault, and whoever accepts it has missed exactly that check. "No certificate at all" is for
/// the caller to try.
public struct BadCertificates: Sendable {
    /// What is wrong with a certificate.
    public enum Kind: String, Sendable, CaseIterable {
        case expired
        case notYetValid
        /// Signed by another authority of the same name and trust domain.
        case otherAuthority
        /// No subject alternative name; its common name spells a good URI.
        case noURI
        /// Only a DNS name, which says nothing about a person.
        case hostNameAlone
        case severalURIs
        case wrongScheme
        case otherTrustDomain
        /// A role that does not exist.
        case unknownRole
        /// An engineer's URI without the worker.
        case pathWithoutWorker
        /// A name in upper case.
        case badName
        /// A name beside the URI under which an engineer could pose as a server.
        case hostNameOfEngineer
        /// An engineer's certificate that is marked as an authority's.
        case leafMarkedAuthority
        /// The deployment's authority, with its own key, as a client.
        case authorityItself
        /// For servers only.
        case serverUsageAlone
        /// For signing mail.
        case foreignUsage
        /// The key may agree on keys, not sign.
        case noDigitalSignature
        /// A critical extension that nobody knows (RFC 5280, section 4.2: refuse).
        case unknownCriticalExtension

        /// How `TrustBundle.verify` classifies it.
        public var code: IdentityError.Code {
            switch self {
            case .expired: .expired
            case .notYetValid: .notYetValid
            case .otherAuthority: .otherAuthority
            case .noURI, .hostNameAlone: .noURI
            case .severalURIs: .severalURIs
            case .wrongScheme: .wrongScheme
            case .otherTrustDomain: .otherTrustDomain
            case .unknownRole, .pathWithoutWorker: .badPath
            case .badName: .badName
            case .hostNameOfEngineer: .otherNames
            case .leafMarkedAuthority, .authorityItself: .authorityAsLeaf
            case .serverUsageAlone, .foreignUsage, .noDigitalSignature: .missingUsage
            case .unknownCriticalExtension: .unreadable
            }
        }

        /// Whether signature, validity and form are good, so that the rules for leaves must refuse it. A TLS library
        /// knows some of these rules too (usages) and may refuse such a certificate in the handshake already.
        public var chainIsGood: Bool {
            switch self {
            case .expired, .notYetValid, .otherAuthority, .unknownCriticalExtension: false
            default: true
            }
        }
    }

    /// A bad certificate, ready for a TLS client.
    public struct Made: Sendable {
        public let kind: Kind
        public let keyPEM: String
        public let certificatePEM: String
        public let certificateDER: [UInt8]
    }

    /// The deployment that the certificates pretend to be of.
    public let trustDomain: String
    private let authority: Certificate
    private let authorityKey: Certificate.PrivateKey
    private let authorityKeyPEM: String
    private let now: Date

    /// Takes the authority from its directory (`ca.key`, `ca.pem`), because the certificates break rules that
    /// `CertificateAuthority.issue` keeps. `now` is what "expired" is measured against.
    public init(authorityDirectory directory: URL, now: Date) throws {
        trustDomain = try CertificateAuthority.load(from: directory).trustDomain
        authorityKeyPEM = try Self.text(of: directory.appendingPathComponent(CertificateAuthority.keyFileName))
        authorityKey = try Certificate.PrivateKey(pemEncoded: authorityKeyPEM)
        authority = try Certificate(
            pemEncoded: Self.text(of: directory.appendingPathComponent(CertificateAuthority.certificateFileName)))
        self.now = now
    }

    /// One of every kind.
    public func all() throws -> [Made] { try Kind.allCases.map(make) }

    /// Makes a fresh key and a certificate with the fault `kind`.
    public func make(_ kind: Kind) throws -> Made {
        let key = P256.Signing.PrivateKey()
        var draft = Draft(uri: "spiffe://\(trustDomain)/engineer/mallory/worker/w1")
        switch kind {
        case .expired:
            draft.from = -3 * Self.hour
            draft.to = -1
        case .notYetValid:
            draft.from = Self.hour
            draft.to = 2 * Self.hour
        case .otherAuthority: draft.signer = Certificate.PrivateKey(P256.Signing.PrivateKey())
        case .noURI:
            draft.commonName = draft.uri
            draft.names = []
        case .hostNameAlone: draft.names = [.dnsName("mallory.\(trustDomain)")]
        case .severalURIs:
            draft.names.append(.uniformResourceIdentifier("spiffe://\(trustDomain)/operator/mallory"))
        case .wrongScheme: draft.uri = "https://\(trustDomain)/engineer/mallory/worker/w1"
        case .otherTrustDomain: draft.uri = "spiffe://other.example/engineer/mallory/worker/w1"
        case .unknownRole: draft.uri = "spiffe://\(trustDomain)/admiral/mallory"
        case .pathWithoutWorker: draft.uri = "spiffe://\(trustDomain)/engineer/mallory"
        case .badName: draft.uri = "spiffe://\(trustDomain)/engineer/Mallory/worker/w1"
        case .hostNameOfEngineer: draft.names.append(.dnsName("localhost"))
        case .leafMarkedAuthority:
            draft.constraints = .isCertificateAuthority(maxPathLength: nil)
        case .authorityItself:
            return try Self.made(kind, authority, keyPEM: authorityKeyPEM)
        case .serverUsageAlone: draft.usages = [.serverAuth]
        case .foreignUsage: draft.usages = [.emailProtection]
        case .noDigitalSignature: draft.keyUsage = KeyUsage(keyAgreement: true)
        case .unknownCriticalExtension: draft.unknownExtension = true
        }
        return try Self.made(kind, sign(draft, key: key), keyPEM: key.pemRepresentation + "\n")
    }

    private static let hour = 3600.0

    /// A good engineer's certificate, to be spoilt in one place.
    private struct Draft {
        var names: [GeneralName]
        var commonName: String?
        var from = -60.0
        var to = BadCertificates.hour
        var constraints = BasicConstraints.notCertificateAuthority
        var keyUsage = KeyUsage(digitalSignature: true)
        var usages: [ExtendedKeyUsage.Usage] = [.clientAuth]
        var signer: Certificate.PrivateKey?
        var unknownExtension = false

        init(uri: String) { names = [.uniformResourceIdentifier(uri)] }

        var uri: String {
            get {
                for case .uniformResourceIdentifier(let uri) in names { return uri }
                return ""
            }
            set { names = [.uniformResourceIdentifier(newValue)] }
        }
    }

    private func sign(_ draft: Draft, key: P256.Signing.PrivateKey) throws -> Certificate {
        let publicKey = Certificate.PublicKey(key.publicKey)
        let usages = try ExtendedKeyUsage(draft.usages)
        return try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(draft.from),
            notValidAfter: now.addingTimeInterval(draft.to),
            issuer: authority.subject,
            subject: DistinguishedName {
                OrganizationName("Plimsoll")
                if let name = draft.commonName { CommonName(name) }
            },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(draft.constraints)
                Critical(draft.keyUsage)
                usages
                if draft.unknownExtension {
                    // From the arc that is kept for examples; the value is an ASN.1 NULL.
                    Certificate.Extension(oid: [2, 999, 1], critical: true, value: [5, 0])
                }
                if !draft.names.isEmpty { SubjectAlternativeNames(draft.names) }
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: authority.publicKey).keyIdentifier)
            },
            issuerPrivateKey: draft.signer ?? authorityKey)
    }

    private static func made(_ kind: Kind, _ certificate: Certificate, keyPEM: String) throws -> Made {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return Made(
            kind: kind, keyPEM: keyPEM, certificatePEM: try certificate.serializeAsPEM().pemString + "\n",
            certificateDER: serializer.serializedBytes)
    }

    private static func text(of file: URL) throws -> String {
        String(decoding: try Data(contentsOf: file), as: UTF8.self)
    }
}
