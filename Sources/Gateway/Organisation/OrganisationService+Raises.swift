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
        let caller = try context.caller
        try await check(request.id, isSeenBy: caller)
        return .init(try await ledger.agreeRaise(request.id, by: caller.name))
    }

    func endRaise(request: Plimsoll_V1_RaiseRequest, context: ServerContext) async throws -> Plimsoll_V1_LimitRaise {
        let caller = try context.caller
        try await check(request.id, isSeenBy: caller)
        return .init(try await ledger.endRaise(request.id, by: caller.name))
    }

    func listRaises(
        request: Plimsoll_V1_ListRaisesRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListRaisesResponse {
        let caller = try context.caller
        let raises = try await raises(seenBy: caller)
        try await ledger.recordRead(.list(.raises, of: raises.map(\.person)), by: caller.name)
        return .with { $0.raises = raises.map { .init($0) } }
    }

    /// An engineer's are their own, a supervisor's those of their teams (P9), an operator's all.
    private func raises(seenBy caller: Caller) async throws -> [LimitRaise] {
        switch caller.role {
        case .engineer: try await ledger.raises(of: caller.name)
        case .supervisor: try await ledger.raises(supervisedBy: caller.name)
        default: try await ledger.raises()
        }
    }

    /// One that the caller may not see looks like one that is not there.
    private func check(_ id: Int64, isSeenBy caller: Caller) async throws {
        guard try await raises(seenBy: caller).contains(where: { $0.id == id }) else {
            throw GatewayError(.notFound, "there is no raise \(id) that has not ended and is yours to see")
        }
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
