import FoundationEssentials
import Identity
import PlimsollProtocol

/// Renews a worker's certificate under a new key when two thirds of its life have passed. The key is made here, and
/// only a request leaves the process.
struct CertificateRenewal: Sendable {
    let files: IdentityFiles

    /// True when there is a new certificate on disk that was made here.
    ///
    /// Throws `IdentityError` for files that cannot be used, `WorkerError` for what the coordinator refuses, and
    /// `badCertificate` for one that is not what was asked for; the files stay as they were then.
    func renewIfDue(now: Date, over connection: WorkConnection) async throws -> Bool {
        guard try files.renewalDue(now: now) else { return false }
        let identity = try files.load().certificate.identity
        let key = KeyPair()
        let chain = try await connection.renewCertificate(request: key.request(for: identity).pem)
        let current = try files.load()
        // An older coordinator may leave the authority out: then the trust stays as it is.
        let trustPEM = chain.authority.isEmpty ? current.trust.pem : chain.authority
        let renewed = try TrustBundle(pem: trustPEM).verify(pem: chain.certificate, now: now)
        guard renewed.identity == identity else {
            throw WorkerError(
                .badCertificate,
                "the coordinator issued a certificate for \(renewed.identity.uri) "
                    + "instead of \(identity.uri); it was not stored")
        }
        try files.store(certificatePEM: chain.certificate, trustPEM: trustPEM, key: key)
        return true
    }
}
