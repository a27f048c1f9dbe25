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
                let status = try await system.succeed(["queue", "status", "--project", "unasked"], as: boss)
                #expect(status.contains("evaluation") && status.contains("notice publish"), "\(status)")
                Self.refused(
                    try await system.run(
                        ["consent", "give", "evaluation", "--yes"], as: system.identity("ada")), 5, "evaluation")

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

        /// P2: what commits after a policy is in force was decided by it.
        @Test func `a coordinator that is frozen during policy apply grants nothing by the old policy`() async throws {
            try await LiveSystem.with(.init(coordinators: 2, policy: "replay")) { system in
                try await system.publishNotices(["taking-part"])
                try await system.createProject("two", schema: Self.schema, overlap: 1, purposes: ["taking-part"])
                try await system.importTasks((1...5_000).map { "t\($0)" }, project: "two")
                try await system.enrol(["ada"], projects: ["two"], purposes: ["taking-part"])
                // The old policy would let her go on; under the new one she has done enough for today.
                let old = try String(contentsOf: Products.policy("replay"), encoding: .utf8)
                let tight = try system.file(
                    "tight.yaml", old.replacingOccurrences(of: "day-tasks: none", with: "day-tasks: 1"))
                let coordinator = try system.coordinator(0)
                defer { coordinator.signal(SIGCONT) }
                // Room for two, so that she is answered too when the last lease came before the freeze.
                try await TestStream.with(system, "ada", at: 0, project: "two", inFlight: 2) { ada in
                    for _ in 0..<20 {
                        try await ada.send(.with { $0.want = 1 })
                        let lease = try await ada.next { $0.leases.first }
                        _ = try await ada.submit(lease, "1")
                    }
                    // Any moment of the flush that would grant the next.
                    try await ada.send(.with { $0.want = 1 })
                    try await Task.sleep(for: .microseconds(.random(in: 0..<3_000)))
                    coordinator.signal(SIGSTOP)
                    let begin = ContinuousClock.now
                    let applied = try await system.run(
                        ["policy", "apply", tight.plain, "--reason", "enough for today", "--yes"],
                        as: system.operatorIdentity)
                    #expect(applied.code == 0, "\(applied)")
                    progress("policy apply beside a frozen coordinator took \(ContinuousClock.now - begin)")
                    let moment = try await system.asDatabaseOwner { owner in
                        try await owner.query(Query(.unprepared("select clock()::text")))[0].text(0)
                    }
                    coordinator.signal(SIGCONT)
                    // What it granted before is hers to finish; then nothing comes, and she is told why.
                    try await Task.sleep(for: .seconds(1))
                    try await ada.send(.with { $0.want = 1 })
                    let refusal = try await ada.next { $0.hasIdle && $0.idle.hasRefusal ? $0.idle.refusal : nil }
                    #expect(refusal.rule == "day-tasks", "\(refusal)")
                    let after = try await system.asDatabaseOwner { owner in
                        try await owner.query(
                            Query(
                                .unprepared(
                                    """
                                    select (select count(*) from lease where granted_at > '\(moment)')
                                        + (select count(*) from lease_history where granted_at > '\(moment)')
                                    """)))[0].int8(0)
                    }
                    #expect(after == 0, "leases granted after the command returned")
                }
            }
        }
    }
}
