import GRPCCore
import Ledger
import PlimsollModel
import PlimsollProtocol

extension ControlService {
    func applyPolicy(
        request: Plimsoll_V1_ApplyPolicyRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_PolicyVersion {
        let policy = try await ledger.applyPolicy(
            request.document, reason: request.reason, stoppingEveryone: request.stopEveryone,
            by: context.caller.name)
        return .init(policy, warnings: await availability.warnings())
    }

    func showPolicy(
        request: Plimsoll_V1_ShowPolicyRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_PolicyVersion {
        .init(try await ledger.policy(version: request.version == 0 ? nil : request.version))
    }
}

extension Plimsoll_V1_PolicyVersion {
    init(_ policy: PolicyRow, warnings: [String] = []) {
        self.init()
        version = policy.version
        document = policy.document
        reason = policy.reason
        author = policy.author
        appliedOn = WireDate.text(policy.appliedAt)
        self.warnings = warnings
    }
}

/// Dates on the wire: of UTC, never with a time.
enum WireDate {
    private static let secondsPerDay: Int64 = 86_400

    static func text(_ moment: Moment) -> String {
        LocalDay(Int32(clamping: Int64((Double(moment.seconds) / Double(secondsPerDay)).rounded(.down)))).description
    }
}
