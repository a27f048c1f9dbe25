import Gateway
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import Synchronization

@testable import Coordinator

/// Stands for a coordinator in the tests of the transport: notes what comes and says what the test tells it to.
final class TestDispatch: WorkDispatch {
    /// One attached stream as the coordinator's side sees it.
    struct Stream: Sendable {
        var opening: StreamOpening
        var replies: AsyncThrowingStream<StreamReply, any Error>.Continuation
        var requests: [StreamRequest] = []
        var detached = 0
    }

    private struct State {
        var ready = true
        var streams: [Stream] = []
        var refusal: StreamEnd?
        var denied: Set<String> = []
        var authorized = 0
    }

    private let state = Mutex(State())
    let welcome: Mutex<StreamWelcome>

    init() {
        welcome = Mutex(
            StreamWelcome(coordinator: "c1", heartbeat: .seconds(5), streamTimeToLive: .seconds(60)))
    }

    var isReady: Bool {
        get { state.withLock { $0.ready } }
        set { state.withLock { $0.ready = newValue } }
    }

    var streams: [Stream] { state.withLock { $0.streams } }
    var authorized: Int { state.withLock { $0.authorized } }
    var refusal: StreamEnd? {
        get { state.withLock { $0.refusal } }
        set { state.withLock { $0.refusal = newValue } }
    }

    func deny(_ nameOrSerial: String) { state.withLock { _ = $0.denied.insert(nameOrSerial) } }

    func attach(_ opening: StreamOpening) async throws -> AttachedStream {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: StreamReply.self)
        let index = try state.withLock { state in
            if let refusal = state.refusal { throw refusal }
            state.streams.append(Stream(opening: opening, replies: continuation))
            return state.streams.count - 1
        }
        return AttachedStream(
            welcome: welcome.withLock { $0 }, replies: stream,
            onReceive: { request in self.state.withLock { $0.streams[index].requests.append(request) } },
            onDetach: {
                self.state.withLock { $0.streams[index].detached += 1 }
                continuation.finish()
            })
    }

    func authorizeSubject(person: String, serial: String) async throws {
        try state.withLock { state in
            if let refusal = state.refusal, refusal.code != .roleNotGranted { throw refusal }
            guard !state.denied.contains(serial) else { throw StreamEnd(.denied, "this certificate is denied") }
        }
    }

    func authorize(person: String, serial: String, role: String) async throws {
        try state.withLock { state in
            if let refusal = state.refusal { throw refusal }
            guard !state.denied.contains(person), !state.denied.contains(serial) else {
                throw StreamEnd(.denied, "this certificate is denied")
            }
            state.authorized += 1
        }
    }
}

/// Stands for the ledger's side of the unary calls; counts what reaches it.
final class TestDesk: PersonDesk {
    private let state = Mutex([Caller]())
    /// Everybody who got as far as a handler.
    var callers: [Caller] { state.withLock { $0 } }

    private func note(_ caller: Caller) { state.withLock { $0.append(caller) } }

    func listAgreements(
        _ request: Plimsoll_V1_ListAgreementsRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ListAgreementsResponse {
        note(caller)
        return Plimsoll_V1_ListAgreementsResponse()
    }

    func giveAgreement(
        _ request: Plimsoll_V1_GiveAgreementRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        note(caller)
        throw GatewayError(.refused, "the notice has changed")
    }

    func refuseAgreement(
        _ request: Plimsoll_V1_RefuseAgreementRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        note(caller)
        return Plimsoll_V1_ConsentReceipt()
    }

    func withdrawAgreement(
        _ request: Plimsoll_V1_WithdrawAgreementRequest, caller: Caller
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        note(caller)
        return .with { $0.purpose = request.purpose }
    }

    func renewCertificate(
        _ request: Plimsoll_V1_RenewCertificateRequest, caller: Caller
    ) async throws -> Plimsoll_V1_CertificateChain {
        note(caller)
        struct Secret: Error { let sql = "select secret from person" }
        throw Secret()
    }

    func showMe(_ request: Plimsoll_V1_ShowMeRequest, caller: Caller) async throws -> Plimsoll_V1_ShowMeResponse {
        note(caller)
        return .with { $0.name = caller.name }
    }
}
