import Coordinator
import FoundationEssentials
import GRPCCore
import Identity
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf
import Synchronization
import Testing

@testable import Gateway

/// A worker's side of one stream: sends what the test says and keeps what comes.
struct Worker: Sendable {
    let send: AsyncStream<Plimsoll_V1_WorkerMessage>.Continuation
    let received: AsyncStream<Plimsoll_V1_CoordinatorMessage>

    /// The next message that came.
    func next() async -> Plimsoll_V1_CoordinatorMessage? {
        var iterator = received.makeAsyncIterator()
        return await iterator.next()
    }
}

extension RunningGateway {
    /// Opens a work stream for the length of `body`; the status it ended with, nil for ok.
    @discardableResult
    func withWorker(
        _ holder: Deployment.Holder, hello: Plimsoll_V1_Hello? = .test,
        _ body: @Sendable @escaping (Worker) async throws -> Void
    ) async throws -> RPCError? {
        try await withClient(holder) { client in
            let (outgoing, send) = AsyncStream.makeStream(of: Plimsoll_V1_WorkerMessage.self)
            let (received, keep) = AsyncStream.makeStream(of: Plimsoll_V1_CoordinatorMessage.self)
            if let hello { send.yield(.with { $0.hello = hello }) }
            return try await withThrowingTaskGroup(of: RPCError?.self) { group in
                group.addTask {
                    defer { keep.finish() }
                    do {
                        try await Plimsoll_V1_WorkQueue.Client(wrapping: client).work { writer in
                            for await message in outgoing { try await writer.write(message) }
                        } onResponse: { response in
                            for try await message in response.messages { keep.yield(message) }
                        }
                        return nil
                    } catch let error as RPCError {
                        return error
                    }
                }
                defer { send.finish() }
                try await body(Worker(send: send, received: received))
                send.finish()
                return try await group.next() ?? nil
            }
        }
    }
}

extension RPCError {
    /// When the server says to try again.
    var retryMilliseconds: String? {
        var values = metadata[stringValues: GatewayError.retryKey].makeIterator()
        return values.next()
    }
}

extension Plimsoll_V1_Hello {
    static let test = Plimsoll_V1_Hello.with {
        $0.revision = 1
        $0.clientVersion = "test"
        $0.inFlight = 4
    }
}

extension OverTLS {
    @Suite struct WorkStreamTests {
        let lease = LeaseReference(task: TaskID(7), fence: Fence(70))

        @Test func helloIsWelcomedWithTheIdentityOfTheCertificate() async throws {
            try await withGateway { gateway in
                let holder = try gateway.deployment.engineer("ada", worker: "w9")
                gateway.dispatch.welcome.withLock {
                    $0.kept = [LeaseChange(lease: lease, state: .held, deadlineIn: .seconds(3))]
                    $0.lost = [Revocation(lease: lease, reason: .notYours)]
                    $0.notifications = [Notification(kind: .certificate, message: "a new certificate")]
                }
                let hello = Plimsoll_V1_Hello.with {
                    $0.revision = 9
                    $0.inFlight = 200
                    $0.project = "puzzles"
                    $0.held = [
                        .with {
                            $0.task = 7
                            $0.fence = 70
                        }
                    ]
                }
                let status = try await gateway.withWorker(holder, hello: hello) { worker in
                    let first = try #require(await worker.next())
                    #expect(first.welcome.revision == 1)
                    #expect(first.welcome.coordinator == "c1")
                    #expect(first.welcome.inFlightMax == 64)
                    #expect(first.welcome.heartbeatSeconds == 5)
                    #expect(first.welcome.streamTtlSeconds == 60)
                    #expect(first.welcome.kept.map(\.deadlineMilliseconds) == [3_000])
                    #expect(first.welcome.lost.map(\.reason) == [.notYours])
                    #expect(first.notifications.map(\.kind) == [.certificate])
                }
                #expect(status == nil)
                let opening = try #require(gateway.dispatch.streams.first?.opening)
                #expect(opening.person == "ada")
                #expect(opening.worker == "w9")
                #expect(opening.serial == holder.serial)
                #expect(opening.inFlight == StreamLimits.inFlightMax)
                #expect(opening.project == "puzzles")
                #expect(opening.held == [lease])
            }
        }

        @Test func everyPartOfAMessageReachesTheCoordinator() async throws {
            try await withGateway { gateway in
                try await gateway.withWorker(gateway.deployment.engineer()) { worker in
                    _ = await worker.next()
                    let reference = Plimsoll_V1_LeaseReference.with {
                        $0.task = 7
                        $0.fence = 70
                    }
                    worker.send.yield(
                        .with {
                            $0.want = 3
                            $0.submits = [
                                .with {
                                    $0.task = 7
                                    $0.fence = 70
                                    $0.answer = Data("{}".utf8)
                                }
                            ]
                            $0.declines = [
                                .with {
                                    $0.task = 7
                                    $0.fence = 70
                                    $0.reason = .notMyField
                                }
                            ]
                            $0.releases = [reference]
                            $0.parks = [reference]
                            $0.extends = [reference]
                            $0.leaving = true
                        })
                    worker.send.yield(.with { $0.heartbeat = true })
                    #expect(await eventually { gateway.dispatch.streams.first?.requests.count == 3 })
                    let requests = try #require(gateway.dispatch.streams.first?.requests)
                    try #require(requests.count == 3)
                    let request = requests[1]
                    #expect(request.want == 3)
                    #expect(request.submits.map(\.lease) == [lease])
                    #expect(request.submits.map(\.answer) == [Array("{}".utf8)])
                    #expect(request.declines.map(\.reason) == ["not-my-field"])
                    #expect(request.releases == [lease] && request.parks == [lease] && request.extends == [lease])
                    #expect(request.leaving)
                    #expect(requests[2].items == 0)
                    gateway.dispatch.streams.first?.replies.yield(.everySort(lease, count: 5))
                }
            }
        }

        @Test func everyPartOfAReplyReachesTheWorker() async throws {
            try await withGateway { gateway in
                try await gateway.withWorker(gateway.deployment.engineer()) { worker in
                    _ = await worker.next()
                    gateway.dispatch.streams.first?.replies.yield(.everySort(lease, count: 1))
                    let message = try #require(await worker.next())
                    #expect(message.projects.map(\.name) == ["puzzles"])
                    #expect(message.leases.map(\.payload) == [Data("{\"n\":1}".utf8)])
                    #expect(message.leases.map(\.deadlineMilliseconds) == [90_500])
                    #expect(message.leases.map(\.why.openLeasesLimit) == [3])
                    #expect(message.leases.map(\.why.weekSeconds) == [90])
                    #expect(message.leases.map(\.why.weekLimitSeconds) == [72_000])
                    #expect(message.leases.map(\.why.dayLimitSeconds) == [0])
                    #expect(message.leases.map(\.why.deadlineRule) == ["break"])
                    #expect(message.settlements.map(\.outcome) == [.refusedSchema])
                    #expect(message.settlements[0].problems.map(\.pointer) == ["/a"])
                    #expect(message.changes.map(\.state) == [.parked])
                    #expect(message.revokes.map(\.reason) == [.withdrawn])
                    #expect(message.idle.reason == .break)
                    #expect(message.idle.refusal.rule == "break")
                    #expect(message.idle.refusal.untilMilliseconds == 60_000)
                    #expect(message.drain.withinMilliseconds == 1_000)
                }
            }
        }

        @Test(arguments: [
            (StreamEnd.Code.denied, RPCError.Code.permissionDenied), (.roleNotGranted, .permissionDenied),
            (.tooManyStreams, .resourceExhausted), (.limitExceeded, .resourceExhausted), (.noSuchProject, .notFound),
            (.notReady, .unavailable), (.drained, .unavailable),
        ])
        func theCoordinatorsReasonBecomesTheStatus(code: StreamEnd.Code, status: RPCError.Code) async throws {
            try await withGateway { gateway in
                let ended = try await gateway.withWorker(gateway.deployment.engineer()) { worker in
                    _ = await worker.next()
                    gateway.dispatch.streams.first?.replies.finish(throwing: StreamEnd(code, "because"))
                    #expect(await worker.next() == nil)
                }
                #expect(ended?.code == status)
                #expect(ended?.message == "because")
                #expect(await eventually { gateway.dispatch.streams.first?.detached == 1 })
                #expect(gateway.server.openStreams == 0)
            }
        }

        @Test func aRefusedAttachIsTheStatusAndLeavesNothingOpen() async throws {
            try await withGateway { gateway in
                let holder = try gateway.deployment.engineer()
                gateway.dispatch.refusal = StreamEnd(.notReady, "not a member now")
                let ended = try await gateway.withWorker(holder) { _ in }
                #expect(ended?.code == .unavailable)
                #expect(ended?.retryMilliseconds == "1000")
                #expect(gateway.dispatch.streams.isEmpty)
                #expect(await eventually { gateway.server.openStreams == 0 })
            }
        }

        @Test func halfClosingWaitsForTheSettlementsOwed() async throws {
            try await withGateway { gateway in
                let status = try await gateway.withWorker(gateway.deployment.engineer()) { worker in
                    _ = await worker.next()
                    worker.send.yield(
                        .with {
                            $0.submits = [
                                .with {
                                    $0.task = 7
                                    $0.fence = 70
                                }
                            ]
                        })
                    worker.send.finish()
                    #expect(await eventually { gateway.dispatch.streams.first?.requests.count == 2 })
                    var reply = StreamReply()
                    reply.settlements = [Settlement(lease: lease, outcome: .accepted)]
                    gateway.dispatch.streams.first?.replies.yield(reply)
                    #expect(await worker.next()?.settlements.map(\.outcome) == [.accepted])
                    #expect(await worker.next() == nil)
                }
                #expect(status == nil)
                #expect(gateway.dispatch.streams.first?.detached == 1)
            }
        }

        @Test func halfClosingDoesNotWaitForEver() async throws {
            try await withGateway({ $0.times.halfClosed = .milliseconds(100) }) { gateway in
                let status = try await gateway.withWorker(gateway.deployment.engineer()) { worker in
                    _ = await worker.next()
                    worker.send.yield(
                        .with {
                            $0.submits = [
                                .with {
                                    $0.task = 7
                                    $0.fence = 70
                                }
                            ]
                        })
                }
                #expect(status == nil)
                #expect(gateway.dispatch.streams.first?.detached == 1)
            }
        }

        @Test func aWorkerThatVanishesIsDetachedOnce() async throws {
            try await withGateway { gateway in
                struct Vanished: Error {}
                let holder = try gateway.deployment.engineer()
                await #expect(throws: (any Error).self) {
                    try await gateway.withClient(holder) { client in
                        try await Plimsoll_V1_WorkQueue.Client(wrapping: client).work { writer in
                            try await writer.write(.with { $0.hello = .test })
                        } onResponse: { response in
                            for try await _ in response.messages { throw Vanished() }
                        }
                    }
                }
                #expect(await eventually { gateway.dispatch.streams.first?.detached == 1 })
                #expect(await eventually { gateway.server.openStreams == 0 })
                #expect(gateway.dispatch.streams.first?.detached == 1)
            }
        }

        @Test func aWorkerThatIsSilentForLongerThanTheTimeToLiveIsEnded() async throws {
            try await withGateway { gateway in
                gateway.dispatch.welcome.withLock { $0.streamTimeToLive = .milliseconds(300) }
                let ended = try await gateway.withWorker(gateway.deployment.engineer()) { worker in
                    while await worker.next() != nil {}
                }
                #expect(ended?.code == .deadlineExceeded)
                #expect(gateway.dispatch.streams.first?.detached == 1)
            }
        }

        @Test func aStreamEndsWithItsCertificate() async throws {
            try await withGateway { gateway in
                let identity = try PeerIdentity.engineer("ada", worker: "w1", trustDomain: Deployment.trustDomain)
                let holder = try gateway.deployment.issue(identity, validity: .seconds(3))
                let ended = try await gateway.withWorker(holder) { worker in while await worker.next() != nil {} }
                #expect(ended?.code == .unauthenticated)
                #expect(gateway.dispatch.streams.first?.detached == 1)
            }
        }

        @Test func drainingTellsWorkersAndEndsThoseWhoStay() async throws {
            try await withGateway { gateway in
                let ended = try await gateway.withWorker(gateway.deployment.engineer()) { worker in
                    _ = await worker.next()
                    let drained = Task { await gateway.server.drain(within: .milliseconds(300)) }
                    #expect(await worker.next()?.drain.withinMilliseconds == 300)
                    await drained.value
                    #expect(await worker.next() == nil)
                }
                #expect(ended?.code == .unavailable)
                #expect(gateway.dispatch.streams.first?.detached == 1)
                let late = try await gateway.withWorker(gateway.deployment.engineer()) { _ in }
                #expect(late?.code == .unavailable)
            }
        }
    }
}

extension OverTLS {
    @Suite struct WorkStreamRefusalTests {
        private func refusal(
            hello: Plimsoll_V1_Hello? = .test, _ message: Plimsoll_V1_WorkerMessage? = nil
        ) async throws -> RPCError? {
            try await withGateway { gateway in
                let ended = try await gateway.withWorker(gateway.deployment.engineer(), hello: hello) { worker in
                    if let message { worker.send.yield(message) }
                    while await worker.next() != nil {}
                }
                #expect(gateway.dispatch.streams.allSatisfy { $0.requests.count <= 1 && $0.detached == 1 })
                return ended
            }
        }

        @Test func revisionZeroIsRefusedByItsNumber() async throws {
            let refusal = try await refusal(hello: .with { $0.inFlight = 1 })
            #expect(refusal?.code == .failedPrecondition)
            #expect(refusal?.message.contains("revision 0") == true)
        }

        @Test func aStreamBeginsWithHello() async throws {
            let refusal = try await refusal(hello: nil, .with { $0.want = 1 })
            #expect(refusal?.code == .invalidArgument)
            #expect(refusal?.message.contains("hello") == true)
        }

        @Test func helloComesOnce() async throws {
            #expect(try await refusal(.with { $0.hello = .test })?.code == .invalidArgument)
        }

        @Test func aFieldOutsideTheRevisionIsRefusedByItsNumber() async throws {
            // Field 31, a varint: what keystroke counts in a heartbeat would look like.
            var heartbeat = try Plimsoll_V1_WorkerMessage(serializedBytes: Data([0xf8, 0x01, 0x05]))
            heartbeat.heartbeat = true
            let refusal = try await refusal(heartbeat)
            #expect(refusal?.code == .invalidArgument)
            #expect(refusal?.message.contains("field 31") == true)
        }

        @Test func aFieldOutsideTheRevisionIsFoundInEveryMessageInside() async throws {
            let extra = Data([0xa0, 0x06, 0x01])
            let messages: [Plimsoll_V1_WorkerMessage] = try [
                .with { $0.submits = [try Plimsoll_V1_Submit(serializedBytes: extra)] },
                .with { $0.declines = [try Plimsoll_V1_LeaseReference(serializedBytes: extra)] },
                .with { $0.releases = [try Plimsoll_V1_LeaseReference(serializedBytes: extra)] },
                .with { $0.parks = [try Plimsoll_V1_LeaseReference(serializedBytes: extra)] },
                .with { $0.extends = [try Plimsoll_V1_LeaseReference(serializedBytes: extra)] },
            ]
            for message in messages {
                let refusal = try await refusal(message)
                #expect(refusal?.code == .invalidArgument)
                #expect(refusal?.message.contains("field 100") == true)
            }
            var hello = try Plimsoll_V1_Hello(serializedBytes: extra)
            hello.revision = 1
            hello.inFlight = 1
            #expect(try await refusal(hello: hello)?.message.contains("field 100") == true)
        }

        @Test func sixtyFiveItemsAreOneTooMany() async throws {
            let refusal = try await refusal(.with { $0.submits = Array(repeating: Plimsoll_V1_Submit(), count: 65) })
            #expect(refusal?.code == .resourceExhausted)
            #expect(refusal?.message.contains("64") == true)
        }

        @Test func moreThanTheLargestMessageEndsTheStream() async throws {
            let answer = Data(repeating: 32, count: 256 * 1024)
            let refusal = try await refusal(
                .with { $0.submits = Array(repeating: .with { $0.answer = answer }, count: 17) })
            // The transport resets the call without a status.
            #expect(refusal?.code == .unavailable)
        }

        @Test func anAnswerTooLongIsSettledByItselfAndTheRestGoesOn() async throws {
            try await withGateway { gateway in
                let status = try await gateway.withWorker(gateway.deployment.engineer()) { worker in
                    _ = await worker.next()
                    worker.send.yield(
                        .with {
                            $0.submits = [
                                .with {
                                    $0.task = 1
                                    $0.fence = 1
                                    $0.answer = Data(repeating: 32, count: 262_145)
                                },
                                .with {
                                    $0.task = 2
                                    $0.fence = 2
                                    $0.answer = Data(repeating: 32, count: 262_144)
                                },
                            ]
                        })
                    let settlements = await worker.next()?.settlements
                    #expect(settlements?.map(\.task) == [1])
                    #expect(settlements?.map(\.outcome) == [.refusedSchema])
                    #expect(await eventually { gateway.dispatch.streams.first?.requests.count == 2 })
                    #expect(gateway.dispatch.streams.first?.requests.last?.submits.map(\.lease.task) == [TaskID(2)])
                    var reply = StreamReply()
                    reply.settlements = [
                        Settlement(lease: LeaseReference(task: TaskID(2), fence: Fence(2)), outcome: .accepted)
                    ]
                    gateway.dispatch.streams.first?.replies.yield(reply)
                    #expect(await worker.next()?.settlements.map(\.outcome) == [.accepted])
                }
                #expect(status == nil)
            }
        }

        @Test func aStreamWithoutHelloIsEndedInTime() async throws {
            try await withGateway({ $0.times.hello = .seconds(1) }) { gateway in
                let ended = try await gateway.withWorker(gateway.deployment.engineer(), hello: nil) { worker in
                    while await worker.next() != nil {}
                }
                #expect(ended?.code == .deadlineExceeded)
                #expect(ended?.message.contains("hello") == true)
                #expect(gateway.dispatch.streams.isEmpty)
                #expect(gateway.server.openStreams == 0)
            }
        }
    }
}

extension StreamReply {
    /// One of everything; `count` leases.
    static func everySort(_ lease: LeaseReference, count: Int, payload: [UInt8] = Array("{\"n\":1}".utf8))
        -> StreamReply
    {
        var reply = StreamReply()
        reply.projects = [
            ProjectNote(
                project: ProjectID(1), name: "puzzles", instructions: "look", instructionsVersion: 2,
                answerSchema: "{}")
        ]
        var figures = GrantFigures()
        figures.openLeases = 1
        figures.openLeasesLimit = 3
        figures.week = .seconds(90)
        figures.weekLimit = .seconds(72_000)
        reply.leases = (0..<count).map { _ in
            LeaseGrant(
                lease: lease, project: ProjectID(1), instructionsVersion: 2, key: "k", kind: "puzzle", severity: 1,
                effort: .seconds(30), deadlineIn: .milliseconds(90_500), payload: payload,
                why: GrantReason(
                    policyVersion: 1, provenance: ProvenanceID(4), figures: figures, deadlineRule: .breakTime))
        }
        reply.settlements = [
            Settlement(
                lease: lease, outcome: .refusedSchema([AnswerProblem(path: "/a", message: "is missing")]),
                message: "no")
        ]
        reply.changes = [LeaseChange(lease: lease, state: .parked)]
        reply.revokes = [Revocation(lease: lease, reason: .withdrawn)]
        reply.idle = IdleAnswer(
            reason: .onBreak, askAgainIn: .seconds(60),
            refusal: Refusal(rule: .breakTime, value: "50m", limit: "50m"), untilIn: .seconds(60))
        reply.drainWithin = .seconds(1)
        return reply
    }
}
