import Crypto
public import FoundationEssentials
import SwiftASN1
import Synchronization
import X509

extension IdentityFiles.Content {
    /// Signs a text with the private key of this identity: ECDSA over P-256 and SHA-256, both results in DER.
    public func sign(_ text: [UInt8]) throws(IdentityError) -> (signature: [UInt8], certificate: [UInt8]) {
        try IdentityError.wrapping(.unreadable, "the signature could not be made") {
            var serializer = DER.Serializer()
            try Certificate(leafPEM: certificatePEM).serialize(into: &serializer)
            return (
                Array(try key.privateKey.signature(for: text).derRepresentation), serializer.serializedBytes
            )
        }
    }
}

/// Verifies what coordinators of a deployment signed. A certificate is looked at once as long as the same signs.
public final class CoordinatorSignatures: Sendable {
    private let trust: TrustBundle
    private let last = Mutex<Signer?>(nil)

    private struct Signer: Sendable {
        let der: [UInt8]
        let key: P256.Signing.PublicKey
        let holder: CertificateIdentity
    }

    public init(trust: TrustBundle) { self.trust = trust }

    /// Who signed the text, by a certificate that was valid at `date`. Throws the errors of `TrustBundle.verify`,
    /// `badSignature`, and `missingUsage` where a certificate of another role signed.
    @discardableResult
    public func verify(
        signature: [UInt8], certificate: [UInt8], over text: [UInt8], at date: Date
    ) throws(IdentityError) -> CertificateIdentity {
        let signer = try signer(certificate, at: date)
        guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature),
            signer.key.isValidSignature(signature, for: text)
        else {
            throw IdentityError(
                .badSignature, "the signature is not the one of \(signer.holder.identity.uri) over this text")
        }
        return signer.holder
    }

    private func signer(_ der: [UInt8], at date: Date) throws(IdentityError) -> Signer {
        let known = last.withLock { $0 }
        if let known, known.der == der, known.holder.notBefore <= date, date <= known.holder.notAfter { return known }
        let holder = try trust.verify(der: der, now: date)
        guard holder.identity.role == .coordinator else {
            throw IdentityError(.missingUsage, "\(holder.identity.uri) is no coordinator")
        }
        let key = try IdentityError.wrapping(.unreadable, "these bytes are no DER certificate") {
            try P256.Signing.PublicKey(Certificate(derEncoded: der).publicKey)
        }
        guard let key else { throw IdentityError(.unsupportedKey, "\(holder.identity.uri) has no P-256 key") }
        let signer = Signer(der: der, key: key, holder: holder)
        last.withLock { $0 = signer }
        return signer
    }
}
