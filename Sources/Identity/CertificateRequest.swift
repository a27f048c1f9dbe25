import Crypto
import SwiftASN1
import X509

/// A request for a certificate (PKCS#10, RFC 2986) whose sender has proved to hold the private key.
///
/// A value exists only with a valid signature by the key it asks to certify, so whoever has one need not check again.
public struct CertificateRequest: Sendable {
    /// The request as PEM text, to be sent to whoever issues.
    public let pem: String
    /// Who the request asks to be; nil when it names no URI, as requests of other tools may.
    public let requested: PeerIdentity?

    let publicKey: Certificate.PublicKey

    /// The longest PEM text that is looked at. A request of ours has about 500 bytes.
    public static let pemBytesMax = 16 * 1024

    /// Asks for a certificate for `identity` and signs the request with `key`.
    public init(identity: PeerIdentity, key: KeyPair) throws(IdentityError) {
        let made = try IdentityError.wrapping(.unreadable, "the request could not be written") {
            let names = SubjectAlternativeNames([.uniformResourceIdentifier(identity.uri)])
            let wanted = try Certificate.Extensions { names }
            let request = try CertificateSigningRequest(
                version: .v1,
                // No common name, here as in certificates: only the URI says who somebody is.
                subject: DistinguishedName { OrganizationName(SubjectRule.organization) },
                privateKey: key.signer,
                attributes: CertificateSigningRequest.Attributes([.init(ExtensionRequest(extensions: wanted))]),
                signatureAlgorithm: .ecdsaWithSHA256)
            return try request.serializeAsPEM().pemString + "\n"
        }
        self.pem = made
        self.requested = identity
        self.publicKey = key.publicKey
    }

    /// Reads a request and verifies its proof of possession.
    ///
    /// Throws `unreadable`, `unsupportedKey` for anything but P-256, `badSignature`, `severalURIs`, and the errors of
    /// `PeerIdentity(uri:)`. Of what else the request asks for, nothing is taken over: an authority decides by itself
    /// what a certificate says.
    public init(pem: String) throws(IdentityError) {
        guard pem.utf8.count <= Self.pemBytesMax else {
            throw IdentityError(.unreadable, "a certificate request has at most \(Self.pemBytesMax) bytes")
        }
        let request = try IdentityError.wrapping(.unreadable, "this is no certificate request in PEM") {
            try CertificateSigningRequest(pemEncoded: pem)
        }
        guard P256.Signing.PublicKey(request.publicKey) != nil else {
            throw IdentityError(.unsupportedKey, "a certificate is issued to P-256 keys only; make a new key")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw IdentityError(
                .badSignature, "the request is not signed by the key it asks to certify, so its sender may not hold it")
        }
        let names = try IdentityError.wrapping(.unreadable, "the extensions that the request asks for cannot be read") {
            try request.attributes.extensionRequest?.extensions.subjectAlternativeNames
        }
        var uris: [String] = []
        for case .uniformResourceIdentifier(let uri) in names.map(Array.init) ?? [] { uris.append(uri) }
        guard uris.count <= 1 else {
            throw IdentityError(.severalURIs, "the request names \(uris.count) URIs; exactly one is allowed")
        }
        if let uri = uris.first { requested = try PeerIdentity(uri: uri) } else { requested = nil }
        self.pem = pem
        self.publicKey = request.publicKey
    }
}

/// What goes into the subject of certificates and requests. A leaf never has a common name: TLS libraries that find no
/// DNS name may fall back to it, and somebody called `localhost` must not become a server.
enum SubjectRule {
    static let organization = "Plimsoll"
}
