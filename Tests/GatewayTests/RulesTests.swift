import Coordinator
import GRPCCore
import Identity
import Logging
import NIOCore
import NIOEmbedded
import PlimsollModel
import PlimsollProtocol
import Testing

@testable import Gateway

#if canImport(Glibc)
    import Glibc
#endif

/// Of our own services.
let ownMethods =
    Plimsoll_V1_WorkQueue.Method.descriptors + Plimsoll_V1_Control.Method.descriptors
    + Plimsoll_V1_Audit.Method.descriptors + Plimsoll_V1_Receipts.Method.descriptors
    + Plimsoll_V1_Organisation.Method.descriptors + Plimsoll_V1_Concerns.Method.descriptors
    + Plimsoll_V1_Exports.Method.descriptors + Plimsoll_V1_Deployment.Method.descriptors
    + Plimsoll_V1_Person.Method.descriptors + Plimsoll_V1_Hours.Method.descriptors

@Suite struct MethodRulesTests {
    private static let methods = ownMethods + Grpc_Health_V1_Health.Method.descriptors

    @Test func everyMethodOfTheProtocolHasARule() {
        for method in Self.methods { #expect(MethodRules.rule(for: method) != nil, "\(method)") }
    }

    @Test func whatIsNotInTheTableIsRefused() {
        let unknown = MethodDescriptor(fullyQualifiedService: "plimsoll.v1.Control", method: "Nonsense")
        #expect(MethodRules.rule(for: unknown) == nil)
        #expect(MethodRules.rule(for: MethodDescriptor(fullyQualifiedService: "other", method: "Check")) == nil)
    }

    @Test func engineersAloneWorkAndConsent() {
        let subjects: Set = ["ListAgreements", "RefuseAgreement", "WithdrawAgreement"]
        // What everybody may renew is their own certificate.
        for method in Plimsoll_V1_WorkQueue.Method.descriptors where method.method != "RenewCertificate" {
            #expect(
                MethodRules.rule(for: method)?.admission
                    == (subjects.contains(method.method) ? .subject([.engineer]) : .granted([.engineer])), "\(method)")
        }
    }

    /// What a person may always do, denied or not, and nothing beside it.
    @Test func whatIsOnesOwnNeedsNobodysLeave() {
        let people: Set<Role> = [.engineer, .supervisor, .reviewer, .operator]
        let expected: [String: MethodRules.Admission] = [
            "plimsoll.v1.WorkQueue/ListAgreements": .subject([.engineer]),
            "plimsoll.v1.WorkQueue/RefuseAgreement": .subject([.engineer]),
            "plimsoll.v1.WorkQueue/WithdrawAgreement": .subject([.engineer]),
            "plimsoll.v1.Receipts/ListReceipts": .subject([.engineer]),
            "plimsoll.v1.Receipts/GetReceipt": .subject([.engineer]),
            "plimsoll.v1.Person/Erase": .subject([.engineer]),
            "plimsoll.v1.Person/ShowData": .subject(people),
            "plimsoll.v1.Person/ListAnswers": .subject(people),
            "plimsoll.v1.Person/ListAccess": .subject(people),
            "plimsoll.v1.Concerns/RaiseConcern": .subject(people),
            "plimsoll.v1.Concerns/ShowConcern": .subject(people),
        ]
        var found: [String: MethodRules.Admission] = [:]
        for method in Self.methods {
            guard let rule = MethodRules.rule(for: method), case .subject = rule.admission else { continue }
            found["\(method.service.fullyQualifiedService)/\(method.method)"] = rule.admission
        }
        #expect(found == expected)
    }

    @Test func timeIsTheEngineersAndTheSecondPartyIsNoEngineer() {
        let others: Set = ["ListAskedCorrections", "AnswerCorrection", "ShowEngineerThroughput"]
        for method in Plimsoll_V1_Hours.Method.descriptors {
            #expect(
                MethodRules.rule(for: method)?.admission
                    == .granted(others.contains(method.method) ? [.operator, .supervisor] : [.engineer]), "\(method)")
        }
    }

    @Test func theChainIsForOperatorsAndReceiptsAreForTheirSubjects() {
        for method in Plimsoll_V1_Audit.Method.descriptors {
            #expect(MethodRules.rule(for: method)?.admission == .granted([.operator]), "\(method)")
        }
        for method in Plimsoll_V1_Receipts.Method.descriptors {
            #expect(MethodRules.rule(for: method)?.admission == .subject([.engineer]), "\(method)")
        }
    }

    @Test func nobodyButOperatorsChangesAnythingThroughControl() {
        let readers: Set = [
            "ListProjects", "ListEngineers", "ListNotices", "ListTasks", "ExportLabels", "ListLateAnswers",
            "JudgeLateAnswer", "QueueStatus", "ListLeases", "ShowPolicy", "Diagnose",
        ]
        for method in Plimsoll_V1_Control.Method.descriptors where !readers.contains(method.method) {
            #expect(MethodRules.rule(for: method)?.admission == .granted([.operator]), "\(method)")
        }
    }
}

@Suite struct CallLimitsTests {
    private func limits(rate: Double = 10, burst: Double = 2, connections: Int = 2) -> CallLimits {
        var limits = GatewayConfiguration.Limits()
        limits.callsPerSecondPerPerson = rate
        limits.callsBurstPerPerson = burst
        limits.connectionsPerPersonMax = connections
        return CallLimits(limits)
    }

    @Test func aBurstIsFollowedByTheRateAndTheWaitIsTold() throws {
        let limits = limits()
        let start = ContinuousClock.now
        try limits.takeCall(of: "ada", role: .engineer, share: .usual, now: start)
        try limits.takeCall(of: "ada", role: .engineer, share: .usual, now: start)
        let refusal = #expect(throws: GatewayError.self) {
            try limits.takeCall(of: "ada", role: .engineer, share: .usual, now: start)
        }
        #expect(refusal?.code == .limitExceeded)
        #expect(refusal?.retryAfter == .milliseconds(100))
        try limits.takeCall(of: "ben", role: .engineer, share: .usual, now: start)
        try limits.takeCall(of: "ada", role: .engineer, share: .usual, now: start + .milliseconds(101))
    }

    @Test func operatorsHaveAPaceOfTheirOwn() throws {
        let limits = limits(burst: 1)
        let now = ContinuousClock.now
        try limits.takeCall(of: "ada", role: .engineer, share: .usual, now: now)
        for _ in 0..<2_000 { try limits.takeCall(of: "ada", role: .operator, share: .usual, now: now) }
        #expect(throws: GatewayError.self) {
            try limits.takeCall(of: "ada", role: .operator, share: .usual, now: now)
        }
    }

    @Test func sayingNoHasAShareOfItsOwn() throws {
        let limits = limits(burst: 1)
        let now = ContinuousClock.now
        try limits.takeCall(of: "ada", role: .engineer, share: .usual, now: now)
        #expect(throws: GatewayError.self) { try limits.takeCall(of: "ada", role: .engineer, share: .usual, now: now) }
        try limits.takeCall(of: "ada", role: .engineer, share: .refusal, now: now)
    }

    @Test func callsOnOneConnectionCountOnce() throws {
        let limits = limits()
        try limits.open(of: "ada", connection: "a")
        try limits.open(of: "ada", connection: "a")
        try limits.open(of: "ada", connection: "b")
        let refusal = #expect(throws: GatewayError.self) { try limits.open(of: "ada", connection: "c") }
        #expect(refusal?.retryAfter != nil)
        limits.close(of: "ada", connection: "a")
        #expect(throws: GatewayError.self) { try limits.open(of: "ada", connection: "c") }
        limits.close(of: "ada", connection: "a")
        try limits.open(of: "ada", connection: "c")
        limits.close(of: "ada", connection: "b")
        limits.close(of: "ada", connection: "c")
        #expect(limits.connections(of: "ada") == 0)
    }

    @Test func personsWithTheirFullShareAreForgotten() throws {
        let limits = limits()
        let start = ContinuousClock.now
        for number in 0...CallLimits.rememberedMax {
            try limits.takeCall(of: "p\(number)", role: .engineer, share: .usual, now: start + .milliseconds(number))
        }
    }
}

@Suite struct WireTests {
    @Test func durationsStayInTheirFields() {
        #expect(Duration.milliseconds(1_999).wireMilliseconds == 1_999)
        #expect(Duration.microseconds(1_999).wireMilliseconds == 1)
        #expect(Duration.seconds(-5).wireMilliseconds == 0)
        #expect(Duration.seconds(Int64.max).wireMilliseconds == .max)
        #expect(Duration.seconds(Int64.min).wireMilliseconds == 0)
        #expect(Duration.milliseconds(1_999).wireSeconds == 1)
    }

    @Test func theNumberOfAnUnknownFieldIsRead() {
        #expect(UnknownFields.firstNumber(in: [0x08]) == 1)
        #expect(UnknownFields.firstNumber(in: [0xf8, 0x01]) == 31)
        #expect(UnknownFields.firstNumber(in: [0xfa, 0xff, 0xff, 0xff, 0x0f]) == (1 << 29) - 1)
        #expect(UnknownFields.firstNumber(in: []) == nil)
        #expect(UnknownFields.firstNumber(in: [0x80]) == nil)
    }

    @Test func aLargeReplyBecomesSeveralMessagesInOrder() {
        let lease = LeaseReference(task: TaskID(1), fence: Fence(1))
        let reply = StreamReply.everySort(lease, count: 130, payload: [UInt8](repeating: 32, count: 1_000))
        let byCount = WorkReply.messages(of: reply, bytesTarget: 1 << 20)
        #expect(byCount.map(\.leases.count) == [64, 64, 2])
        let bySize = WorkReply.messages(of: reply, bytesTarget: 50_000)
        #expect(bySize.map(\.leases.count).reduce(0, +) == 130)
        #expect(bySize.allSatisfy { $0.leases.count <= 50 })
        for messages in [byCount, bySize] {
            #expect(messages.first?.projects.count == 1)
            #expect(messages.filter(\.hasIdle).count == 1 && messages.last?.hasIdle == true)
            #expect(messages.filter(\.hasDrain).count == 1 && messages.last?.hasDrain == true)
            #expect(messages.map(\.settlements.count).reduce(0, +) == 1)
        }
    }

    @Test func anEmptyReplyIsOneMessage() {
        #expect(WorkReply.messages(of: StreamReply(), bytesTarget: 1).count == 1)
    }

    @Test func errorsOfOthersAreNotTold() {
        struct Secret: Error { let host = "10.1.2.3" }
        let status = GatewayError(of: Secret()).status
        #expect(status.code == .internalError)
        #expect(!status.message.contains("10.1.2.3"))
    }
}

#if canImport(Glibc)
    @Suite struct ListenerGuardTests {
        /// What stands behind the guard: the end of the server, if an error gets there.
        final class Behind: ChannelInboundHandler {
            typealias InboundIn = Any
            var errors = 0
            func errorCaught(context: ChannelHandlerContext, error: any Error) { errors += 1 }
        }

        /// What stands before it: the socket that is asked to accept.
        final class Before: ChannelOutboundHandler {
            typealias OutboundIn = Any
            var reads = 0
            func read(context: ChannelHandlerContext) { reads += 1 }
        }

        private func listenerGuard(_ connections: OpenConnections = OpenConnections(.init())) -> ListenerGuard {
            ListenerGuard(connections: connections, logger: .init(label: "test"))
        }

        @Test func acceptsNoFasterThanHandshakesEndAndSilentPeersKeepNobodyOut() throws {
            var limits = GatewayConfiguration.Limits()
            limits.handshakesMax = 2
            let connections = OpenConnections(limits)
            let peers = (0..<2).map { _ in EmbeddedChannel() }
            for peer in peers { #expect(connections.open(peer)) }
            let before = Before()
            let channel = EmbeddedChannel(handlers: [before, listenerGuard(connections)])
            channel.read()
            channel.embeddedEventLoop.advanceTime(by: ListenerGuard.look)
            #expect(before.reads == 0)
            connections.handshakeCompleted(peers[0])
            channel.embeddedEventLoop.advanceTime(by: ListenerGuard.look)
            #expect(before.reads == 1)

            #expect(connections.open(peers[0]))
            channel.read()
            let whole = ListenerGuard.look * ListenerGuard.looksMax
            channel.embeddedEventLoop.advanceTime(by: whole - ListenerGuard.look)
            #expect(before.reads == 1)
            channel.embeddedEventLoop.advanceTime(by: ListenerGuard.look)
            #expect(before.reads == 2)

            connections.close(peers[0], name: nil)
            channel.read()
            #expect(before.reads == 3, "a connection that closes is no handshake any more")
            _ = try channel.finish()
        }

        @Test func aProcessOutOfDescriptorsRestsAndGoesOn() throws {
            let behind = Behind()
            let before = Before()
            let channel = EmbeddedChannel(handlers: [before, listenerGuard(), behind])
            channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
            channel.read()
            #expect(before.reads == 0)
            channel.embeddedEventLoop.advanceTime(by: ListenerGuard.rest)
            #expect(before.reads == 1)
            channel.read()
            #expect(before.reads == 2)
            #expect(behind.errors == 0)
            _ = try channel.finish()
        }

        @Test func otherErrorsPass() throws {
            let behind = Behind()
            let channel = EmbeddedChannel(handlers: [listenerGuard(), behind])
            channel.pipeline.fireErrorCaught(IOError(errnoCode: EBADF, reason: "accept"))
            #expect(behind.errors == 1)
            _ = try channel.finish()
        }
    }
#endif
