import GRPCCore
import Identity
import Ledger
import PlimsollProtocol

/// `plimsoll.v1.Organisation` over the ledger. Who may call what was decided before (`MethodRules`); where a role may
/// see or change only its own, that is decided here.
struct OrganisationService: Plimsoll_V1_Organisation.SimpleServiceProtocol {
    let ledger: Ledger
    let planning = PlanTurn()

    /// Refuses an engineer who names somebody else, with words that say nothing about them.
    static func own(_ name: String, of caller: Caller) throws -> String {
        let name = name.isEmpty ? caller.name : name
        if caller.role == .engineer, name != caller.name {
            throw GatewayError(.notAllowed, "with an engineer's certificate this is about oneself alone")
        }
        return name
    }
}

extension Plimsoll_V1_SpanOfControl {
    init(_ span: SpanOfControl) {
        self.init()
        team = span.team
        supervisor = span.supervisor
        engineers = UInt32(clamping: span.engineers)
        max = UInt32(clamping: span.max)
        warning = span.warning ?? ""
    }
}
