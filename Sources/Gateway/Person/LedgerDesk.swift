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
        let issued = try authority.issue(request: signed, as: caller.identity, now: Date())
        try await ledger.recordCertificate(CertificateRow.Draft(issued), by: caller.name)
        return .init(issued)
    }
}
