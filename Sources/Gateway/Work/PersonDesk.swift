public import PlimsollProtocol

/// What an engineer may ask about their own agreements, certificate and load, besides the work stream.
///
/// The caller is proved, authorized as an engineer and within the limit of calls. Implementations throw
/// ``GatewayError``, or something ``GatewayErrorConvertible``.
public protocol PersonDesk: Sendable {
    func listAgreements(
        _ request: Plimsoll_V1_ListAgreementsRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ListAgreementsResponse

    func giveAgreement(
        _ request: Plimsoll_V1_GiveAgreementRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ConsentReceipt

    func refuseAgreement(
        _ request: Plimsoll_V1_RefuseAgreementRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ConsentReceipt

    func withdrawAgreement(
        _ request: Plimsoll_V1_WithdrawAgreementRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ConsentReceipt

    func renewCertificate(
        _ request: Plimsoll_V1_RenewCertificateRequest, caller: Caller
    ) async throws -> Plimsoll_V1_CertificateChain

    func showMe(_ request: Plimsoll_V1_ShowMeRequest, caller: Caller) async throws -> Plimsoll_V1_ShowMeResponse
}
