import Foundation
import PlimsollModel
import Postgres
import TestSupport
import Testing

extension SystemTests {
    /// The commands with which operators tune a policy, as processes.
    @Suite struct PolicyToolTests {
        private static let cases = """
            policy:
              format: 1
              limits: {day-time: 3h, quiet-hours: none}
            cases:
              - name: three hours are enough
                zone: Europe/Berlin
                worked: [{from: 2026-03-30T09:00:00+02:00, to: 2026-03-30T10:30:00+02:00, kind: puzzle},
                         {from: 2026-03-30T11:00:00+02:00, to: 2026-03-30T12:30:00+02:00, kind: rating}]
                at: 2026-03-30T14:00:00+02:00
                ask: {kind: essay, effort: 5m}
                expect: {refused: day-time, until: 2026-03-31T00:00:00+02:00}
            """
        private static let failing = """

              - name: four hours are allowed
                like: three hours are enough
                expect: {granted: true}

            """

        @Test func `policy test says what was expected, what came and why, and ends with the count`() async throws {
            let folder = try TestFolder.make("cases")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            func test(_ name: String, _ text: String, _ more: [String] = []) async throws -> Finished {
                let file = folder.appending(path: name)
                try Data(text.utf8).write(to: file)
                return try await Machine.run(Products.plimsoll, ["policy", "test", file.plain] + more)
            }
            let well = try await test("well.yaml", Self.cases)
            #expect(well.code == 0 && well.output == "1 passed, 0 failed\n", "\(well)")
            let ill = try await test("ill.yaml", Self.cases + Self.failing)
            #expect(ill.code == 1 && ill.errors.isEmpty, "\(ill)")
            #expect(
                ill.output == """
                    FAILED \(folder.appending(path: "ill.yaml").plain): four hours are allowed
                      expected: granted
                      came:     refused by day-time until 2026-03-31T00:00:00+02:00
                      why:      You have worked 3h today; 3h is the most for a day. [value 3h, limit 3h]
                    1 passed, 1 failed

                    """, "\(ill)")
            let json = try await test("json.yaml", Self.cases + Self.failing, ["-o", "json"])
            let facts = try JSONValue.parse(json.output)
            #expect(json.code == 1 && facts["passed"]?.intValue == 1 && facts["failed"]?.intValue == 1, "\(json)")
            #expect(facts["faults"]?.arrayValue?.first?["case"] == "four hours are allowed")
            // A case that would be green whatever the gate says is no case.
            let idle = try await test(
                "idle.yaml", Self.cases.replacing("until: 2026-03-31", with: "deadline: 2026-03-31"))
            #expect(idle.code == 2 && idle.errors.contains("idle.yaml, line 11, column"), "\(idle)")
        }

        @Test func `policy validate names every problem with its place`() async throws {
            let folder = try TestFolder.make("policy")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let file = folder.appending(path: "policy.yaml")
            try Data("limits:\n  day-tme: 4h\n  break: none\nceiling: {week-time: 10h}\n".utf8).write(to: file)
            let ill = try await Machine.run(Products.plimsoll, ["policy", "validate", file.plain])
            let lines = ill.errors.split(separator: "\n").map(String.init)
            #expect(ill.code == 2 && lines.count == 4, "\(ill)")
            for (line, start) in zip(lines.dropFirst(), ["line 2, column 3", "line 3, column 3", "line 4, column 11"]) {
                #expect(line.hasPrefix("  \(start): "), "\(ill)")
            }
            try Data("limits: {continuous-time: 3m, break: 3m}\n".utf8).write(to: file)
            let short = try await Machine.run(Products.plimsoll, ["policy", "validate", file.plain])
            #expect(short.code == 0 && short.output == "\(file.plain) is a valid policy\n", "\(short)")
            #expect(short.errors.contains("warning: tasks with an estimate of 5m are leased to nobody"), "\(short)")
        }

        private static let stop = "limits: {open-leases: 0}\n"

        @Test func `a policy that stops everyone is asked about twice, rolled back, and history tells of it`()
            async throws
        {
            try await LiveSystem.with(.init()) { system in
                let olu = system.operatorIdentity
                let tight = try system.file("tight.yaml", "limits: {day-time: 3h}\n").plain
                let stop = try system.file("stop.yaml", Self.stop).plain
                let blank = try await system.run(["policy", "apply", tight, "--reason", " "], as: olu)
                #expect(blank.code == 2 && blank.errors.contains("say it with --reason"), "\(blank)")
                try await system.succeed(["policy", "apply", tight, "--reason", "a trial"], as: olu)
                // Neither --yes nor output for programs is an answer to this question.
                let apply = ["policy", "apply", stop, "--reason", "a fire"]
                for more in [[], ["--yes"], ["--no-input"], ["-o", "json"]] {
                    let refused = try await system.run(apply + more, as: olu)
                    #expect(refused.code == 3 && refused.errors.contains("add --stop-everyone"), "\(refused)")
                }
                // Whoever sits at a terminal is asked, and no is no.
                let no = try await atTerminal(system, apply, answer: "n")
                #expect(
                    no.code == 1 && no.output.contains("This policy would stop everyone: open-leases is 0."), "\(no)")
                #expect(no.output.contains("nothing was changed"), "\(no)")
                let yes = try await atTerminal(system, apply, answer: "y")
                #expect(yes.code == 0 && yes.output.contains("policy version 3 is in force"), "\(yes)")
                let back = try await system.succeed(
                    ["policy", "rollback", "2", "--reason", "the fire is out"], as: olu)
                #expect(back == "policy version 4 is in force, with the document of version 2\n")
                let again = try await system.run(
                    ["policy", "rollback", "3", "--reason", "once more", "--yes"], as: olu)
                #expect(again.code == 3, "\(again)")
                try await system.succeed(
                    ["policy", "rollback", "3", "--reason", "a drill", "--stop-everyone"], as: olu)

                let history = try await system.succeed(["policy", "history"], as: olu)
                let rows = history.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace) }
                #expect(rows[0].joined(separator: " ") == "VERSION APPLIED ON BY REASON", "\(history)")
                #expect(rows.dropFirst().map { $0[0] } == ["5", "4", "3", "2", "1"], "\(history)")
                #expect(rows[2].suffix(4).joined(separator: " ") == "the fire is out", "\(history)")
                let last = try await system.succeed(["policy", "history", "--limit", "1", "-o", "json"], as: olu)
                let facts = try JSONValue.parse(last).arrayValue
                #expect(facts?.count == 1 && facts?[0]["author"]?.stringValue == LiveSystem.operatorName, "\(last)")
                try await Self.historyOverAGap(system, tight)
                try await Self.changeBesideTheChain(system)
            }
        }

        /// Numbers are skipped where an apply fails half-way or the database's server crashes.
        private static func historyOverAGap(_ system: LiveSystem, _ document: String) async throws {
            try await system.asDatabaseOwner {
                try await $0.execute(
                    script: "select nextval(pg_get_serial_sequence('policy', 'version')) from generate_series(1, 3)")
            }
            let olu = system.operatorIdentity
            try await system.succeed(["policy", "apply", document, "--reason", "after a gap"], as: olu)
            func versions(_ more: [String] = []) async throws -> [Int?] {
                let history = try await system.succeed(["policy", "history", "-o", "json"] + more, as: olu)
                return try JSONValue.parse(history).arrayValue?.map { $0["version"]?.intValue } ?? []
            }
            #expect(try await versions() == [9, 5, 4, 3, 2, 1])
            #expect(try await versions(["--limit", "2"]) == [9, 5])
        }

        /// P11: an owner of the database who edits what was in force is found.
        private static func changeBesideTheChain(_ system: LiveSystem) async throws {
            let verify = ["audit", "verify"]
            let sealed = try await eventually(within: .seconds(40)) {
                let result = try await system.run(verify + ["-o", "json"], as: system.operatorIdentity)
                return try JSONValue.parse(result.output)["not_sealed"]?.intValue == 0
            }
            #expect(sealed)
            let whole = try await system.run(verify, as: system.operatorIdentity)
            #expect(whole.code == 0, "\(whole)")
            try await system.asDatabaseOwner {
                try await $0.execute(
                    script: """
                        set session_replication_role = replica;
                        update policy set document = 'limits: {day-time: 9h}' where version = 2;
                        """)
            }
            let edited = try await system.run(verify, as: system.operatorIdentity)
            #expect(
                edited.code == 1 && edited.errors.contains("edited: policy version 2 is not what event"), "\(edited)")
        }

        /// util-linux's `script` gives a command a terminal of its own; the answer is there before the question.
        private func atTerminal(_ system: LiveSystem, _ words: [String], answer: String) async throws -> Finished {
            let all = words + ["--server", system.servers, "--identity", system.operatorIdentity.plain]
            let quoted = ([Products.plimsoll.plain] + all).map { "'\($0)'" }.joined(separator: " ")
            let program = try system.launch(
                URL(filePath: "/bin/sh"),
                ["-c", "(sleep 1; echo \(answer); sleep 5) | script -qec \"$0\" /dev/null", quoted],
                log: "terminal-\(answer)", environment: ["TERM": "xterm"])
            let code = await program.end(within: .seconds(60)) ?? -1
            return Finished(
                command: words.joined(separator: " "), code: code, output: program.outputText, errors: program.errorText
            )
        }
    }
}
