import Crypto
public import FoundationEssentials
import SwiftASN1
import X509

/// A private key, ECDSA over P-256, and the public key that belongs to it.
///
/// It is made where its holder works and does not leave there: an authority sees requests only. Its description never
/// shows the key.
public struct KeyPair: Sendable {
    let privateKey: P256.Signing.PrivateKey

    /// Makes a key in memory.
    public init() { privateKey = P256.Signing.PrivateKey() }

    /// Reads a key from PEM text (PKCS#8 or SEC 1). Throws `unreadable`, also for keys of other kinds.
    public init(pem: String) throws(IdentityError) {
        // The library's error is not passed on as cause: it might quote what it read.
        guard let key = try? P256.Signing.PrivateKey(pemRepresentation: pem) else {
            throw IdentityError(.unreadable, "this is no PEM text of a P-256 private key")
        }
        privateKey = key
    }

    /// The key as PKCS#8 PEM text. Whoever holds this text is its holder: write it through `IdentityFiles` or
    /// `create(at:)` only.
    public var pem: String { privateKey.pemRepresentation + "\n" }

    /// Makes a key in a new file with mode 0600.
    ///
    /// Throws `fileExists` rather than overwrite, and `fileFailed`. The directory must exist.
    public static func create(at file: URL) throws(IdentityError) -> KeyPair {
        let pair = KeyPair()
        try DiskFile.create(file, contents: pair.pem, mode: .secret)
        return pair
    }

    /// Reads a key from its file. Throws `fileMissing`, `fileUnsafe` where group or others may touch the file,
    /// `fileFailed` and `unreadable`.
    public static func load(from file: URL) throws(IdentityError) -> KeyPair {
        let text = try DiskFile.readSecret(file)
        do {
            return try KeyPair(pem: text)
        } catch {
            throw IdentityError(.unreadable, "\(file.path) holds no P-256 private key in PEM", cause: error)
        }
    }

    /// A signed request (PKCS#10) for a certificate that says the holder of this key is `identity`.
    public func request(for identity: PeerIdentity) throws(IdentityError) -> CertificateRequest {
        try CertificateRequest(identity: identity, key: self)
    }

    /// Whether the certificate in this PEM text (the first, of a chain) is for this key; throws `unreadable`.
    public func matches(certificatePEM: String) throws(IdentityError) -> Bool {
        matches(try Certificate(leafPEM: certificatePEM))
    }

    func matches(_ certificate: Certificate) -> Bool { certificate.publicKey == publicKey }

    var signer: Certificate.PrivateKey { Certificate.PrivateKey(privateKey) }
    var publicKey: Certificate.PublicKey { Certificate.PublicKey(privateKey.publicKey) }
}

extension KeyPair: CustomStringConvertible, CustomReflectable {
    public var description: String { "KeyPair(P-256)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
