import GRPCCore
import Ledger
import PlimsollProtocol
import SwiftProtobuf

/// `plimsoll.v1.Person` over the ledger: what a person may ask about the data held of them. No request names a person;
/// whose it is comes from the certificate alone.
struct PersonService: Plimsoll_V1_Person.SimpleServiceProtocol {
    let ledger: Ledger

    func erase(
        request: Plimsoll_V1_EraseRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_EraseResponse {
        let outcome = try await ledger.erase(purpose: request.purpose.orNil, voice: ConsentVoice(context.caller))
        return .with {
            $0.receipts = outcome.receipts.map { .init($0) }
            $0.labels = UInt64(outcome.labels)
            $0.lateAnswers = UInt64(outcome.lateAnswers)
            $0.pseudonym = outcome.pseudonym ?? ""
            $0.chainDetails = UInt64(outcome.chainDetails)
        }
    }
}
