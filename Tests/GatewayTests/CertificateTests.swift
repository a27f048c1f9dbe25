import Coordinator
import FoundationEssentials
import GRPCCore
import Identity
import PlimsollProtocol
import TestSupport
import Testing

@testable import Gateway

extension OverTLS {
    /// Who is let in: every bad certificate is refused before any handler, each for its own fault.
    @Suite struct CertificateTests {
        /// Calls `ShowMe`; the status, nil for ok.
        private func showMe(_ gateway: RunningGateway, _ holder: Deployment.Holder) async throws -> RPCError? {
            try await gateway.withClient(holder) { client in
                var options = CallOptions.defaults
                options.timeout = .seconds(60)
                options.waitForReady = false
                do {
                    _ = try await Plimsoll_V1_WorkQueue.Client(wrapping: client).showMe(
                        .init(), metadata: [:], options: options)
                    return nil
                } catch let error as RPCError {
                    return error
                }
            }
        }

        @Test func aGoodCertificateIsLetInUnderItsName() async throws {
            try await withGateway { gateway in
                let holder = try gateway.deployment.engineer("ada", worker: "w9")
                #expect(try await showMe(gateway, holder) == nil)
                let caller = try #require(gateway.desk.callers.first)
                #expect(caller.name == "ada")
                #expect(caller.role == .engineer)
                #expect(caller.identity.worker == "w9")
                #expect(caller.serial == holder.serial)
            }
        }

        /// What BoringSSL, as a client, will not even load.
        private static let unloadable: [BadCertificates.Kind] = [.authorityItself, .noDigitalSignature]

        @Test(arguments: unloadable)
        func soIsOneThatOurOwnClientWouldNotPresent(kind: BadCertificates.Kind) async throws {
            try await withGateway({ $0.times.idle = .milliseconds(200) }) { gateway in
                let made = try gateway.deployment.bad.make(kind)
                let peer = try ChildPeer(
                    gateway, holder: .init(certificatePEM: made.certificatePEM, keyPEM: made.keyPEM))
                defer { peer.end() }
                try peer.send(
                    RawHTTP2.preface + RawHTTP2.call("/plimsoll.v1.WorkQueue/ShowMe") + RawHTTP2.message([]))
                // Refused by TLS, or by a status after which the connection is idle.
                #expect(await eventually { !peer.isRunning })
                #expect(gateway.desk.callers.isEmpty)
                #expect(gateway.dispatch.authorized == 0)
            }
        }

        @Test(arguments: BadCertificates.Kind.allCases.filter { !unloadable.contains($0) })
        func everyBadCertificateIsRefusedBeforeAnyHandler(kind: BadCertificates.Kind) async throws {
            try await withGateway { gateway in
                let made = try gateway.deployment.bad.make(kind)
                let holder = Deployment.Holder(certificatePEM: made.certificatePEM, keyPEM: made.keyPEM)
                let peer = try await RawPeer.tls(port: gateway.port, deployment: gateway.deployment, holder: holder)
                try? await peer.send(RawHTTP2.preface)
                if kind.chainIsGood {
                    // TLS may let it in; then the call is refused, by a status that says why.
                    let status = try #require(try await showMe(gateway, holder))
                    #expect([.unauthenticated, .unavailable].contains(status.code), "\(status)")
                } else {
                    #expect(await eventually { peer.isClosed })
                    #expect(peer.bytes.isEmpty)
                }
                peer.close()
                #expect(gateway.desk.callers.isEmpty)
                #expect(gateway.dispatch.authorized == 0)
                // And the server is as good as before.
                #expect(try await showMe(gateway, gateway.deployment.engineer()) == nil)
            }
        }

        @Test func theFaultsOfAnIdentityAreTold() async throws {
            try await withGateway { gateway in
                for kind in [BadCertificates.Kind.noURI, .severalURIs, .wrongScheme, .otherTrustDomain, .unknownRole] {
                    let made = try gateway.deployment.bad.make(kind)
                    let status = try await showMe(
                        gateway, .init(certificatePEM: made.certificatePEM, keyPEM: made.keyPEM))
                    #expect(status?.code == .unauthenticated, "\(kind)")
                    #expect(status?.message.isEmpty == false)
                }
                #expect(gateway.desk.callers.isEmpty)
            }
        }

        @Test func withoutACertificateNothingComes() async throws {
            try await withGateway { gateway in
                let peer = try await RawPeer.tls(port: gateway.port, deployment: gateway.deployment, holder: nil)
                try? await peer.send(RawHTTP2.preface)
                #expect(await eventually { peer.isClosed })
                #expect(peer.bytes.isEmpty)
                #expect(gateway.desk.callers.isEmpty)
            }
        }

        @Test func withoutHTTP2InTheHandshakeNothingComes() async throws {
            try await withGateway { gateway in
                let holder = try gateway.deployment.engineer()
                let peer = try await RawPeer.tls(
                    port: gateway.port, deployment: gateway.deployment, holder: holder, protocols: [])
                try? await peer.send(RawHTTP2.preface)
                #expect(await eventually { peer.isClosed })
            }
        }

        @Test func aDeniedPersonAndADeniedCertificateAreRefused() async throws {
            try await withGateway { gateway in
                let ada = try gateway.deployment.engineer("ada")
                let ben = try gateway.deployment.engineer("ben")
                gateway.dispatch.deny("ada")
                gateway.dispatch.deny(ben.serial)
                #expect(try await showMe(gateway, ada)?.code == .permissionDenied)
                #expect(try await showMe(gateway, ben)?.code == .permissionDenied)
                #expect(gateway.desk.callers.isEmpty)
                #expect(try await showMe(gateway, gateway.deployment.engineer("ben")) == nil)
            }
        }

        @Test func aRoleThatIsNotGrantedIsRefused() async throws {
            try await withGateway { gateway in
                let ada = try gateway.deployment.engineer("ada")
                gateway.dispatch.refusal = .init(.roleNotGranted, "the role engineer is not granted")
                #expect(try await showMe(gateway, ada)?.code == .permissionDenied)
                #expect(gateway.desk.callers.isEmpty)
            }
        }

        @Test func aCertificateActsInItsOwnRoleAlone() async throws {
            try await withGateway { gateway in
                for role in [Role.supervisor, .reviewer, .operator, .coordinator] {
                    let identity = try PeerIdentity(role: role, name: "ada", trustDomain: Deployment.trustDomain)
                    let status = try await showMe(gateway, gateway.deployment.issue(identity))
                    #expect(status?.code == .permissionDenied, "\(role)")
                }
                #expect(gateway.desk.callers.isEmpty)
                #expect(gateway.dispatch.authorized == 0)
            }
        }

        /// P2: what cannot be looked up opens nothing.
        @Test func inDoubtNobodyIsLetIn() async throws {
            try await withGateway { gateway in
                gateway.dispatch.refusal = .init(.notReady, "the database is away")
                let status = try await showMe(gateway, gateway.deployment.engineer())
                #expect(status?.code == .unavailable)
                #expect(gateway.desk.callers.isEmpty)
            }
        }

        @Test func aFaultOfOursIsToldWithoutItsCause() async throws {
            try await withGateway { gateway in
                try await gateway.withClient(gateway.deployment.engineer()) { client in
                    let error = await #expect(throws: RPCError.self) {
                        _ = try await Plimsoll_V1_WorkQueue.Client(wrapping: client).renewCertificate(.init())
                    }
                    #expect(error?.code == .internalError)
                    #expect(error?.message.contains("select") == false)
                }
            }
        }

        @Test func aNewCertificateIsUsedAfterAReloadAndABadOneIsNot() async throws {
            try await withGateway { gateway in
                let holder = try gateway.deployment.engineer()
                let first = try await gateway.serverSerial(holder)
                let stored = try gateway.deployment.storeServer()
                #expect(stored != first)
                #expect(try await gateway.serverSerial(holder) == first)
                try gateway.server.reloadCertificate()
                #expect(try await gateway.serverSerial(holder) == stored)

                let directory = gateway.deployment.directory.appendingPathComponent("server")
                let path = IdentityFiles(directory: directory).certificatePath
                try Array("nonsense".utf8).write(to: path)
                #expect(throws: GatewayError.self) { try gateway.server.reloadCertificate() }
                #expect(try await gateway.serverSerial(holder) == stored)
            }
        }
    }
}
