import FoundationEssentials
import GRPCCore
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// `plimsoll.v1.Receipts`: what each person keeps as proof of what they agreed to, refused or took back. Whose receipts
/// they are comes from the certificate alone.
struct ReceiptsService: Plimsoll_V1_Receipts.SimpleServiceProtocol {
    let ledger: Ledger
    /// Nil: this process cannot sign as a coordinator.
    let signer: CoordinatorSigner?

    func listReceipts(
        request: Plimsoll_V1_ListReceiptsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListReceiptsResponse {
        let receipts = try await ledger.receipts(of: context.caller.name)
        return .with { $0.receipts = receipts.map { .init($0) } }
    }

    func getReceipt(
        request: Plimsoll_V1_GetReceiptRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ReceiptDocument {
        let caller = try context.caller
        guard let form = ReceiptForm(rawValue: request.form.orNil ?? ReceiptForm.ts27560.rawValue) else {
            throw GatewayError(
                .badMessage,
                "a receipt has the form \(ReceiptForm.allCases.map(\.rawValue).joined(separator: " or "))")
        }
        guard let id = UUID(uuidString: request.receipt),
            let (record, now) = try await ledger.receipt(id, of: caller.name)
        else {
            throw GatewayError(
                .notFound, "you have no receipt “\(request.receipt)”; plimsoll consent receipt lists those you have")
        }
        guard let signer else {
            throw GatewayError(.refused, "this coordinator has no key to sign a receipt with; ask another")
        }
        let document = ReceiptDocument(record, form: form, controller: caller.identity.trustDomain, now: now)
        let signature = try signer(document.signedText)
        return .with {
            $0.document = Data(document.signed(by: signature))
            $0.proven = record.proof != nil
        }
    }
}
