import Exchange
import Foundation
import PlimsollModel
import PlimsollProtocol
import PrivateCluster
import TestSupport
import Testing

extension SystemTests {
    /// What a person is owed about their data, with the real commands.
    @Suite struct PersonDataTests {
        private static let purposes = ["taking-part", "training"]
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#

        private static func with(_ body: @escaping @Sendable (LiveSystem) async throws -> Void) async throws {
            try await LiveSystem.with(.init(policy: "bench")) { system in
                try await system.publishNotices(purposes)
                try await system.createProject("data", schema: schema, overlap: 1, purposes: purposes)
                try await system.enrol(["ada", "bo"], projects: ["data"], purposes: purposes)
                try await body(system)
            }
        }

        private static func work(_ system: LiveSystem, _ name: String, max: Int) throws -> Program {
            try system.launch(
                Products.plimsoll,
                [
                    "work", "--project", "data", "--server", system.servers, "--identity", system.identity(name).plain,
                    "--max", "\(max)", "--exec", "cat >/dev/null; echo 4",
                ], log: "data-\(name)-\(max)")
        }

        private static func answer(_ system: LiveSystem, _ name: String, _ count: Int) async throws {
            let worker = try work(system, name, max: count)
            let code = await worker.end(within: .seconds(60))
            #expect(code == 0, "plimsoll work ended with \(code ?? -1): \(worker.errorText)")
        }

        @Test func `a withdrawal reaches an export that was taken, the data of its author, and the erasure`()
            async throws
        {
            try await Self.with { system in
                try await system.importTasks((1...5).map { "t\($0)" }, project: "data")
                try await Self.answer(system, "ada", 3)
                try await Self.answer(system, "bo", 2)
                let target = system.folder.appending(path: "taken")
                try await system.succeed(
                    ["label", "export", "--project", "data", "--purpose", "training", "--to", target.plain],
                    as: system.operatorIdentity)
                let none = try await system.run(["label", "superseded", "list"], as: system.operatorIdentity)
                #expect(none.code == 0 && none.errors.contains("nothing need be dropped"), "\(none)")

                let withdrawn = try await system.run(["consent", "withdraw", "training"], as: system.identity("ada"))
                #expect(withdrawn.code == 0 && withdrawn.output.contains("receipt"), "\(withdrawn)")
                // Due within a minute; the list is asked until it says so.
                try await eventually(within: .seconds(60)) {
                    try await system.run(["label", "superseded", "list", "-o", "name"], as: system.operatorIdentity)
                        .output == "1\n"
                }
                let fetched = try await system.run(
                    ["label", "superseded", "fetch", target.plain], as: system.operatorIdentity)
                #expect(fetched.code == 0 && fetched.errors.contains("3 records must be dropped"), "\(fetched)")
                #expect(fetched.output == target.appending(path: "manifest-2.json").plain + "\n")
                let manifest = try ExportManifest.newest(in: target.plain)
                #expect(manifest.number == 2 && manifest.dropped.count == 3 && manifest.counts.labels == 2)
                let lines = try String(contentsOf: target.appending(path: "labels.jsonl"), encoding: .utf8)
                for record in manifest.dropped {
                    #expect(lines.contains(#""task_key":"\#(record.taskKey)""#) && lines.contains(record.annotator))
                }
                let verified = try await system.run(["label", "verify", target.plain])
                #expect(verified.code == 0 && verified.output.contains("manifest-2.json names 3"), "\(verified)")
                let again = try await system.run(
                    ["label", "superseded", "fetch", target.plain], as: system.operatorIdentity)
                #expect(again.code == 0 && again.errors.contains("nothing new"), "\(again)")

                try await Self.lookAtOwn(system)
                try await Self.erase(system)
            }
        }

        private static func lookAtOwn(_ system: LiveSystem) async throws {
            let ada = system.identity("ada")
            let answers = try await system.run(["me", "answers", "-o", "json"], as: ada)
            let states = try #require(try JSONValue.parse(answers.output).arrayValue).map { $0["state"]?.stringValue }
            #expect(states == ["excluded", "excluded", "excluded"], "\(answers)")
            let folder = system.folder.appending(path: "own")
            let data = try await system.run(["me", "data", "-o", "json", "--to", folder.plain], as: ada)
            #expect(data.code == 0, "\(data)")
            let tables = try #require(try JSONValue.parse(data.output).arrayValue)
            #expect(tables.first?["table"] == "person" && tables.first?["rows"]?.arrayValue?.count == 1)
            let file = try String(contentsOf: folder.appending(path: "data.json"), encoding: .utf8)
            #expect(try JSONValue.parse(file) == JSONValue.parse(data.output))
            let csv = try String(contentsOf: folder.appending(path: "excluded_label.csv"), encoding: .utf8)
            #expect(csv.components(separatedBy: "\r\n").count == 5)
            #expect(!data.output.contains("\"bo\""))
            let access = try await system.run(["me", "access"], as: ada)
            #expect(access.code == 0 && access.output.contains("export 1 of data for training"), "\(access)")
        }

        private static func erase(_ system: LiveSystem) async throws {
            let ada = system.identity("ada")
            let unasked = try await system.run(["me", "erase", "--no-input"], as: ada)
            #expect(unasked.code == 2 && unasked.errors.contains("--yes"), "\(unasked)")
            let erased = try await system.run(["me", "erase", "--yes", "-o", "json"], as: ada)
            #expect(erased.code == 0, "\(erased)")
            let facts = try JSONValue.parse(erased.output)
            #expect(facts["labels"] == 3 && facts["pseudonym"]?.stringValue?.hasPrefix("erased-") == true)
            let dump = try DatabaseDump.text(of: system.cluster.conninfo())
            #expect(!dump.contains("/ada/") && !dump.contains("\tada\t") && !dump.contains("\"ada\""))
            let after = try await system.run(["me", "data"], as: ada)
            #expect(after.code == 4, "\(after)")
        }

        @Test func `read-only mode is switched, shown, and refuses imports alone`() async throws {
            try await Self.with { system in
                let on = try await system.run(
                    ["deployment", "read-only", "on", "--reason", "the disk moves"], as: system.operatorIdentity)
                #expect(on.code == 0 && on.output.contains("read-only mode is on"), "\(on)")
                let file = try system.file("more.jsonl", #"{"key": "x", "kind": "test", "payload": {}}"# + "\n")
                let refused = try await system.run(
                    ["task", "import", file.plain, "--project", "data"], as: system.operatorIdentity)
                #expect(refused.code == 3 && refused.errors.contains("deployment read-only off"), "\(refused)")
                let doctor = try await system.run(["doctor", "-o", "json"], as: system.operatorIdentity)
                #expect(doctor.output.contains("the disk moves"), "\(doctor)")
                // Once, however many projects there are, and also where nothing waits.
                let queue = try await system.run(["queue", "status"], as: system.operatorIdentity)
                let told = queue.output.split(separator: "\n").filter { $0.contains("read-only mode: the disk moves") }
                #expect(told.count == 1 && told[0].hasPrefix("the deployment is"), "\(queue)")
                let withdrawn = try await system.run(["consent", "withdraw", "training"], as: system.identity("bo"))
                #expect(withdrawn.code == 0, "\(withdrawn)")
                let shown = try await system.run(["deployment", "show", "-o", "json"], as: system.operatorIdentity)
                let facts = try JSONValue.parse(shown.output)
                #expect(facts["read_only"] == true && facts["reason"] == "the disk moves", "\(shown)")
                let stranger = try await system.run(
                    ["deployment", "read-only", "off", "--reason", "mine"], as: system.identity("ada"))
                #expect(stranger.code == 4, "\(stranger)")
                try await system.succeed(
                    ["deployment", "read-only", "off", "--reason", "it has moved"], as: system.operatorIdentity)
                try await system.importTasks(["t1"], project: "data")
            }
        }

        @Test func `with the database away the worker stops at the word, which is repeated until it is recorded`()
            async throws
        {
            try await Self.with { system in
                try await system.importTasks((1...200).map { "t\($0)" }, project: "data")
                let worker = try system.launch(
                    Products.plimsoll,
                    [
                        "work", "--project", "data", "--server", system.servers, "--identity",
                        system.identity("ada").plain, "--exec", "cat >/dev/null; sleep 0.2; echo 4",
                    ], log: "data-stopped")
                try await eventually(within: .seconds(60)) {
                    try await system.run(["me", "answers", "-o", "name"], as: system.identity("ada")).output
                        .contains("data")
                }
                try await system.killPostgres()
                let withdrawal = try system.launch(
                    Products.plimsoll,
                    [
                        "consent", "withdraw", "training", "--server", system.servers, "--identity",
                        system.identity("ada").plain, "-o", "json",
                    ], log: "data-withdrawal")
                try await eventually(within: .seconds(60)) { withdrawal.errorText.contains("not yet recorded") }
                let code = await worker.end(within: .seconds(60))
                #expect(code == 3 && worker.errorText.contains("not yet recorded"), "\(worker.errorText)")
                // Nor does another one start, or a second word end in less than an exit code that says so.
                let second = try Self.work(system, "ada", max: 1)
                #expect(await second.end(within: .seconds(30)) == 3, "\(second.errorText)")
                let impatient = try await system.run(
                    ["consent", "withdraw", "training", "--give-up-after", "1s"], as: system.identity("ada"))
                #expect(impatient.code == 1 && impatient.errors.contains("not yet recorded"), "\(impatient)")
                try await system.restartPostgres()
                #expect(await withdrawal.end(within: .seconds(120)) == 0, "\(withdrawal.errorText)")
                let receipt = try JSONValue.parse(withdrawal.outputText)
                #expect(receipt["state"] == "withdrawn" && receipt["receipt"]?.stringValue != nil)
                #expect(withdrawal.errorText.contains("recorded after"))
                let list = try await system.run(["consent", "list", "-o", "json"], as: system.identity("ada"))
                #expect(list.output.contains("withdrawn"), "\(list)")
                // Recorded: work is a matter of the gate again.
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: system.identity("ada").plain)
                        .allSatisfy { !$0.hasPrefix("withdrawing-") })
            }
        }

        private static func eventually(within budget: Duration, _ holds: () async throws -> Bool) async throws {
            #expect(try await TestSupport.eventually(within: budget, holds))
        }

        private func eventually(within budget: Duration, _ holds: () async throws -> Bool) async throws {
            #expect(try await TestSupport.eventually(within: budget, holds))
        }
    }
}
