import Foundation
import PlimsollModel
import PlimsollProtocol
import TestSupport
import Testing

extension SystemTests {
    /// What a person may say of their own time, with the real commands.
    @Suite struct HoursTests {
        @Test func `time is corrected by two, and a look at throughput is agreed to and shown`() async throws {
            try await LiveSystem.with(.init(policy: "bench")) { system in
                try await system.publishNotices(["taking-part", "throughput-to-supervisor"])
                try await system.createProject(
                    "data", schema: #"{"type": "integer"}"#, overlap: 1, purposes: ["taking-part"])
                try await system.enrol(["ada"], projects: ["data"], purposes: ["taking-part"])
                try await system.importTasks((1...3).map { "t\($0)" }, project: "data")
                let worker = try system.launch(
                    Products.plimsoll,
                    [
                        "work", "--project", "data", "--server", system.servers, "--identity",
                        system.identity("ada").plain, "--max", "3", "--exec", "cat >/dev/null; echo 4",
                    ], log: "hours-ada")
                let code = await worker.end(within: .seconds(60))
                #expect(code == 0, "plimsoll work ended with \(code ?? -1): \(worker.errorText)")
                try await Self.correct(system)
                try await Self.look(system)
            }
        }

        private static func correct(_ system: LiveSystem) async throws {
            let (ada, boss) = (system.identity("ada"), system.operatorIdentity)
            // An hour of yesterday, in whatever zone this runs.
            let now = Moment(seconds: Int64(Date().timeIntervalSince1970))
            let stretch = [(now - .seconds(90_000)).rfc3339, (now - .seconds(86_400)).rfc3339]
            let unsaid = try await system.run(["me", "correct", "add"] + stretch, as: ada)
            #expect(unsaid.code == 2 && unsaid.errors.contains("--reason"), "\(unsaid)")
            let added = try await system.run(
                ["me", "correct", "add"] + stretch + ["--reason", "the coordinator was away"], as: ada)
            #expect(added.code == 0 && added.output.contains("counts"), "\(added)")
            let unreasoned = try await system.run(["me", "correct", "remove"] + stretch, as: ada)
            #expect(unreasoned.code == 2, "\(unreasoned)")
            let asked = try await system.run(
                ["me", "correct", "remove"] + stretch + ["--reason", "the network was gone"], as: ada)
            #expect(asked.code == 0 && asked.output.contains("60m would be taken away"), "\(asked)")
            let list = try await system.run(["engineer", "corrections", "list", "-o", "json"], as: boss)
            let rows = try #require(try JSONValue.parse(list.output).arrayValue)
            #expect(rows.count == 1 && rows[0]["name"] == "ada" && rows[0]["recorded_seconds"] == 3_600, "\(list)")
            let id = "\(rows[0]["id"]?.intValue ?? 0)"
            let agreed = try await system.run(["engineer", "corrections", "agree", id], as: boss)
            #expect(agreed.code == 0 && agreed.output == "60m of ada are taken away\n", "\(agreed)")
            let again = try await system.run(["engineer", "corrections", "refuse", id, "--reason", "no"], as: boss)
            #expect(again.code == 6, "\(again)")
            let own = try await system.run(["me", "correct", "list"], as: ada)
            #expect(own.output.contains("agreed") && own.output.contains("counted"), "\(own)")
            let unknown = try await system.run(["me", "zone", "Europe/Lisboa"], as: ada)
            #expect(unknown.code == 2 && unknown.errors.contains("Europe/Lisbon"), "\(unknown)")
            let declared = try await system.run(["me", "declare-hours", "12h"], as: ada)
            #expect(declared.output == "you declare 12h a week elsewhere; it was 0s\n", "\(declared)")
        }

        private static func look(_ system: LiveSystem) async throws {
            let (ada, boss) = (system.identity("ada"), system.operatorIdentity)
            struct Answer: Equatable {
                var code: Int32
                var output: String
                var errors: String
            }
            func look(_ name: String) async throws -> Answer {
                let run = try await system.run(
                    ["engineer", "throughput", name, "--reason", "planning of July", "-o", "json"], as: boss)
                return Answer(code: run.code, output: run.output, errors: run.errors)
            }
            let own = try await system.run(["me", "throughput", "-o", "json"], as: ada)
            let days = try #require(try JSONValue.parse(own.output)["days"]?.arrayValue)
            #expect(days.compactMap { $0["labels"]?.intValue }.reduce(0, +) == 3, "\(own)")
            let (before, nobody) = (try await look("ada"), try await look("nobody"))
            #expect(before.code == 3 && before == nobody, "\(before) \(nobody)")
            try await system.agree("ada", purposes: ["throughput-to-supervisor"])
            let shown = try await look("ada")
            #expect(shown.code == 0, "\(shown)")
            let counts = try #require(try JSONValue.parse(shown.output).arrayValue)
            #expect(counts.compactMap { $0["labels"]?.intValue }.reduce(0, +) == 3, "\(shown)")
            #expect(!shown.output.contains("second") && !shown.output.contains("hour"), "\(shown)")
            let access = try await system.run(["me", "access"], as: ada)
            #expect(access.output.contains("your labels by date: planning of July"), "\(access)")
            try await system.succeed(["consent", "withdraw", "throughput-to-supervisor"], as: ada)
            #expect(try await look("ada") == nobody)
        }
    }
}
