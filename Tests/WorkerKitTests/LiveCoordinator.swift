import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import PlimsollProtocol
import SwiftProtobuf
import Synchronization
import WorkerKit

/// A small coordinator on loopback with real mutual TLS: it grants numbered tasks, settles answers, and misbehaves when
/// it is told to.
final class LiveCoordinator: Plimsoll_V1_WorkQueue.SimpleServiceProtocol, Sendable {
    struct Script: Sendable {
        /// How many tasks there are.
        var tasks = 3
        var schema =
            #"{"type":"object","properties":{"label":{"enum":["a","b"]}},"additionalProperties":false}"#
        /// Ends the stream without an ack when the n-th submit arrives (counted over all streams).
        var cutAtSubmit: Int?
        /// Says that it drains when the n-th submit has been settled.
        var drainAtSubmit: Int?
        /// Refuses the first answer of each task as against the schema.
        var refusesFirst = false
        /// Refuses every stream with this.
        var refusal: RPCError?
        /// Takes back each lease at once.
        var revokes = false
        /// Greets nobody.
        var isSilent = false
        /// How many withdrawals are lost before one is recorded.
        var withdrawalsLost = 0
    }

    struct Seen: Sendable {
        var hellos: [Plimsoll_V1_Hello] = []
        var labels: [Int64: [UInt8]] = [:]
        var submits = 0
        var declines: [Int64] = []
        var releases: [Int64] = []
        var leaving = 0
        var heartbeats = 0
        var granted = 0
        var refusedOnce: Set<Int64> = []
        /// What the end of the request streams looked like: true for a half-close.
        var halfCloses = 0
        var requests: [String] = []
        /// Withdrawals that came, the lost ones too.
        var withdrawals: [String] = []
    }

    let script: Script
    let seen = Mutex(Seen())
    private let authority: CertificateAuthority

    init(_ script: Script, authority: CertificateAuthority) {
        self.script = script
        self.authority = authority
    }

    func work(
        request: RPCAsyncSequence<Plimsoll_V1_WorkerMessage, any Error>,
        response: RPCWriter<Plimsoll_V1_CoordinatorMessage>, context: ServerContext
    ) async throws {
        if let refusal = script.refusal { throw refusal }
        var isFirst = true
        var wants = 0
        for try await message in request {
            var reply = Plimsoll_V1_CoordinatorMessage()
            if message.hasHello {
                guard isFirst else { throw RPCError(code: .invalidArgument, message: "hello twice") }
                seen.withLock { $0.hellos.append(message.hello) }
                if script.isSilent { continue }
                reply.welcome = Self.welcome(message.hello)
                reply.projects = [project]
            }
            isFirst = false
            wants += Int(message.want)
            for submit in message.submits {
                let order = settle(submit, into: &reply)
                if order == .cut { return }
                if order == .drain { reply.drain = .with { $0.withinMilliseconds = 100 } }
            }
            note(message, into: &reply)
            wants -= grant(wants, into: &reply)
            if wants > 0 {
                wants = 0
                reply.idle = .with {
                    $0.reason = .nothingLeft
                    $0.askAgainMilliseconds = 100
                }
            }
            try await response.write(reply)
        }
        seen.withLock { $0.halfCloses += 1 }
    }

    private enum Order { case none, cut, drain }

    private func settle(_ submit: Plimsoll_V1_Submit, into reply: inout Plimsoll_V1_CoordinatorMessage) -> Order {
        seen.withLock { seen in
            seen.submits += 1
            if seen.submits == script.cutAtSubmit {
                // Durable, but the ack is lost.
                seen.labels[submit.task] = Array(submit.answer)
                return .cut
            }
            var settlement = Plimsoll_V1_Settlement.with {
                $0.task = submit.task
                $0.fence = submit.fence
                $0.outcome = .accepted
            }
            if script.refusesFirst, seen.refusedOnce.insert(submit.task).inserted {
                settlement.outcome = .refusedSchema
                settlement.problems = [
                    .with {
                        $0.pointer = "/label"
                        $0.message = "must be one of a, b"
                    }
                ]
            } else {
                seen.labels[submit.task] = Array(submit.answer)
            }
            reply.settlements.append(settlement)
            return seen.submits == script.drainAtSubmit ? .drain : .none
        }
    }

    private func note(_ message: Plimsoll_V1_WorkerMessage, into reply: inout Plimsoll_V1_CoordinatorMessage) {
        seen.withLock { seen in
            if message.heartbeat { seen.heartbeats += 1 }
            if message.leaving { seen.leaving += 1 }
            for reference in message.declines {
                seen.declines.append(reference.task)
                reply.changes.append(Self.change(reference, .declined))
            }
            for reference in message.releases {
                seen.releases.append(reference.task)
                reply.changes.append(Self.change(reference, .released))
            }
        }
    }

    private func grant(_ wants: Int, into reply: inout Plimsoll_V1_CoordinatorMessage) -> Int {
        seen.withLock { seen in
            let count = min(wants, script.tasks - seen.granted)
            for _ in 0..<max(0, count) {
                seen.granted += 1
                let number = Int64(seen.granted)
                reply.leases.append(
                    .with {
                        $0.task = number
                        $0.fence = 1_000 + number
                        $0.project = 1
                        $0.key = "k\(number)"
                        $0.kind = "rating"
                        $0.effortSeconds = 60
                        $0.deadlineMilliseconds = 120_000
                        $0.payload = Data(#"{"n":\#(number)}"#.utf8)
                    })
                if script.revokes {
                    reply.revokes.append(
                        .with {
                            $0.task = number
                            $0.fence = 1_000 + number
                            $0.reason = .withdrawn
                        })
                }
            }
            return max(0, count)
        }
    }

    private static func change(
        _ reference: Plimsoll_V1_LeaseReference, _ state: Plimsoll_V1_LeaseState
    ) -> Plimsoll_V1_LeaseChange {
        .with {
            $0.task = reference.task
            $0.fence = reference.fence
            $0.state = state
        }
    }

    private static func welcome(_ hello: Plimsoll_V1_Hello) -> Plimsoll_V1_Welcome {
        .with {
            $0.revision = 1
            $0.coordinator = "live"
            $0.inFlightMax = 64
            $0.itemsPerMessageMax = 64
            $0.answerBytesMax = 262_144
            $0.heartbeatSeconds = 1
            $0.streamTtlSeconds = 60
            $0.kept = hello.held.map { reference in
                .with {
                    $0.task = reference.task
                    $0.fence = reference.fence
                    $0.state = .held
                    $0.deadlineMilliseconds = 90_000
                }
            }
        }
    }

    private var project: Plimsoll_V1_ProjectInfo {
        .with {
            $0.project = 1
            $0.name = "rating"
            $0.instructions = "Say which."
            $0.instructionsVersion = 1
            $0.answerSchema = script.schema
        }
    }

    // MARK: - Calls

    func listAgreements(
        request: Plimsoll_V1_ListAgreementsRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListAgreementsResponse {
        .with {
            $0.notices = ["training", "evaluation"].map { purpose in
                .with {
                    $0.state = "given"
                    $0.notice.purpose = purpose
                    $0.projects = purpose == "training" ? ["rating"] : []
                }
            }
        }
    }

    func giveAgreement(
        request: Plimsoll_V1_GiveAgreementRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ConsentReceipt { .with { $0.notice = request.notice } }

    func refuseAgreement(
        request: Plimsoll_V1_RefuseAgreementRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ConsentReceipt { throw RPCError(code: .notFound, message: "no such purpose") }

    func withdrawAgreement(
        request: Plimsoll_V1_WithdrawAgreementRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ConsentReceipt {
        let count = seen.withLock { seen in
            seen.withdrawals.append(request.purpose)
            return seen.withdrawals.count
        }
        if count <= script.withdrawalsLost { throw RPCError(code: .unavailable, message: "the database is away") }
        return .with {
            $0.state = "withdrawn"
            $0.purpose = request.purpose
            $0.receiptID = "receipt-1"
        }
    }

    func renewCertificate(
        request: Plimsoll_V1_RenewCertificateRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_CertificateChain {
        seen.withLock { $0.requests.append(request.request) }
        let request = try CertificateRequest(pem: request.request)
        guard let identity = request.requested else { throw RPCError(code: .invalidArgument, message: "nobody") }
        let issued = try authority.issue(request: request, as: identity, now: Date())
        return .with {
            $0.certificate = issued.pem
            $0.authority = issued.authorityPEM
            $0.serial = issued.serial
        }
    }

    func showMe(
        request: Plimsoll_V1_ShowMeRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ShowMeResponse {
        .with {
            $0.name = "ada"
            $0.zone = "Europe/Berlin"
            $0.atMicroseconds = 1_774_857_600_000_000
            $0.load = [
                .with {
                    $0.rule = "day-time"
                    $0.unit = .seconds
                    $0.value = 3_600
                    $0.limit = 14_400
                    $0.sharePercent = 25
                    $0.source = "shipped default"
                }
            ]
        }
    }
}

/// An authority, an engineer's files and coordinators on loopback, gone when the test is.
struct LiveDeployment {
    let directory: URL
    let authority: CertificateAuthority
    let identity: IdentityFiles

    static let trustDomain = "test.example"

    /// Runs `body` with coordinators that keep to `scripts`, and removes everything afterwards.
    static func with(
        _ scripts: [LiveCoordinator.Script],
        _ body: (LiveDeployment, [LiveCoordinator], [String]) async throws -> Void
    ) async throws {
        let deployment = try LiveDeployment()
        defer { try? FileManager.default.removeItem(at: deployment.directory) }
        let coordinators = scripts.map { LiveCoordinator($0, authority: deployment.authority) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var addresses: [String] = []
            for coordinator in coordinators {
                let transport = try deployment.transport()
                let server = GRPCServer(transport: transport, services: [coordinator, LiveOffice()])
                group.addTask { try await server.serve() }
                let port = try await transport.listeningAddress.ipv4?.port ?? 0
                addresses.append("127.0.0.1:\(port)")
            }
            defer { group.cancelAll() }
            try await body(deployment, coordinators, addresses)
        }
    }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("worker-test-\(UUID().uuidString)")
        authority = try CertificateAuthority.create(
            trustDomain: Self.trustDomain, in: directory.appendingPathComponent("ca"), now: Date())
        identity = IdentityFiles(directory: directory.appendingPathComponent("ada"))
        let ada = try PeerIdentity(role: .engineer, name: "ada", worker: "w1", trustDomain: Self.trustDomain)
        let key = try identity.createKey()
        try identity.store(authority.issue(request: key.request(for: ada), as: ada, now: Date()))
    }

    func configuration(
        _ addresses: [String], inFlight: Int = 1, answersMax: Int? = nil, tune: (inout WorkerLimits) -> Void = { _ in }
    ) throws -> WorkerConfiguration {
        var limits = WorkerLimits.defaults
        limits.drainWait = .milliseconds(300)
        limits.farewellWait = .seconds(2)
        tune(&limits)
        return try WorkerConfiguration(
            addresses: addresses, identity: identity, inFlight: inFlight, answersMax: answersMax, limits: limits)
    }

    private func transport() throws -> HTTP2ServerTransport.Posix {
        let name = try PeerIdentity(role: .coordinator, name: "k1", trustDomain: Self.trustDomain)
        let key = KeyPair()
        let issued = try authority.issue(
            request: key.request(for: name), as: name, dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"],
            now: Date())
        return HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0),
            transportSecurity: .mTLS(
                certificateChain: [.bytes(Array(issued.pem.utf8), format: .pem)],
                privateKey: .bytes(Array(key.pem.utf8), format: .pem)
            ) { tls in
                tls.trustRoots = .certificates([.bytes(Array(authority.certificatePEM.utf8), format: .pem)])
                tls.requireALPN = true
            })
    }
}
