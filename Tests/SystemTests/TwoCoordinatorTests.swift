import Foundation
import PlimsollProtocol
import SwiftProtobuf
import Testing
import WorkerKit

extension SystemTests {
    /// Two coordinators over one database, seen from outside (P3, P12).
    @Suite struct TwoCoordinatorTests {
        private static let purposes = ["taking-part"]
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#

        private static func withSystem(
            tasks: Int, overlap: Int = 1, people: [String], _ body: (LiveSystem) async throws -> Void
        ) async throws {
            try await LiveSystem.with(.init(coordinators: 2, policy: "replay")) { system in
                try await system.publishNotices(purposes)
                try await system.createProject("two", schema: schema, overlap: overlap, purposes: purposes)
                try await system.importTasks((1...tasks).map { "t\($0)" }, project: "two")
                try await system.enrol(people, projects: ["two"], purposes: purposes)
                try await body(system)
            }
        }

        @Test func `the last tasks of a lane lie in another coordinator's block and are served within a second`()
            async throws
        {
            let servedWithin = Duration.seconds(1)
            try await Self.withSystem(tasks: 6, people: ["ada", "bo"]) { system in
                let waits = try await TestStream.with(system, "ada", at: 0, project: "two") { ada in
                    try await ada.send(.with { $0.want = 1 })
                    let held = try await ada.next { $0.leases.first }
                    return try await TestStream.with(system, "bo", at: 1, project: "two") { bo in
                        var waits: [Duration] = []
                        for _ in 0..<5 {
                            let asked = ContinuousClock.now
                            let lease = try await Self.leaseAskingAgain(bo)
                            waits.append(ContinuousClock.now - asked)
                            #expect(lease.task != held.task)
                            try await Self.answer(bo, lease)
                        }
                        try await Self.answer(ada, held)
                        try await bo.send(.with { $0.want = 1 })
                        let idle = try await bo.next { $0.hasIdle ? $0.idle : nil }
                        #expect(idle.reason == .nothingLeft)
                        return waits
                    }
                }
                progress("two coordinators: waits of the last tasks \(waits)")
                for wait in waits { #expect(wait <= servedWithin) }
            }
        }

        /// A worker asks again when an idle says when.
        private static func leaseAskingAgain(_ stream: TestStream) async throws -> Plimsoll_V1_Lease {
            try await stream.send(.with { $0.want = 1 })
            while true {
                enum Reply { case lease(Plimsoll_V1_Lease), idle(Plimsoll_V1_Idle) }
                let reply: Reply = try await stream.next { message in
                    message.leases.first.map(Reply.lease) ?? (message.hasIdle ? .idle(message.idle) : nil)
                }
                switch reply {
                case .lease(let lease): return lease
                case .idle(let idle):
                    try await Task.sleep(for: .milliseconds(Int(idle.askAgainMilliseconds)))
                    try await stream.send(.with { $0.want = 1 })
                }
            }
        }

        private static func answer(_ stream: TestStream, _ lease: Plimsoll_V1_Lease) async throws {
            let settled = try await stream.submit(lease, "1")
            #expect(settled.outcome == .accepted, "\(settled)")
        }

        @Test func `a coordinator that freezes at any moment holds up its people for less than five seconds`()
            async throws
        {
            // Another engineer each time: what the frozen coordinator vouched for stays open until its grace is over,
            // and counts.
            let people = ["ada", "bo", "cy", "dee", "eve"]
            try await Self.withSystem(tasks: 30_000, people: people) { system in
                for (round, person) in people.enumerated() {
                    let frozen = round % 2
                    let waited = try await Self.freezeWhileWorking(system, frozen, person)
                    progress("freeze \(round + 1): the other coordinator gave work after \(waited)")
                    #expect(waited < .seconds(5))
                    try await system.waitUntilServing(frozen)
                }
            }
        }

        /// Freezes a coordinator in the middle of one engineer's work, and says how long it took until the other one
        /// gave that engineer a task.
        private static func freezeWhileWorking(
            _ system: LiveSystem, _ frozen: Int, _ person: String
        ) async throws -> Duration {
            let coordinator = try system.coordinator(frozen)
            defer { coordinator.signal(SIGCONT) }
            return try await TestStream.with(system, person, at: frozen, project: "two", inFlight: 3) { stream in
                let working = Task { try await work(stream, window: 3) }
                defer { working.cancel() }
                _ = try await stream.next { $0.leases.count > 0 ? true : nil }
                // Any moment of a flush, between lock and commit among others.
                try await Task.sleep(for: .microseconds(.random(in: 0..<300_000)))
                coordinator.signal(SIGSTOP)
                let moment = ContinuousClock.now
                return try await TestStream.with(system, person, at: 1 - frozen, project: "two") { other in
                    let lease = try await leaseAskingAgain(other)
                    let waited = ContinuousClock.now - moment
                    try await answer(other, lease)
                    return waited
                }
            }
        }

        @Test func `a withdrawal on one coordinator leaves no lease on the other, however busy`() async throws {
            let rounds = 10
            try await Self.withSystem(tasks: 30_000, people: ["ada", "bo", "cy"]) { system in
                for round in 1...rounds {
                    try await Self.withdrawWhileWorking(system, round)
                    try await system.agree("ada", purposes: Self.purposes, at: round % 2)
                }
            }
        }

        private static func withdrawWhileWorking(_ system: LiveSystem, _ round: Int) async throws {
            let worker = round % 2
            try await TestStream.with(system, "ada", at: worker, project: "two", inFlight: 10) { ada in
                let working = Task { try await work(ada) }
                defer { working.cancel() }
                _ = try await ada.next { $0.leases.count > 0 ? true : nil }
                try await Task.sleep(for: .milliseconds(.random(in: 0..<300)))
                let ended = try await system.withConnection("ada", at: 1 - worker) { connection in
                    try await connection.withdrawAgreement(purpose: purposes[0]).leasesEnded
                }
                // Counted in the database, after the withdrawal returned.
                let leases = try await system.asOperator(worker) { control in
                    try await control.listLeases(
                        .with {
                            $0.project = "two"
                            $0.limit = 100
                        }
                    ).leases.count
                }
                #expect(leases == 0, "leases after a withdrawal")
                let moment = ContinuousClock.now
                try await waitForRefusal(ada)
                let waited = ContinuousClock.now - moment
                #expect(waited < .seconds(2), "the worker was told after \(waited)")
                progress("withdrawal \(round): \(ended) leases ended, the worker was told after \(waited)")
            }
        }

        /// Answers whatever comes and always wants more; told to ask again, it does.
        private static func work(_ stream: TestStream, window: UInt32 = 10) async throws {
            try await stream.send(.with { $0.want = window })
            var taken = 0
            while !Task.isCancelled {
                let all = stream.messages
                for arrived in all[taken...] {
                    let leases = arrived.message.leases
                    if arrived.message.hasIdle {
                        try await Task.sleep(for: .milliseconds(Int(arrived.message.idle.askAgainMilliseconds)))
                        try await stream.send(.with { $0.want = window })
                    }
                    guard !leases.isEmpty else { continue }
                    try await stream.send(
                        .with {
                            $0.want = UInt32(leases.count)
                            $0.submits = leases.map { lease in
                                .with {
                                    $0.task = lease.task
                                    $0.fence = lease.fence
                                    $0.answer = Data("1".utf8)
                                }
                            }
                        })
                }
                taken = all.count
                try await Task.sleep(for: .milliseconds(1))
            }
        }

        /// Until the worker is told: a revoked lease, a refused answer, or an idle for want of an agreement.
        private static func waitForRefusal(_ stream: TestStream) async throws {
            let deadline = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < deadline {
                let isTold = stream.messages.reversed().contains { arrived in
                    let message = arrived.message
                    return message.revokes.contains { $0.reason == .withdrawn }
                        || message.settlements.contains { $0.outcome == .refusedAgreement }
                        || (message.hasIdle && message.idle.refusal.rule == "agreement")
                }
                if isTold { return }
                try await Task.sleep(for: .milliseconds(2))
            }
            Issue.record("the worker was not told of the withdrawal")
        }
    }
}
