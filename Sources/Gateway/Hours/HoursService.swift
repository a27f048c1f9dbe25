import GRPCCore
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

/// `plimsoll.v1.Hours` over the ledger: what people say of their own time, and how much they did. Whose it is comes
/// from the certificate alone.
struct HoursService: Plimsoll_V1_Hours.SimpleServiceProtocol {
    let ledger: Ledger

    func declareHours(
        request: Plimsoll_V1_DeclareHoursRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_DeclareHoursResponse {
        let before = try await ledger.declareHours(
            .seconds(Int64(request.weekSeconds)), by: context.caller.name)
        return .with {
            $0.weekSeconds = request.weekSeconds
            $0.beforeSeconds = UInt32(clamping: before.components.seconds)
        }
    }

    func setZone(
        request: Plimsoll_V1_SetZoneRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_SetZoneResponse {
        let standing = try await ledger.setZone(request.zone, by: context.caller.name)
        let zone = try Zone.named(standing.zone)
        return .with {
            $0.zone = standing.zone
            if let former = standing.former {
                $0.formerZone = former.zone
                $0.formerUntil = former.until.text(in: zone)
            }
        }
    }
}
