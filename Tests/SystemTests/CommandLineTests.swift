import Foundation
import TestSupport
import Testing

extension SystemTests {
    /// Commands as a newcomer meets them: exit codes, words, colours.
    @Suite struct CommandLineTests {
        private static let purposes = ["taking-part"]
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#

        @Test func `every exit code has its cause, and every failure says what to do next`() async throws {
            try await LiveSystem.with(.init()) { system in
                try await system.publishNotices(Self.purposes)
                try await system.createProject("codes", schema: Self.schema, overlap: 1, purposes: Self.purposes)
                try await system.certify("ada", projects: ["codes"])
                let project = system.folder.appending(path: "project-codes.json").plain
                let nobody = system.folder.appending(path: "nobody").plain
                // Without the token that was given to her alone, nobody gets a certificate in an engineer's name.
                let request = system.folder.appending(path: "ada.request").plain
                try await system.succeed([
                    "cert", "request", "ada", "--trust-domain", LiveSystem.trustDomain, "--identity",
                    system.folder.appending(path: "second").plain, "--out", request,
                ])
                let mine = ["--server", system.servers, "--identity", system.operatorIdentity.plain]
                let adas = ["--server", system.servers, "--identity", system.identity("ada").plain]
                let nowhere = ["--server", "127.0.0.1:1", "--identity", system.operatorIdentity.plain]
                let cases: [(words: [String], code: Int32, says: [String])] = [
                    (["project", "show", "codes"] + mine, 0, []),
                    (["project", "list"] + nowhere, 1, ["127.0.0.1:1", "next: "]),
                    (["project", "list", "--server", "here:there"], 2, ["here:there", "next: "]),
                    (["task", "import", "tasks.txt", "--project", "codes"] + mine, 2, ["--format"]),
                    (["task", "list"] + mine, 2, ["--project", "plimsoll task list --help"]),
                    (["frobnicate"], 2, ["frobnicate", "plimsoll --help"]),
                    (["up", "--listen", "7443"], 2, ["7443", "plimsoll up --help"]),
                    (
                        ["cert", "issue", request] + mine, 3,
                        ["enrolment token", "plimsoll engineer enrol", "plimsoll role grant"]
                    ),
                    (["project", "list"] + adas, 4, ["operator", "engineer", "next: "]),
                    (["project", "show", "none"] + mine, 5, ["none"]),
                    (["project", "list", "--server", system.servers, "--identity", nobody], 5, [nobody, "next: "]),
                    (["task", "import", "/none.jsonl", "--project", "codes"] + mine, 5, ["/none.jsonl", "next: "]),
                    (["policy", "validate", "none.yaml"], 5, ["none.yaml", "next: "]),
                    (["label", "verify", nobody], 5, [nobody, "label export"]),
                    (["project", "create", "--from", project] + mine, 6, ["codes"]),
                ]
                for (words, code, says) in cases {
                    let result = try await system.run(words)
                    #expect(result.code == code, "\(result)")
                    guard code != 0 else { continue }
                    #expect(result.output.isEmpty, "talk belongs on stderr: \(result)")
                    for text in says { #expect(result.errors.contains(text), "says \(text): \(result)") }
                }
            }
        }

        @Test func `queue watch looks again and again until it is told to end`() async throws {
            try await LiveSystem.with(.init()) { system in
                let words = ["queue", "watch", "--every", "1"]
                let some = try await system.run(words + ["--times", "4"], as: system.operatorIdentity)
                #expect(some.code == 0, "\(some)")
                #expect(some.output.components(separatedBy: "plimsoll queue, ").count == 5, "\(some)")
                let watch = try system.launch(
                    Products.plimsoll,
                    words + ["--server", system.servers, "--identity", system.operatorIdentity.plain], log: "watch")
                let looks = try await eventually(within: .seconds(30)) {
                    watch.outputText.components(separatedBy: "plimsoll queue, ").count > 3
                }
                #expect(looks, "\(watch.errorText)")
                watch.signal(SIGTERM)
                #expect(await watch.end() == 0, "\(watch.errorText)")
            }
        }

        @Test func `colours are for terminals, and NO_COLOR is honoured`() async throws {
            try await LiveSystem.with(.init()) { system in
                try await system.publishNotices(Self.purposes)
                let words = [
                    "notice", "list", "--server", system.servers, "--identity", system.operatorIdentity.plain,
                ]
                // util-linux's `script` gives a command a terminal of its own.
                func onTerminal(_ log: String, _ environment: [String: String]) async throws -> String {
                    let quoted = ([Products.plimsoll.plain] + words).map { "'\($0)'" }.joined(separator: " ")
                    let program = try system.launch(
                        URL(filePath: "/usr/bin/script"), ["-qec", quoted, "/dev/null"], log: log,
                        environment: environment.merging(["TERM": "xterm"]) { old, _ in old })
                    #expect(await program.end() == 0, "\(program.errorText)")
                    return program.outputText
                }
                let plain = try await system.run(words)
                #expect(plain.output.contains("taking-part") && !plain.output.contains("\u{1B}"), "\(plain)")
                let coloured = try await onTerminal("coloured", ["NO_COLOR": ""])
                #expect(coloured.contains("taking-part") && coloured.contains("\u{1B}[1m"), "\(coloured)")
                for (log, environment) in [("none", ["NO_COLOR": "1"]), ("dumb", ["NO_COLOR": "", "TERM": "dumb"])] {
                    let text = try await onTerminal(log, environment)
                    #expect(text.contains("taking-part") && !text.contains("\u{1B}"), "\(log): \(text)")
                }
            }
        }
    }
}
