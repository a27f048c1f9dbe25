import GRPCCore
import Identity
import Ledger
import PlimsollProtocol
import SwiftProtobuf

extension OrganisationService {
    func askRaise(request: Plimsoll_V1_AskRaiseRequest, context: ServerContext) async throws -> Plimsoll_V1_LimitRaise {
        .init(try await ledger.askRaise(request.document, reason: request.reason, by: context.caller.name))
    }

    func agreeRaise(request: Plimsoll_V1_RaiseRequest, context: ServerContext) async throws -> Plimsoll_V1_LimitRaise {
        .init(try await ledger.agreeRaise(request.id, by: context.caller.name))
    }

    func endRaise(request: Plimsoll_V1_RaiseRequest, context: ServerContext) async throws -> Plimsoll_V1_LimitRaise {
        let caller = try context.caller
        if caller.role == .engineer {
            // One that is another's looks like one that is not there.
            guard try await ledger.raises(of: caller.name).contains(where: { $0.id == request.id }) else {
                throw GatewayError(.notFound, "you have no raise \(request.id) that has not ended")
            }
        }
        return .init(try await ledger.endRaise(request.id, by: caller.name))
    }

    func listRaises(
        request: Plimsoll_V1_ListRaisesRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListRaisesResponse {
        let caller = try context.caller
        let raises = try await ledger.raises(of: caller.role == .engineer ? caller.name : nil)
        return .with { $0.raises = raises.map { .init($0) } }
    }
}

extension Plimsoll_V1_LimitRaise {
    init(_ raise: LimitRaise) {
        self.init()
        id = raise.id
        name = raise.person
        document = raise.document
        reason = raise.reason
        state = raise.state.rawValue
        agreedBy = raise.agreedBy ?? ""
    }
}
