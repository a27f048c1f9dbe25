import Coordinator
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import Ledger
import Logging
import PlimsollModel
import Postgres
import TestSupport
import Testing

@testable import Gateway

/// A gateway on a port of its own over mutual TLS, with a coordinator and its database.
struct LiveGateway: Sendable {
    let deployment: Deployment
    let ledger: Ledger
    let owner: Connection
    let port: Int
}

/// Runs one for the length of `body`; `prepare` fills the ledger before anybody calls. Its first operator is olu.
func withLiveGateway(
    prepare: @Sendable (Ledger) async throws -> Void,
    _ body: @escaping @Sendable (LiveGateway) async throws -> Void
) async throws {
    let logger = Logger(label: "test.gateway", factory: { _ in SwiftLogNoOpLogHandler() })
    try await withLedger(operator: "olu", logger) { test in
        let deployment = try Deployment()
        defer { deployment.remove() }
        try await prepare(test.ledger)
        let coordinator = Coordinator(
            configuration: CoordinatorConfiguration(name: "c1", address: "127.0.0.1:1"), ledger: test.ledger,
            connections: LedgerConnections(
                base: TestLedger.coordinatorRole(test.conninfo), name: "c1", logger: logger), logger: logger)
        let server = try GatewayServer(
            configuration: deployment.configuration, coordinator: coordinator, ledger: test.ledger, authority: nil,
            signer: { CoordinatorSignature(signature: $0, certificate: [1]) }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await coordinator.run() }
            group.addTask { try await server.run() }
            #expect(await eventually { coordinator.isReady })
            try await body(
                LiveGateway(
                    deployment: deployment, ledger: test.ledger, owner: test.owner, port: try await server.port))
        }
    }
}

/// A notice of this name about the purpose of this name.
func noticeDraft(_ purpose: String) -> NoticeDraft {
    NoticeDraft(
        id: purpose, version: 1, locale: "en", purpose: purpose, text: "Read.", data: "labels",
        recipients: "the supervisor", retention: "a year", withdrawalMethod: "plimsoll consent withdraw",
        alternativeOffered: "nothing changes", assessment: NoticeBasis(text: "impact assessment 1", on: "2026-01-05"),
        consultation: NoticeBasis(text: "meeting of the workers 1", on: "2026-01-12"), validityDays: nil,
        isMaterial: false)
}

/// Agrees to the notice of this name in the person's voice.
func agree(_ ledger: Ledger, _ name: String, _ notice: String) async throws {
    let text = try await ledger.notices(id: notice)[0]
    _ = try await ledger.giveAgreement(
        notice: notice, version: 1, sha256: text.sha256, voice: ConsentVoice(name: name, certificateSerial: "0a"))
}
