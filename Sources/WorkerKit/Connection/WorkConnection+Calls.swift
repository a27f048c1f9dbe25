import GRPCCore
public import PlimsollProtocol
import SwiftProtobuf

/// The calls of an engineer's process beside the work stream. Each throws `WorkerError` with the coordinator's words.
extension WorkConnection {
    /// How long a call may take, connecting included.
    public static let callTimeout = Duration.seconds(15)

    /// The notices in force and this person's own agreements.
    public func listAgreements() async throws -> [Plimsoll_V1_NoticeAgreement] {
        try await calling { try await client.listAgreements(.init(), options: Self.callOptions).notices }
    }

    /// Gives the agreement to one purpose, under exactly the notice that was shown (`sha256` of its text).
    public func giveAgreement(
        notice: String, version: UInt32, sha256: String
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        let request = Plimsoll_V1_GiveAgreementRequest.with {
            $0.notice = notice
            $0.version = version
            $0.sha256 = sha256
        }
        return try await calling { try await client.giveAgreement(request, options: Self.callOptions) }
    }

    /// Says no to one purpose. Costs nothing and needs no reason (P9).
    public func refuseAgreement(purpose: String) async throws -> Plimsoll_V1_ConsentReceipt {
        try await calling {
            try await client.refuseAgreement(.with { $0.purpose = purpose }, options: Self.callOptions)
        }
    }

    /// Withdraws one purpose; leases under it have ended when this returns (P3).
    public func withdrawAgreement(purpose: String) async throws -> Plimsoll_V1_ConsentReceipt {
        try await calling {
            try await client.withdrawAgreement(.with { $0.purpose = purpose }, options: Self.callOptions)
        }
    }

    /// This person's own load against the limits, and why work comes or does not come now.
    public func showMe() async throws -> Plimsoll_V1_ShowMeResponse {
        try await calling { try await client.showMe(.init(), options: Self.callOptions) }
    }

    /// Sends a request for a new certificate of the same identity (PKCS#10, PEM); the key stays here.
    public func renewCertificate(request: String) async throws -> Plimsoll_V1_CertificateChain {
        try await calling {
            try await client.renewCertificate(.with { $0.request = request }, options: Self.callOptions)
        }
    }

    private static var callOptions: CallOptions {
        var options = CallOptions.defaults
        options.timeout = callTimeout
        return options
    }

    private func calling<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as RPCError {
            throw WorkerError(rpc: error)
        }
    }
}
