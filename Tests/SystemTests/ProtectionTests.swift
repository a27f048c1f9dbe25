import Foundation
import Identity
import Logging
import PlimsollModel
import PlimsollProtocol
import Postgres
import PrivateCluster
import SwiftProtobuf
import Testing
import WorkerKit

extension SystemTests {
    /// When things go wrong around consent and limits: the outcome protects, and what is said tells what to do.
    @Suite struct ProtectionTests {
        private static let schema = #"{"type": "integer"}"#

        private static func refused(
            _ result: Finished, _ code: Int32, _ words: String..., location: SourceLocation = #_sourceLocation
        ) {
            #expect(result.code == code, "\(result)", sourceLocation: location)
            for word in words {
                #expect(result.errors.contains(word), "“\(word)” in \(result)", sourceLocation: location)
            }
        }

        @Test func `a wrong document, zone, notice or voice changes nothing and is told what to do`() async throws {
            try await LiveSystem.with(.init(policy: "replay")) { system in
                let boss = system.operatorIdentity
                try await system.publishNotices(["taking-part"])
                try await system.createProject("plain", schema: Self.schema, overlap: 1, purposes: ["taking-part"])
                try await system.createProject(
                    "unasked", schema: Self.schema, overlap: 1, purposes: ["taking-part", "evaluation"])
                try await system.importTasks(["a", "b"], project: "unasked")

                // A policy that does not parse.
                let before = try await system.succeed(["policy", "history", "-o", "json"], as: boss)
                let broken = try system.file("broken.yaml", "format: 1\nlimits:\n  open-leases: 3\n  brake: 10m\n")
                Self.refused(
                    try await system.run(["policy", "apply", broken.plain, "--reason", "a slip"], as: boss), 2,
                    "line 4, column 3", "brake", "known are open-leases")
                #expect(try await system.succeed(["policy", "history", "-o", "json"], as: boss) == before)

                // A time zone that does not exist.
                let enrol = [
                    "engineer", "enrol", "zoe", "--project", "plain", "--rule", "test 1", "--data-used", "none",
                    "--decided-by", LiveSystem.operatorName, "--alternative", "watching", "--zone",
                ]
                Self.refused(
                    try await system.run(enrol + ["Mars/Olympus"], as: boss), 2, "Mars/Olympus",
                    "write one such as")
                #expect(!(try await system.succeed(["engineer", "list"], as: boss)).contains("zoe"))

                // A notice that is missing: nobody can have agreed, so nobody is given anything.
                try await system.enrol(["ada", "bo"], projects: ["plain", "unasked"], purposes: ["taking-part"])
                let refusal = try await TestStream.with(system, "ada", at: 0, project: "unasked") { ada in
                    try await ada.send(.with { $0.want = 1 })
                    return try await ada.next { $0.hasIdle && $0.idle.hasRefusal ? $0.idle.refusal : nil }
                }
                #expect(refusal.rule == "agreement" && refusal.sentence.contains("evaluation"), "\(refusal)")
                #expect(refusal.sentence.contains("plimsoll notice publish"), "\(refusal)")
                let status = try await system.succeed(["queue", "status", "--project", "unasked"], as: boss)
                #expect(status.contains("evaluation") && status.contains("notice publish"), "\(status)")
                Self.refused(
                    try await system.run(
                        ["consent", "give", "evaluation", "--yes"], as: system.identity("ada")), 5, "evaluation",
                    "notice publish")

                // A consent event for somebody else: not by an operator, and an engineer speaks for nobody but
                // themselves.
                Self.refused(
                    try await system.run(["consent", "withdraw", "taking-part"], as: boss), 4, "engineer")
                try await system.succeed(["consent", "withdraw", "taking-part"], as: system.identity("bo"))
                let state = try await system.succeed(["consent", "list", "-o", "json"], as: system.identity("ada"))
                #expect(state.contains("\"given\"") && !state.contains("\"withdrawn\""), "\(state)")
            }
        }

        @Test func `a certificate in somebody's name is told to them, and consent names the serial it came with`()
            async throws
        {
            try await LiveSystem.with(.init(policy: "replay")) { system in
                try await system.publishNotices(["taking-part"])
                try await system.createProject("plain", schema: Self.schema, overlap: 1, purposes: ["taking-part"])
                try await system.enrol(["ada"], projects: ["plain"], purposes: ["taking-part"])
                let key = KeyPair()
                let request = try key.request(
                    for: .engineer("ada", worker: "elsewhere", trustDomain: LiveSystem.trustDomain)
                ).pem
                let chain = try await system.asOperator { control in
                    let token = try await control.enrolEngineer(
                        .with {
                            $0.name = "ada"
                            $0.projects = ["plain"]
                            $0.rule = "test, version 2"
                            $0.dataUsed = "none"
                            $0.decidedBy = LiveSystem.operatorName
                            $0.alternativeOffered = "watching"
                            $0.token = true
                        }
                    ).token
                    return try await control.issueCertificate(
                        .with {
                            $0.request = request
                            $0.token = token
                            $0.validityHours = 1
                        })
                }
                let told = try await TestStream.with(system, "ada", at: 0, project: "plain") { ada in
                    let all = ada.messages.flatMap(\.message.notifications)
                    return try #require(all.first { $0.kind == .certificate })
                }
                #expect(told.message.contains("elsewhere"), "\(told)")
                let access = try await system.succeed(["me", "access", "-o", "json"], as: system.identity("ada"))
                #expect(access.contains("elsewhere"), "\(access)")

                // Who uses it to speak for ada leaves its serial on the record and in her receipts.
                let forged = system.folder.appending(path: "forged")
                try IdentityFiles(directory: forged).store(
                    certificatePEM: chain.certificate, trustPEM: chain.authority, key: key)
                try await system.succeed(["consent", "withdraw", "taking-part"], as: forged)
                let serials = try await system.asDatabaseOwner { owner in
                    try await owner.query(
                        Query(
                            .unprepared(
                                """
                                select string_agg(certificate_serial, ',' order by n) from consent_event
                                """)))[0].text(0)
                }.split(separator: ",")
                #expect(serials.count == 2 && Set(serials).count == 2, "\(serials)")
            }
        }

        /// P2: what commits after a policy is in force was decided by it. Leases are compared and not their times: a
        /// flush that froze between its reading of the clock and its commit would commit with the time it read.
        @Test func `a coordinator that is frozen during policy apply grants nothing by the old policy`() async throws {
            // Another engineer each time, who has done nothing yet that day.
            let people = ["ada", "bo", "cy", "dee", "eve"]
            try await LiveSystem.with(.init(coordinators: 2, policy: "replay")) { system in
                try await system.publishNotices(["taking-part"])
                try await system.createProject("two", schema: Self.schema, overlap: 1, purposes: ["taking-part"])
                try await system.importTasks((1...10_000).map { "t\($0)" }, project: "two")
                try await system.enrol(people, projects: ["two"], purposes: ["taking-part"])
                // The old policy would let them go on; under the new one they have done enough for today.
                let old = Products.policy("replay")
                let tight = try system.file(
                    "tight.yaml",
                    String(contentsOf: old, encoding: .utf8)
                        .replacingOccurrences(of: "day-tasks: none", with: "day-tasks: 1"))
                for (round, person) in people.enumerated() {
                    if round > 0 {
                        try await system.succeed(
                            ["policy", "apply", old.plain, "--reason", "another round"], as: system.operatorIdentity)
                    }
                    // Once the frozen coordinator is asked first: it has long been taken over when it wakes. Else it
                    // wakes as soon as the policy is in force.
                    let servers = round == 0 ? system.servers : system.address(1)
                    try await Self.freezeWhileApplying(tight, through: servers, system, person)
                    try await system.waitUntilServing(0)
                }
            }
        }

        /// Freezes a coordinator in the middle of one engineer's work until a policy is in force by which they have
        /// done enough.
        private static func freezeWhileApplying(
            _ policy: URL, through servers: String, _ system: LiveSystem, _ person: String
        ) async throws {
            let coordinator = try system.coordinator(0)
            defer { coordinator.signal(SIGCONT) }
            // Room for one more than is wanted, so that they are answered too when the last lease came before the
            // freeze.
            try await TestStream.with(system, person, at: 0, project: "two", inFlight: Int(window) + 1) { stream in
                let working = Task { try await work(stream) }
                defer { working.cancel() }
                _ = try await stream.next { $0.leases.first }
                // Any moment of a flush, between its reading of the clock and its commit among others.
                try await Task.sleep(for: .microseconds(.random(in: 0..<300_000)))
                coordinator.signal(SIGSTOP)
                let begin = ContinuousClock.now
                let open = try await openTransactions(system)
                let applied = try await system.run([
                    "policy", "apply", policy.plain, "--reason", "enough for today", "--yes", "--server", servers,
                    "--identity", system.operatorIdentity.plain,
                ])
                #expect(applied.code == 0, "\(applied)")
                let before = try await fences(system, of: person)
                coordinator.signal(SIGCONT)
                progress(
                    "policy apply beside a frozen coordinator with \(open) transactions open took "
                        + "\(ContinuousClock.now - begin); it had granted \(before.count) leases")
                // What it granted before is theirs to finish; then nothing comes, and they are told why.
                try await stream.send(.with { $0.want = 1 })
                _ = try await stream.next { $0.hasIdle && $0.idle.refusal.rule == "day-tasks" ? true : nil }
                try await system.waitUntilServing(0)
                let after = try await fences(system, of: person)
                #expect(!before.isEmpty)
                #expect(after.isSubset(of: before), "granted after the command returned: \(after.subtracting(before))")
            }
        }

        private static let window: UInt32 = 3

        /// Answers whatever comes and always wants more; told to ask again, it does.
        private static func work(_ stream: TestStream) async throws {
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

        /// Every lease that somebody was ever granted, open, parked, ended or answered.
        private static func fences(_ system: LiveSystem, of person: String) async throws -> Set<Int64> {
            try await system.asDatabaseOwner { owner in
                let rows = try await owner.query(
                    Query(
                        .unprepared(
                            """
                            with one as (select person_id from person where name = '\(person)')
                            select fence from lease join one using (person_id)
                            union select fence from parked join one using (person_id)
                            union select fence from lease_history join one using (person_id)
                            union select fence from label join one using (person_id)
                            """)))
                return Set(try rows.map { try $0.int8(0) })
            }
        }

        /// How many transactions wait for the next word of whoever began them.
        private static func openTransactions(_ system: LiveSystem) async throws -> Int64 {
            try await system.asDatabaseOwner { owner in
                try await owner.query(
                    Query(
                        .unprepared(
                            """
                            select count(*) from pg_stat_activity
                            where state = 'idle in transaction' and datname = current_database()
                            """)))[0].int8(0)
            }
        }
    }
}
