import Foundation
import GRPCCore
import Identity
import PlimsollProtocol
import SwiftProtobuf
import Synchronization
import Testing

@testable import WorkerKit

@Suite("A worker against a coordinator, over mutual TLS", .timeLimit(.minutes(5)))
struct LiveWorkerTests {
    private func answering(_ task: WorkTask) -> WorkResult { .answer(Array(#"{"label":"a"}"#.utf8)) }

    @Test func aWorkerAnswersWhatThereIsAndLeaves() async throws {
        try await LiveDeployment.with([.init(tasks: 5)]) { deployment, coordinators, addresses in
            let worker = Worker(try deployment.configuration(addresses, inFlight: 2, answersMax: 5))
            try await worker.run { task in
                #expect(task.project.name == "rating")
                #expect(task.payload == Array(#"{"n":\#(task.lease.task)}"#.utf8))
                return answering(task)
            }
            let seen = coordinators[0].seen.withLock { $0 }
            #expect(seen.labels.count == 5)
            #expect(seen.submits == 5)
            #expect(seen.leaving == 1)
            #expect(seen.halfCloses == 1)
        }
    }

    @Test func anAnswerWhoseAckWasLostIsRepeatedUnderTheSameFence() async throws {
        try await LiveDeployment.with([.init(tasks: 4, cutAtSubmit: 2)]) { deployment, coordinators, addresses in
            let worker = Worker(try deployment.configuration(addresses, answersMax: 4))
            try await worker.run { task in answering(task) }
            let seen = coordinators[0].seen.withLock { $0 }
            #expect(seen.labels.count == 4)
            #expect(seen.submits == 5)
            // A busy machine may lose a stream more.
            #expect(seen.hellos.count >= 2)
            #expect(seen.hellos.dropFirst().first?.held.map(\.fence) == [1_002])
        }
    }

    @Test func aDrainingCoordinatorIsLeftForAnother() async throws {
        let scripts = [
            LiveCoordinator.Script(tasks: 2, drainAtSubmit: 1), LiveCoordinator.Script(tasks: 2, drainAtSubmit: 1),
        ]
        try await LiveDeployment.with(scripts) { deployment, coordinators, addresses in
            let worker = Worker(try deployment.configuration(addresses, answersMax: 3))
            try await worker.run { task in answering(task) }
            #expect(coordinators.allSatisfy { $0.seen.withLock { !$0.hellos.isEmpty } })
        }
    }

    @Test func anAddressWhereNobodyListensIsPassedOver() async throws {
        try await LiveDeployment.with([.init(tasks: 2)]) { deployment, coordinators, addresses in
            let dead = ["127.0.0.1:1", "127.0.0.1:2"]
            let worker = Worker(try deployment.configuration(dead + addresses, answersMax: 2))
            try await worker.run { task in answering(task) }
            #expect(coordinators[0].seen.withLock { $0.labels.count } == 2)
        }
    }

    @Test func aPeerThatTakesConnectionsAndSaysNothingIsPassedOver() async throws {
        try await LiveDeployment.with([.init(isSilent: true), .init(tasks: 1)]) { deployment, _, addresses in
            for seed in 0..<4 {
                let configuration = try deployment.configuration(addresses) { $0.welcomeWait = .milliseconds(300) }
                let worker = Worker(configuration, clock: ContinuousClock(), seed: UInt64(seed))
                try await worker.run(onEvent: { if case .connected = $0 { worker.leave() } }) { _ in .release }
            }
        }
    }

    @Test func aBlackHoleIsPassedOver() async throws {
        let hole = try BlackHole()
        defer { hole.close() }
        try await LiveDeployment.with([.init(tasks: 1)]) { deployment, _, addresses in
            for seed in 0..<4 {
                let configuration = try deployment.configuration(addresses + ["127.0.0.1:\(hole.port)"]) {
                    $0.welcomeWait = .milliseconds(500)
                }
                let worker = Worker(configuration, clock: ContinuousClock(), seed: UInt64(seed))
                try await worker.run(onEvent: { if case .connected = $0 { worker.leave() } }) { _ in .release }
            }
        }
    }

    @Test func anAnswerAgainstTheSchemaComesBackToTheHandlerWithItsProblems() async throws {
        try await LiveDeployment.with([.init(tasks: 1, refusesFirst: true)]) { deployment, coordinators, addresses in
            let worker = Worker(try deployment.configuration(addresses, answersMax: 1))
            try await worker.run { task in
                guard let problem = task.problems.first else { return .answer(Array("{}".utf8)) }
                #expect(problem.pointer == "/label")
                return answering(task)
            }
            #expect(coordinators[0].seen.withLock { $0.labels[1] } == Array(#"{"label":"a"}"#.utf8))
        }
    }

    @Test func cancellingGivesBackWhatIsHeldAndSaysGoodbye() async throws {
        try await LiveDeployment.with([.init(tasks: 1)]) { deployment, coordinators, addresses in
            let worker = Worker(try deployment.configuration(addresses))
            let (started, start) = AsyncStream.makeStream(of: Void.self)
            let run = Task {
                try await worker.run { _ in
                    start.finish()
                    // Longer than anybody waits: only the lost lease ends it.
                    try await Task.sleep(for: .seconds(600))
                    return .release
                }
            }
            for await _ in started {}
            run.cancel()
            try await run.value
            let seen = coordinators[0].seen.withLock { $0 }
            #expect(seen.releases == [1])
            #expect(seen.leaving == 1)
            #expect(seen.halfCloses == 1)
        }
    }

    @Test func aRevokedLeaseCancelsItsHandler() async throws {
        try await LiveDeployment.with([.init(tasks: 1, revokes: true)]) { deployment, _, addresses in
            let worker = Worker(try deployment.configuration(addresses))
            let wasCancelled = Mutex(false)
            try await worker.run { _ in
                await withTaskCancellationHandler {
                    // Ends by cancellation only.
                    try? await Task.sleep(for: .seconds(600))
                } onCancel: {
                    wasCancelled.withLock { $0 = true }
                }
                worker.leave()
                return .release
            }
            #expect(wasCancelled.withLock { $0 })
        }
    }

    @Test func aRefusalOfThePersonEndsTheWorkerWithTheCoordinatorsWords() async throws {
        let refusal = RPCError(code: .permissionDenied, message: "the role engineer is not granted")
        try await LiveDeployment.with([.init(refusal: refusal)]) { deployment, _, addresses in
            let worker = Worker(try deployment.configuration(addresses))
            let error = await #expect(throws: WorkerError.self) { try await worker.run { _ in .release } }
            #expect(error?.code == .notAuthorized)
            #expect(error?.message == "the role engineer is not granted")
        }
    }

    @Test func theCertificateIsRenewedUnderANewKeyAndWorkGoesOn() async throws {
        try await LiveDeployment.with([.init(tasks: 2)]) { deployment, coordinators, addresses in
            let before = try deployment.identity.load()
            // 17 of 24 hours have passed, until the renewal.
            let age = Mutex(17.0 * 3600)
            let worker = Worker(
                try deployment.configuration(addresses, answersMax: 2), clock: ContinuousClock(),
                date: { Date(timeIntervalSinceNow: age.withLock { $0 }) })
            let renewed = AsyncStream.makeStream(of: Void.self)
            try await worker.run(onEvent: { event in
                if case .renewed = event {
                    age.withLock { $0 = 0 }
                    renewed.continuation.finish()
                }
                if case .renewalFailed(let error) = event { Issue.record("renewal: \(error)") }
            }) { task in
                for await _ in renewed.stream {}
                // Not quicker than the new connection.
                for _ in 0..<1_000 where coordinators[0].seen.withLock({ $0.hellos.count }) < 2 {
                    try? await Task.sleep(for: .milliseconds(10))
                }
                return answering(task)
            }
            let after = try deployment.identity.load()
            #expect(after.certificate.serial != before.certificate.serial)
            #expect(after.certificate.identity == before.certificate.identity)
            #expect(after.key.pem != before.key.pem)
            let seen = coordinators[0].seen.withLock { $0 }
            #expect(seen.requests.count == 1)
            #expect(seen.hellos.count == 2)
            #expect(seen.labels.count == 2)
        }
    }

    @Test func aCoordinatorOfAnotherAuthorityIsNotSpokenTo() async throws {
        try await LiveDeployment.with([.init(tasks: 1)]) { _, coordinators, addresses in
            try await LiveDeployment.with([]) { stranger, _, _ in
                let configuration = try stranger.configuration(addresses) { $0.welcomeWait = .seconds(1) }
                let worker = Worker(configuration)
                try await worker.run(onEvent: { event in
                    if case .disconnected = event { worker.leave() }
                }) { _ in .release }
            }
            #expect(coordinators[0].seen.withLock { $0.hellos.isEmpty })
        }
    }

    @Test func anExpiredCertificateIsSaidBeforeAnythingIsSent() async throws {
        try await LiveDeployment.with([.init(tasks: 1)]) { deployment, coordinators, addresses in
            let worker = Worker(
                try deployment.configuration(addresses), clock: ContinuousClock(),
                date: { Date(timeIntervalSinceNow: 25 * 3600) })
            let error = await #expect(throws: WorkerError.self) { try await worker.run { _ in .release } }
            #expect(error?.code == .badIdentity)
            #expect(coordinators[0].seen.withLock { $0.hellos.isEmpty })
        }
    }

    @Test func callsCarryTheCoordinatorsWords() async throws {
        try await LiveDeployment.with([.init()]) { deployment, _, addresses in
            let connection = try WorkConnection(
                to: CoordinatorAddress(addresses[0]), as: deployment.identity.load())
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await connection.run() }
                #expect(try await connection.showMe().name == "ada")
                #expect(try await connection.listAgreements().first?.state == "given")
                #expect(try await connection.giveAgreement(notice: "n", version: 1, sha256: "").notice == "n")
                #expect(try await connection.withdrawAgreement(purpose: "p").state == "withdrawn")
                let error = await #expect(throws: WorkerError.self) {
                    try await connection.refuseAgreement(purpose: "p")
                }
                #expect(error?.code == .notFound)
                #expect(error?.message == "no such purpose")
                connection.close()
                try await group.waitForAll()
            }
        }
    }

    @Test func manyRawStreamsShareOneConnection() async throws {
        try await LiveDeployment.with([.init(tasks: 640)]) { deployment, coordinators, addresses in
            let connection = try WorkConnection(
                to: CoordinatorAddress(addresses[0]), as: deployment.identity.load())
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await connection.run() }
                try await withThrowingDiscardingTaskGroup { streams in
                    for _ in 0..<20 { streams.addTask { try await Self.work32(connection) } }
                }
                connection.close()
                try await group.waitForAll()
            }
            #expect(coordinators[0].seen.withLock { $0.labels.count } == 640)
        }
    }

    /// Takes a batch of 32, answers it in one message and waits for the acks.
    private static func work32(_ connection: WorkConnection) async throws {
        try await connection.withStream(hello: .with { $0.revision = 1 }) { stream in
            var settled = 0
            for try await message in stream.messages {
                if message.hasWelcome { try await stream.send(.with { $0.want = 32 }) }
                if !message.leases.isEmpty {
                    try await stream.send(
                        .with {
                            $0.submits = message.leases.map { lease in
                                .with {
                                    $0.task = lease.task
                                    $0.fence = lease.fence
                                    $0.answer = Data("1".utf8)
                                }
                            }
                        })
                }
                settled += message.settlements.count
                if settled == 32 { stream.finish() }
            }
            #expect(settled == 32)
        }
    }
}
