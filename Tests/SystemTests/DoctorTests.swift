import Foundation
import PlimsollModel
import Testing

extension SystemTests {
    /// `doctor` and `queue` as people use them: the commands against real coordinators.
    @Suite struct DoctorTests {
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#

        private static func findings(_ result: Finished) throws -> [String: JSONValue] {
            let list = try #require(JSONValue.parse(result.output).arrayValue, "\(result)")
            var findings: [String: JSONValue] = [:]
            for finding in list { findings[try #require(finding["name"]?.stringValue)] = finding }
            return findings
        }

        @Test func `the doctor looks at machine, coordinators and database and says what to do`() async throws {
            try await LiveSystem.with(.init(coordinators: 2, times: [("heartbeat", "2s")])) { system in
                let well = try await system.run(["doctor", "-o", "json"], as: system.operatorIdentity)
                #expect(well.code == 0, "\(well)")
                let findings = try Self.findings(well)
                func text(_ name: String) -> String { findings[name]?["finding"]?.stringValue ?? "" }
                #expect(text("identity").hasPrefix("spiffe://\(LiveSystem.trustDomain)/operator/olu"))
                for name in [
                    "certificate", "authority", "certificate of \(system.address(0))",
                    "certificate of \(system.address(1))",
                ] { #expect(text(name).hasPrefix("valid until "), "\(name): \(well)") }
                for name in ["this machine's clock", "coordinator's clock"] {
                    #expect(text(name).hasSuffix("of the database's"), "\(name): \(well)")
                }
                #expect(text("server").hasPrefix("PostgreSQL ") && text("schema").hasPrefix("migration "))
                #expect(text("database").contains("plimsoll_coordinator"))
                #expect(text("replication") == "none, synchronous_commit = on")
                #expect(text("time: heartbeat") == "2s" && text("time: presenting").hasPrefix("15s"))
                #expect(!text("coordinator's open files").isEmpty && !text("open files").isEmpty)
                #expect(text("oldest transaction").hasSuffix("s"))
                for finding in findings.values {
                    #expect((finding["state"] == "ok") == (finding["remedy"] == ""), "\(finding)")
                }
                try await system.killCoordinator(1)
                let ill = try await system.run(["doctor", "-o", "json"], as: system.operatorIdentity)
                #expect(ill.code == 0, "\(ill)")
                let gone = try Self.findings(ill)["certificate of \(system.address(1))"]
                #expect(gone?["state"] == "warning" && gone?["remedy"] != "", "\(ill)")
                try await system.killCoordinator(0)
                let dead = try await system.run(["doctor"], as: system.operatorIdentity)
                #expect(dead.code == 1 && dead.output.contains("FAILED  coordinator: "), "\(dead)")
            }
        }

        @Test func `queue status says why tasks wait, in every form of output`() async throws {
            try await LiveSystem.with(.init()) { system in
                let purposes = ["taking-part"]
                try await system.publishNotices(purposes)
                try await system.createProject("two", schema: Self.schema, overlap: 1, purposes: purposes)
                try await system.importTasks(["t1", "t2"], project: "two")
                func status(_ form: String) async throws -> String {
                    try await system.succeed(["queue", "status", "-o", form], as: system.operatorIdentity)
                }
                let table = try await status("table")
                #expect(table.contains("two: nobody is enrolled -> plimsoll engineer enrol NAME --project two"))
                let list = try JSONValue.parse(try await status("json")).arrayValue
                #expect(list?.first?["reasons"]?.arrayValue?.first?["code"] == "nobody-enrolled")
                #expect(try await status("yaml").contains("\n  - code: nobody-enrolled\n"))
                #expect(try await status("name") == "two\n")
                let watched = try await system.succeed(
                    ["queue", "watch", "--times", "1"], as: system.operatorIdentity)
                #expect(watched.contains("two: nobody is enrolled"))
            }
        }
    }
}
