import Coordinator
import Foundation
import GRPCCore
import Identity
import Logging
import PlimsollModel
import PlimsollProtocol
import ServiceLifecycle
import ServiceLifecycleTestKit
import SwiftProtobuf
import Synchronization
import Testing

@testable import Gateway

extension OverTLS {
    /// Peers that do not behave get no more than their time, and the server stays as it was.
    @Suite struct ConnectionTests {
        static let hello: [UInt8] = {
            // A message of fixed fields always serializes.
            (try? Plimsoll_V1_WorkerMessage.with { $0.hello = .test }.serializedBytes()) ?? []
        }()
        static let work = "/plimsoll.v1.WorkQueue/Work"

        private func stillServes(_ gateway: RunningGateway) async throws -> Bool {
            let status = try await gateway.withWorker(gateway.deployment.engineer("zoe")) { worker in
                #expect(await worker.next()?.hasWelcome == true)
            }
            return status == nil
        }

        @Test func aPeerThatOpensTCPAndSaysNothingIsClosed() async throws {
            try await withGateway({ $0.times.handshake = .milliseconds(300) }) { gateway in
                let peer = try await RawPeer.plain(port: gateway.port)
                #expect(await eventually { gateway.server.openConnections == 1 })
                #expect(await eventually(within: .seconds(30)) { peer.isClosed })
                #expect(await eventually { gateway.server.openConnections == 0 })
                #expect(try await stillServes(gateway))
            }
        }

        @Test func aPeerWithoutTLSGetsNothing() async throws {
            try await withGateway { gateway in
                let peer = try await RawPeer.plain(port: gateway.port)
                try? await peer.send(RawHTTP2.preface + RawHTTP2.call(Self.work))
                #expect(await eventually { peer.isClosed })
                // At most a TLS alert (content type 21), never HTTP.
                #expect(peer.bytes.first.map { $0 == 21 } ?? true)
                #expect(peer.bytes.count <= 7)
                #expect(try await stillServes(gateway))
            }
        }

        @Test func aPeerThatFinishesTLSAndCallsNothingIsClosed() async throws {
            try await withGateway({ $0.times.hello = .milliseconds(300) }) { gateway in
                let peer = try await RawPeer.tls(
                    port: gateway.port, deployment: gateway.deployment, holder: gateway.deployment.engineer())
                #expect(await eventually(within: .seconds(30)) { peer.isClosed })
                #expect(await eventually { gateway.server.openConnections == 0 })
            }
        }

        @Test func aPeerWithoutCallsIsClosedWhenIdle() async throws {
            try await withGateway({ $0.times.idle = .milliseconds(200) }) { gateway in
                let holder = try gateway.deployment.engineer()
                try await gateway.withClient(holder) { client in
                    _ = try await Plimsoll_V1_WorkQueue.Client(wrapping: client).showMe(.init())
                    #expect(gateway.server.openConnections == 1)
                    #expect(await eventually { gateway.server.openConnections == 0 })
                }
            }
        }

        @Test func aPeerOnWhichNothingArrivesIsClosedWithItsStream() async throws {
            try await withGateway({ $0.times.silence = .seconds(1) }) { gateway in
                let peer = try await RawPeer.tls(
                    port: gateway.port, deployment: gateway.deployment, holder: gateway.deployment.engineer())
                try await peer.send(RawHTTP2.preface + RawHTTP2.call(Self.work) + RawHTTP2.message(Self.hello))
                #expect(await eventually { gateway.dispatch.streams.count == 1 })
                #expect(await eventually(within: .seconds(30)) { peer.isClosed })
                #expect(await eventually { gateway.dispatch.streams.first?.detached == 1 })
                #expect(await eventually { gateway.server.openStreams == 0 })
            }
        }

        @Test func aWorkerThatTakesNothingIsCutOffAndDetached() async throws {
            try await withGateway({ $0.times.unread = .milliseconds(300) }) { gateway in
                let peer = try await RawPeer.tls(
                    port: gateway.port, deployment: gateway.deployment, holder: gateway.deployment.engineer())
                try await peer.send(RawHTTP2.preface + RawHTTP2.call(Self.work) + RawHTTP2.message(Self.hello))
                #expect(await eventually { gateway.dispatch.streams.count == 1 })
                // It never opens its window (RFC 9113, 6.9), so 64 KiB is all that can be sent.
                let lease = LeaseReference(task: TaskID(1), fence: Fence(1))
                let payload = [UInt8](repeating: 32, count: 10_000)
                for _ in 0..<20 {
                    gateway.dispatch.streams.first?.replies.yield(.everySort(lease, count: 10, payload: payload))
                }
                #expect(await eventually(within: .seconds(30)) { gateway.dispatch.streams.first?.detached == 1 })
                #expect(await eventually { gateway.server.openStreams == 0 })
                #expect(peer.bytes.count < 200_000)
                #expect(try await stillServes(gateway))
                peer.close()
            }
        }

        @Test func aFrozenProcessFreesItsSlot() async throws {
            try await withGateway({
                $0.times.hello = .seconds(2)
                $0.times.silence = .seconds(2)
            }) { gateway in
                gateway.dispatch.welcome.withLock { $0.streamTimeToLive = .milliseconds(500) }
                let peer = try ChildPeer(gateway, holder: gateway.deployment.engineer())
                defer { peer.end() }
                try peer.send(RawHTTP2.preface + RawHTTP2.call(Self.work) + RawHTTP2.message(Self.hello))
                #expect(await eventually { gateway.dispatch.streams.count == 1 })
                peer.freeze()
                #expect(await eventually { gateway.dispatch.streams.first?.detached == 1 })
                #expect(await eventually { gateway.server.openStreams == 0 })
                #expect(await eventually { gateway.server.openConnections == 0 })
            }
        }

        @Test func aConnectionTooManyIsClosedAndTheOthersStay() async throws {
            try await withGateway({ $0.limits.connectionsMax = 2 }) { gateway in
                let first = try await RawPeer.plain(port: gateway.port)
                let second = try await RawPeer.plain(port: gateway.port)
                #expect(await eventually { gateway.server.openConnections == 2 })
                let third = try await RawPeer.plain(port: gateway.port)
                #expect(await eventually { third.isClosed })
                #expect(!first.isClosed && !second.isClosed)
                #expect(gateway.server.connections.refused == 1)
                first.close()
                #expect(await eventually { gateway.server.openConnections == 1 })
                #expect(try await stillServes(gateway))
                second.close()
            }
        }

        @Test func onePersonCannotTakeAllConnections() async throws {
            try await withGateway({ $0.limits.connectionsPerPersonMax = 1 }) { gateway in
                let holder = try gateway.deployment.engineer("ada")
                var peers: [RawPeer] = []
                for _ in 0..<2 {
                    let peer = try await RawPeer.tls(port: gateway.port, deployment: gateway.deployment, holder: holder)
                    try await peer.send(RawHTTP2.preface)
                    peers.append(peer)
                }
                #expect(await eventually { gateway.server.connections.opened(of: "ada") == 2 })
                let third = try await RawPeer.tls(port: gateway.port, deployment: gateway.deployment, holder: holder)
                #expect(await eventually { third.isClosed })
                #expect(try await stillServes(gateway))
                for peer in peers { peer.close() }
                #expect(await eventually { gateway.server.connections.opened(of: "ada") == 0 })
            }
        }

        @Test func onePersonsConnectionsWithCallsAreLimitedByAStatus() async throws {
            try await withGateway({ $0.limits.connectionsPerPersonMax = 1 }) { gateway in
                let holder = try gateway.deployment.engineer("ada")
                try await gateway.withWorker(holder) { worker in
                    _ = await worker.next()
                    let second = try await gateway.withWorker(holder) { _ in }
                    #expect(second?.code == .resourceExhausted)
                    #expect(second?.retryMilliseconds == "5000")
                }
                #expect(await eventually { gateway.server.callLimits.connections(of: "ada") == 0 })
            }
        }

        @Test func callsBeyondTheRateAreRefusedAndWithdrawingIsNot() async throws {
            try await withGateway({
                $0.limits.callsPerSecondPerPerson = 0.01
                $0.limits.callsBurstPerPerson = 2
            }) { gateway in
                try await gateway.withClient(gateway.deployment.engineer()) { client in
                    let queue = Plimsoll_V1_WorkQueue.Client(wrapping: client)
                    _ = try await queue.showMe(.init())
                    _ = try await queue.showMe(.init())
                    let error = await #expect(throws: RPCError.self) { _ = try await queue.showMe(.init()) }
                    #expect(error?.code == .resourceExhausted)
                    #expect(error?.metadata.contains { $0.key == GatewayError.retryKey } == true)
                    let receipt = try await queue.withdrawAgreement(.with { $0.purpose = "training" })
                    #expect(receipt.purpose == "training")
                }
            }
        }
    }
}

extension OverTLS {
    @Suite struct ServerTests {
        @Test func aPortInUseIsNamedWithWhatToDo() async throws {
            try await withGateway { gateway in
                var configuration = gateway.deployment.configuration
                configuration.bind.port = gateway.port
                let second = try GatewayServer(
                    configuration: configuration, dispatch: TestDispatch(), desk: TestDesk(),
                    logger: .init(label: "test"))
                let error = await #expect(throws: GatewayError.self) { try await second.run() }
                #expect(error?.code == .cannotBind)
                #expect(error?.message.contains("127.0.0.1:\(gateway.port)") == true)
                #expect(error?.message.contains("another port") == true)
            }
        }

        @Test func anAddressThatIsNoneIsRefusedAtOnce() throws {
            let deployment = try Deployment()
            defer { deployment.remove() }
            var configuration = deployment.configuration
            configuration.bind.port = 70_000
            #expect(throws: GatewayError.self) {
                _ = try GatewayServer(
                    configuration: configuration, dispatch: TestDispatch(), desk: TestDesk(),
                    logger: .init(label: "test"))
            }
        }

        @Test func credentialsThatCannotServeAreRefusedByFile() throws {
            let deployment = try Deployment()
            defer { deployment.remove() }
            func refusal(_ change: (inout GatewayConfiguration.Credentials) -> Void) -> GatewayError? {
                var configuration = deployment.configuration
                change(&configuration.credentials)
                return #expect(throws: GatewayError.self) {
                    _ = try GatewayServer(
                        configuration: configuration, dispatch: TestDispatch(), desk: TestDesk(),
                        logger: .init(label: "test"))
                }
            }
            let missing = refusal { $0.certificatePath = "/nowhere/cert.pem" }
            #expect(missing?.code == .badCredentials)
            #expect(missing?.message.contains("/nowhere/cert.pem") == true)
            let engineer = try deployment.engineer()
            let other = deployment.directory.appendingPathComponent("engineer.pem").path
            try Array(engineer.certificatePEM.utf8).write(to: other)
            #expect(refusal { $0.certificatePath = other }?.message.contains("role engineer") == true)
            #expect(refusal { $0.trustPath = other }?.code == .badCredentials)
            #expect(chmod(deployment.configuration.credentials.keyPath, 0o644) == 0)
            #expect(refusal { _ in }?.message.contains("chmod") == true)
        }

        @Test func shutdownIsBoundedAndTellsHealthFirst() async throws {
            let deployment = try Deployment()
            defer { deployment.remove() }
            var configuration = deployment.configuration
            configuration.times.drain = .milliseconds(300)
            configuration.times.quiesce = .milliseconds(300)
            let dispatch = TestDispatch()
            let desk = TestDesk()
            let server = try GatewayServer(
                configuration: configuration, dispatch: dispatch, desk: desk, logger: .init(label: "test"))
            try await testGracefulShutdown { trigger in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await server.run() }
                    let gateway = RunningGateway(
                        deployment: deployment, server: server, dispatch: dispatch, desk: desk,
                        port: try await server.port)
                    // A peer that answers nothing, pings included, and would keep a graceful close waiting for ever.
                    let peer = try await RawPeer.tls(
                        port: gateway.port, deployment: deployment, holder: deployment.engineer("ben"))
                    try await peer.send(
                        RawHTTP2.preface + RawHTTP2.call(OverTLS.ConnectionTests.work)
                            + RawHTTP2.message(OverTLS.ConnectionTests.hello))
                    #expect(await eventually { dispatch.streams.count == 1 })
                    let ended = try await gateway.withWorker(deployment.engineer()) { worker in
                        _ = await worker.next()
                        trigger.triggerGracefulShutdown()
                        #expect(await worker.next()?.hasDrain == true)
                        while await worker.next() != nil {}
                    }
                    #expect(ended?.code == .unavailable)
                    let start = ContinuousClock.now
                    try await group.waitForAll()
                    // The peer that answers nothing costs TLS's own wait for its goodbye, 5 s.
                    #expect(ContinuousClock.now - start < .seconds(9))
                    #expect(dispatch.streams.allSatisfy { $0.detached == 1 })
                    peer.close()
                }
            }
        }
    }
}

extension OverTLS {
    @Suite struct HealthTests {
        @Test func checkSaysWhetherTheCoordinatorIsReadyEvenWhenNobodyIsAuthorized() async throws {
            try await withGateway { gateway in
                gateway.dispatch.refusal = StreamEnd(.notReady, "the database is away")
                let identity = try PeerIdentity.coordinator("c2", trustDomain: Deployment.trustDomain)
                try await gateway.withClient(gateway.deployment.issue(identity)) { client in
                    let health = Grpc_Health_V1_Health.Client(wrapping: client)
                    #expect(try await health.check(.init()).status == .serving)
                    #expect(try await health.check(.with { $0.service = "plimsoll.v1.WorkQueue" }).status == .serving)
                    let error = await #expect(throws: RPCError.self) {
                        _ = try await health.check(.with { $0.service = "nonsense" })
                    }
                    #expect(error?.code == .notFound)
                    gateway.dispatch.isReady = false
                    let changed = try await eventually { try await health.check(.init()).status == .notServing }
                    #expect(changed)
                }
            }
        }

        @Test func watchTellsEveryChangeAndEndsWithItsCaller() async throws {
            try await withGateway { gateway in
                struct Enough: Error {}
                try await gateway.withClient(gateway.deployment.engineer()) { client in
                    let health = Grpc_Health_V1_Health.Client(wrapping: client)
                    await #expect(throws: Enough.self) {
                        try await health.watch(.init()) { response in
                            var seen: [Grpc_Health_V1_HealthCheckResponse.ServingStatus] = []
                            for try await message in response.messages {
                                seen.append(message.status)
                                if seen == [.serving] { gateway.dispatch.isReady = false }
                                if seen == [.serving, .notServing] { gateway.dispatch.isReady = true }
                                if seen.count == 3 {
                                    #expect(seen == [.serving, .notServing, .serving])
                                    throw Enough()
                                }
                            }
                        }
                    }
                }
                #expect(await eventually { gateway.server.healthWatchers == 0 })
            }
        }
    }
}
