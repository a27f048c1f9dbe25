import Foundation
import PlimsollModel
import TestSupport
import Testing

extension SystemTests {
    /// `me show` and `me why` of a running deployment, with the real commands and a real coordinator.
    @Suite struct OwnReasonsTests {
        private static let purposes = ["taking-part"]
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#

        private static func ask(_ system: LiveSystem, _ verb: String, _ name: String) async throws -> JSONValue {
            let result = try await system.run(["me", verb, "-o", "json"], as: system.identity(name))
            #expect(result.code == 0, "\(result)")
            return try JSONValue.parse(result.output)
        }

        private static func cause(_ system: LiveSystem, _ name: String = "ada") async throws -> String? {
            try await ask(system, "why", name)["projects"]?.arrayValue?.first?["cause"]?.stringValue
        }

        private static func load(_ system: LiveSystem, _ rule: String) async throws -> JSONValue {
            let rows = try await ask(system, "show", "ada")["load"]?.arrayValue ?? []
            return try #require(rows.first { $0["rule"]?.stringValue == rule })
        }

        private static func worker(_ system: LiveSystem, max: Int, log: String) throws -> Program {
            try system.launch(
                Products.plimsoll,
                [
                    "work", "--server", system.servers, "--identity", system.identity("ada").plain, "--max", "\(max)",
                    "--exec", "cat >/dev/null; echo 4",
                ], log: log)
        }

        @Test func `a person sees their load, the true cause of every wait, and what was refused`() async throws {
            try await LiveSystem.with(.init(policy: "bench")) { system in
                try await system.publishNotices(Self.purposes)
                try await system.createProject("data", schema: Self.schema, overlap: 1, purposes: Self.purposes)
                try await system.enrol(["ada"], projects: ["data"], purposes: Self.purposes)
                #expect(try await Self.cause(system) == "nothing-left")
                try await system.importTasks((1...3).map { "t\($0)" }, project: "data")
                #expect(try await Self.cause(system) == "may-come")
                let day = try await Self.load(system, "day-time")
                #expect(day["source"] == "document" && day["limit"] == 86_400 && day["reached"] == false)

                let work = try Self.worker(system, max: 3, log: "reasons-1")
                #expect(await work.end(within: .seconds(60)) == 0, "\(work.errorText)")
                #expect(try await Self.cause(system) == "nothing-left")
                try await system.importTasks((4...6).map { "t\($0)" }, project: "data")
                // Lowered by the person themselves, and so in force with the next decision.
                let own = try system.file("own.yaml", "day-tasks: 3\n")
                try await system.succeed(["policy", "layer", "set", "--me", own.plain], as: system.identity("ada"))
                let tasks = try await Self.load(system, "day-tasks")
                #expect(tasks["value"] == 3 && tasks["share_percent"] == 100 && tasks["source"] == "engineer")
                #expect(try await Self.cause(system) == "refused")
                let waiting = try Self.worker(system, max: 1, log: "reasons-2")
                #expect(
                    try await eventually(within: .seconds(30)) {
                        try await Self.ask(system, "why", "ada")["refusals"]?.arrayValue?.first?["rule"] == "day-tasks"
                    })
                waiting.signal(SIGTERM)
                #expect(await waiting.end(within: .seconds(60)) == 0, "\(waiting.errorText)")

                try await system.succeed(["project", "pause", "data"], as: system.operatorIdentity)
                let why = try await system.run(["me", "why"], as: system.identity("ada"))
                #expect(why.output.contains("This project is paused") && why.output.contains("rule paused"), "\(why)")
                #expect(why.output.contains("why you were chosen"), "\(why)")
                let show = try await system.run(
                    ["me", "show"], as: system.identity("ada"), environment: ["LC_ALL": "C"])
                #expect(show.output.contains("day-tasks          ################|   3 of 3"), "\(show)")
                for output in [why.output, show.output] {
                    #expect(output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(output)")
                    #expect(!output.contains("\u{1B}"), "no terminal, no colour")
                }
                let nowhere = try await system.run(
                    ["me", "why", "--project", "nowhere"], as: system.identity("ada"))
                #expect(nowhere.code == 5, "\(nowhere)")
                let wrong = try await system.run(["me", "why", "--since", "yesterday"], as: system.identity("ada"))
                #expect(wrong.code == 2, "\(wrong)")
            }
        }
    }
}
