import FoundationEssentials
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol

/// What an engineer asks about themselves, over the ledger. Whose word it is comes from the certificate alone.
struct LedgerDesk: PersonDesk {
    let ledger: Ledger
    /// nil: this deployment's authority is elsewhere.
    let authority: CertificateAuthority?

    init(ledger: Ledger, authority: CertificateAuthority?) {
        self.ledger = ledger
        self.authority = authority
    }

    func renewCertificate(
        _ request: Plimsoll_V1_RenewCertificateRequest, caller: Caller
    ) async throws -> Plimsoll_V1_CertificateChain {
        guard let authority else { throw GatewayError.noAuthority }
        let signed = try CertificateRequest(pem: request.request)
        // For the identity that asks, whatever the request names; the authority refuses one that names another.
        let issued = try authority.issue(
            request: signed, as: caller.identity, validity: try await validity(afterThatOf: caller), now: Date())
        try await ledger.recordCertificate(CertificateRow.Draft(issued), by: caller.name)
        return .init(issued)
    }

    /// As many hours as the certificate that is renewed was issued for.
    private func validity(afterThatOf caller: Caller) async throws -> Duration {
        let before = try await ledger.certificates(of: caller.name).first { $0.serial == caller.serial }
        let hours = before.map { ($0.notAfter - $0.notBefore).components.seconds / 3_600 } ?? 0
        return hours > 0
            ? min(.seconds(hours * 3_600), CertificateAuthority.leafValidityMax)
            : CertificateAuthority.leafValidityDefault
    }
}
