import Exchange
import Foundation
import PlimsollProtocol
import SwiftProtobuf
import TestSupport
import Testing

extension SystemTests {
    /// Tasks in and labels out by the command line alone, against a coordinator that runs.
    @Suite struct ImportExportTests {
        private static let purposes = ["taking-part"]
        private static let schema = #"{"type": "integer", "minimum": 0, "maximum": 9}"#
        /// What a payload may have, and a little more.
        private static let payloadTooLarge = 262_144 + 100

        private static func with(
            _ project: String, overlap: Int = 1, _ body: (LiveSystem) async throws -> Void
        ) async throws {
            try await LiveSystem.with(.init(policy: "replay")) { system in
                try await system.publishNotices(purposes)
                try await system.createProject(project, schema: schema, overlap: overlap, purposes: purposes)
                try await body(system)
            }
        }

        private static func bring(
            _ system: LiveSystem, _ file: URL, _ project: String, _ options: [String] = []
        ) async throws -> Finished {
            try await system.run(
                ["task", "import", file.plain, "--project", project] + options, as: system.operatorIdentity)
        }

        /// Keys of a project's tasks, of one state or of all.
        private static func keys(
            _ system: LiveSystem, _ project: String, state: String? = nil
        ) async throws -> Set<String> {
            let rows = try await system.asOperator { control in
                try await control.listTasks(
                    .with {
                        $0.project = project
                        $0.state = state ?? ""
                        $0.limit = 1_000
                    }
                ).tasks
            }
            return Set(rows.map(\.key))
        }

        private static func json(_ text: String) throws -> [String: Any] {
            guard let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
                throw SystemFailure("no JSON object: \(text)")
            }
            return object
        }

        // MARK: - In

        @Test func `tasks come from JSON Lines, CSV and Label Studio, twice do no harm, and an import is taken back`()
            async throws
        {
            try await Self.with("in") { system in
                let lines = try system.file(
                    "good.jsonl",
                    """
                    {"key": "j1", "payload": {"text": "one"}, "kind": "essay", "severity": 1, "effort": "5m"}

                    {"key": "j2", "payload": {"text": "two"}}

                    """)
                let table = try system.file("good.csv", "key,text,severity\nc1,\"a, \"\"b\"\"\nc\",2\nc2,plain,\n")
                let studio = try system.file(
                    "good.json",
                    #"[{"id": 7, "data": {"text": "x"}, "annotations": [{"result": [], "lead_time": 3.5}]}, "#
                        + #"{"id": 8, "data": {"text": "y"}, "meta": {"key": "s8"}}]"#)
                // Looked at first: a dry run says what would come and brings nothing.
                for file in [lines, table, studio] {
                    let dry = try await Self.bring(system, file, "in", ["--dry-run"])
                    #expect(dry.code == 0 && dry.output.contains("2 tasks would be imported"), "\(dry)")
                }
                #expect(try await Self.keys(system, "in").isEmpty)
                let first = try await Self.bring(system, lines, "in", ["-o", "json"])
                #expect(first.code == 0, "\(first)")
                let facts = try Self.json(first.output)
                #expect(facts["imported"] as? Int == 2 && facts["skipped"] as? Int == 0, "\(first)")
                let number = try #require(facts["import"] as? Int)
                #expect(first.errors.contains("plimsoll task cancel --import \(number)"), "\(first)")
                for (file, says) in [(table, "2 tasks imported"), (studio, "2 tasks imported")] {
                    let result = try await Self.bring(system, file, "in")
                    #expect(result.code == 0 && result.output.contains(says), "\(result)")
                }
                let all: Set<String> = ["j1", "j2", "c1", "c2", "7", "s8"]
                #expect(try await Self.keys(system, "in") == all)
                let again = try await Self.bring(system, studio, "in")
                #expect(again.code == 0 && again.output.contains("0 tasks imported into in, 2 were there already"))
                #expect(again.errors.contains("annotations left out") && again.errors.contains("lead_time left out"))
                // By standard input, which has no name to tell the format by.
                let nameless = try await system.run(
                    ["task", "import", "-", "--project", "in"], as: system.operatorIdentity)
                #expect(nameless.code == 2 && nameless.errors.contains("--format"), "\(nameless)")
                try await Self.takeBack(system, number)
            }
        }

        /// Takes the import of `j1` and `j2` back, of which one has been answered.
        private static func takeBack(_ system: LiveSystem, _ number: Int) async throws {
            try await system.enrol(["ada"], projects: ["in"], purposes: purposes)
            try await TestStream.with(system, "ada", at: 0, project: "in") { ada in
                try await ada.send(.with { $0.want = 1 })
                let lease = try await ada.next { $0.leases.first }
                #expect(lease.key == "j1" || lease.key == "j2", "\(lease.key)")
                let settled = try await ada.submit(lease, "3")
                #expect(settled.outcome == .accepted)
            }
            func cancel(_ options: [String]) async throws -> Finished {
                try await system.run(
                    ["task", "cancel", "--import", "\(number)"] + options, as: system.operatorIdentity)
            }
            let asked = try await cancel([])
            #expect(asked.code == 2 && asked.errors.contains("--yes"), "\(asked)")
            let dry = try await cancel(["--dry-run"])
            #expect(dry.code == 0 && dry.output.contains("1 task would be cancelled, 1 task kept"), "\(dry)")
            #expect(try await keys(system, "in", state: "cancelled").isEmpty)
            let done = try await cancel(["--yes"])
            #expect(done.code == 0 && done.output.contains("1 task is cancelled, 1 task kept"), "\(done)")
            #expect(try await keys(system, "in", state: "cancelled").count == 1)
            let unknown = try await system.run(
                ["task", "cancel", "--import", "987654", "--yes"], as: system.operatorIdentity)
            #expect(unknown.code == 5, "\(unknown)")
        }

        @Test func `a file with problems brings nothing, and each problem is named with row and column`() async throws {
            try await Self.with("bad") { system in
                let big = String(repeating: "x", count: Self.payloadTooLarge)
                let cases: [(file: String, bytes: [UInt8], says: [String])] = [
                    (
                        "twice.jsonl", Array((Self.task("k1") + Self.task("k2") + Self.task("k1")).utf8),
                        ["row 3, line 3, column 1", "row 1 and again in row 3", "key k1"]
                    ),
                    (
                        "json.jsonl", Array((Self.task("k1") + #"{"key": "k2", "payload": {"a": }}"#).utf8),
                        ["row 2, line 2, column 32"]
                    ),
                    (
                        "key.jsonl", Array((#"{"payload": {"a": 1}}"# + "\n" + Self.task("k2")).utf8),
                        ["row 1, line 1, column 1", "`key`"]
                    ),
                    (
                        "latin.jsonl",
                        Array(#"{"key": "k1", "payload": {"a": "caf"#.utf8) + [0xE9] + Array(#""}}"#.utf8),
                        ["row 1, line 1, column 36", "UTF-8"]
                    ),
                    (
                        "wide.jsonl",
                        [0xFF, 0xFE] + Self.task("k1").utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] },
                        ["UTF-16"]
                    ),
                    (
                        "cut.jsonl", Array((Self.task("k1") + #"{"key": "k2", "payl"#).utf8),
                        ["row 2, line 2", "cut short"]
                    ),
                    (
                        "large.jsonl", Array((Self.task("k1") + #"{"key": "k2", "payload": {"a": "\#(big)"}}"#).utf8),
                        ["row 2, line 2, column 26", "at most 262144"]
                    ),
                    (
                        "fields.csv", Array("key,text\nk1,a\nk2,b,c\n".utf8),
                        ["row 2, line 3, column 6", "3 fields", "2 columns"]
                    ),
                    ("twice.csv", Array("key,text\nk1,a\nk1,b\n".utf8), ["row 2, line 3, column 1", "row 1"]),
                    ("cut.csv", Array("key,text\nk1,a\nk2,\"b".utf8), ["row 2, line 3, column 4", "cut short"]),
                    ("key.csv", Array("name,text\nk1,a\n".utf8), ["row 0, line 1, column 1", "`key`"]),
                    (
                        "cut.json", Array(#"[{"id": 1, "data": {"text": "x"}}, {"id": 2, "da"#.utf8),
                        ["row 2, line 1", "cut short"]
                    ),
                    ("key.json", Array(#"[{"data": {"text": "x"}}]"#.utf8), ["row 1, line 1, column 2", "`id`"]),
                ]
                for (name, bytes, says) in cases {
                    let file = system.folder.appending(path: name)
                    try Data(bytes).write(to: file)
                    for options in [[], ["--dry-run"]] {
                        let result = try await Self.bring(system, file, "bad", options)
                        #expect(result.code == 2, "\(name): \(result)")
                        #expect(result.errors.contains("nothing was imported"), "\(name): \(result)")
                        for words in says {
                            #expect(result.errors.contains(words), "\(name) says \(words): \(result)")
                        }
                    }
                }
                #expect(try await Self.keys(system, "bad").isEmpty)
                // Several at once are all named, the first ones first.
                let many = try system.file(
                    "many.jsonl", Self.task("") + "{}\n" + Self.task("ok") + #"{"key": "k", "payload": 3}"# + "\n")
                let result = try await Self.bring(system, many, "bad")
                let rows = result.errors.split(separator: "\n").filter { $0.hasPrefix("  row ") }
                #expect(result.errors.contains("3 problems"), "\(result)")
                #expect(rows.map { $0.prefix(7) } == ["  row 1", "  row 2", "  row 4"], "\(result)")
                let missing = try await Self.bring(system, system.folder.appending(path: "no.jsonl"), "bad")
                #expect(missing.code != 0 && missing.errors.contains("no.jsonl"), "\(missing)")
                let nowhere = try await Self.bring(system, try system.file("ok.jsonl", Self.task("k")), "nowhere")
                #expect(nowhere.code == 5 && nowhere.errors.contains("nowhere"), "\(nowhere)")
            }
        }

        private static func task(_ key: String) -> String {
            #"{"key": "\#(key)", "payload": {"text": "of \#(key)"}}"# + "\n"
        }

        @Test func `a key with another payload is a conflict and brings nothing`() async throws {
            try await Self.with("keys") { system in
                let before = try system.file("before.jsonl", Self.task("a") + Self.task("b"))
                #expect(try await Self.bring(system, before, "keys").code == 0)
                let changed = Self.task("new-1") + #"{"key": "b", "payload": {"text": "changed"}}"# + "\n"
                let after = try system.file("after.jsonl", changed + Self.task("new-2"))
                for options in [["--dry-run"], []] {
                    let result = try await Self.bring(system, after, "keys", options)
                    #expect(result.code == 6, "\(result)")
                    #expect(result.errors.contains("1 key is there already with another payload"), "\(result)")
                    #expect(result.errors.contains("\n  b\n") && result.errors.contains("next: "), "\(result)")
                }
                #expect(try await Self.keys(system, "keys") == ["a", "b"])
                // The same members in another order are the same payload.
                let same = try system.file(
                    "same.jsonl", #"{"payload": { "text" : "of b" }, "key": "b"}"# + "\n" + Self.task("c"))
                let skipped = try await Self.bring(system, same, "keys")
                #expect(skipped.code == 0, "\(skipped)")
                #expect(skipped.output.contains("1 task imported into keys, 1 was there already"), "\(skipped)")
                #expect(try await Self.keys(system, "keys") == ["a", "b", "c"])
            }
        }

        // MARK: - On the screen

        @Test func `a control character in a task is shown, not obeyed`() async throws {
            try await Self.with("screen") { system in
                // Clears the screen, sets a window's title, turns the writing around, rings.
                let evil = #"x\u001b[2Jy\u001b]0;t\u0007z\u202e\u009bm"#
                let file = try system.file(
                    "evil.jsonl",
                    #"{"key": "\#(evil)", "kind": "k", "payload": {"text": "\#(evil)"}}"# + "\n")
                #expect(try await Self.bring(system, file, "screen").code == 0)
                let twice = try system.file(
                    "twice.jsonl",
                    #"{"key": "\#(evil)", "payload": {"text": "other"}}"# + "\n"
                        + #"{"key": "\#(evil)", "payload": {"text": "other"}}"# + "\n")
                let changed = try system.file(
                    "changed.jsonl", #"{"key": "\#(evil)", "payload": {"text": "other"}}"# + "\n")
                var shown = [
                    try await Self.bring(system, twice, "screen"), try await Self.bring(system, changed, "screen"),
                ]
                #expect(shown.map(\.code) == [2, 6])
                try await system.enrol(["ada"], projects: ["screen"], purposes: Self.purposes)
                // A program that answers nothing of use, so that what is said of the task is shown too.
                let worker = try system.launch(
                    Products.plimsoll,
                    [
                        "work", "--project", "screen", "--server", system.servers, "--identity",
                        system.identity("ada").plain, "--exec", #"cat >/dev/null; printf '"\033[2Jx"'"#,
                    ], log: "evil")
                let isSaid = try await eventually(within: .seconds(30)) { worker.errorText.contains("given back") }
                #expect(isSaid && worker.errorText.contains("x<U+001B>[2Jy"), "\(worker.errorText)")
                worker.signal(SIGTERM)
                await worker.end(within: .seconds(40))
                shown.append(
                    Finished(command: "work", code: 0, output: worker.outputText, errors: worker.errorText))
                for words in [
                    ["task", "list", "--project", "screen"], ["task", "show", "none\u{1B}[2J", "--project", "screen"],
                    ["queue", "status"], ["label", "late", "list", "--project", "screen"],
                ] {
                    shown.append(try await system.run(words, as: system.operatorIdentity))
                }
                for result in shown {
                    let harm = (result.output + result.errors).unicodeScalars.filter(Self.isHarmful)
                    #expect(harm.isEmpty, "\(harm.map { String($0.value, radix: 16) }) in \(result)")
                }
                #expect(shown[0].errors.contains("x<U+001B>[2Jy"), "\(shown[0])")
                #expect(shown[3].output.contains("x<U+001B>[2Jy"), "\(shown[3])")
            }
        }

        private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.value {
            case 0x0A: false
            case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E: true
            default: false
            }
        }

        // MARK: - Out

        @Test func `labels leave in three formats with a manifest that verifies`() async throws {
            try await Self.with("out", overlap: 2) { system in
                let tasks = 5
                try await system.importTasks((1...tasks).map { "t\($0), \"quoted\"".jsonEscaped }, project: "out")
                try await system.enrol(["ada", "bo", "cy"], projects: ["out"], purposes: Self.purposes)
                for (name, count) in [("ada", tasks), ("bo", tasks - 1)] {
                    try await Self.answer(system, name, count)
                }
                let labels = tasks + tasks - 1
                for (format, file) in [
                    ("jsonl", "labels.jsonl"), ("csv", "labels.csv"), ("labelstudio", "labels.json"),
                ] {
                    let target = system.folder.appending(path: "out-\(format)")
                    let words = [
                        "label", "export", "--project", "out", "--purpose", Self.purposes[0], "--format", format,
                        "--to", target.plain,
                    ]
                    let result = try await system.run(words, as: system.operatorIdentity)
                    #expect(result.code == 0, "\(result)")
                    let manifest = target.appending(path: "manifest.json")
                    let last = result.output.split(separator: "\n").last.map(String.init)
                    #expect(last == manifest.plain, "\(result)")
                    try await Self.check(system, target, file, labels: labels, tasks: tasks)
                    let again = try await system.run(words, as: system.operatorIdentity)
                    #expect(again.code == 6 && again.errors.contains(target.plain), "\(again)")
                    try await Self.spoil(system, target.appending(path: file), target)
                }
                let facts = try await system.run(
                    [
                        "label", "export", "--project", "out", "--purpose", Self.purposes[0], "--to",
                        system.folder.appending(path: "out-facts").plain, "-o", "json",
                    ], as: system.operatorIdentity)
                #expect(try Self.json(facts.output)["labels"] as? Int == labels, "\(facts)")
                // For another purpose nobody has agreed.
                let other = try await system.run(
                    [
                        "label", "export", "--project", "out", "--purpose", "training", "--to",
                        system.folder.appending(path: "out-other").plain,
                    ], as: system.operatorIdentity)
                #expect(other.code == 0 ? other.errors.contains("0 labels") : other.code == 5, "\(other)")
            }
        }

        private static func answer(_ system: LiveSystem, _ name: String, _ count: Int) async throws {
            let worker = try system.launch(
                Products.plimsoll,
                [
                    "work", "--project", "out", "--server", system.servers, "--identity", system.identity(name).plain,
                    "--max", "\(count)", "--exec", "cat >/dev/null; echo 4",
                ], log: "out-\(name)")
            let code = await worker.end(within: .seconds(60))
            #expect(code == 0, "plimsoll work ended with \(code ?? -1): \(worker.errorText)")
        }

        /// The manifest against the file, measured by other means than the product's own.
        private static func check(
            _ system: LiveSystem, _ target: URL, _ name: String, labels: Int, tasks: Int
        ) async throws {
            let mismatches = try ExportManifest.verify(directory: target.plain)
            #expect(mismatches.isEmpty, "\(mismatches)")
            try await system.succeed(["label", "verify", target.plain])
            let manifest = try json(String(contentsOf: target.appending(path: "manifest.json"), encoding: .utf8))
            let files = try #require(manifest["files"] as? [[String: Any]])
            #expect(files.count == 1 && files[0]["path"] as? String == name)
            let data = try Data(contentsOf: target.appending(path: name))
            #expect(files[0]["bytes"] as? Int == data.count)
            #expect(files[0]["rows"] as? Int == labels)
            let sum = try system.launch(
                URL(filePath: "/usr/bin/sha256sum"), [target.appending(path: name).plain], log: "sum-\(name)")
            #expect(await sum.end() == 0)
            #expect(files[0]["sha256"] as? String == sum.outputText.split(separator: " ").first.map(String.init))
            let counts = try #require(manifest["counts"] as? [String: Int])
            #expect(counts == ["tasks": tasks, "labels": labels, "annotators": 2, "excluded": 0])
            let text = String(decoding: data, as: UTF8.self)
            // As a word: a hexadecimal name may hold these letters.
            #expect(!text.contains(/\bada\b/) && !text.contains("lead_time"))
            switch name {
            case "labels.json":
                let all = try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]])
                #expect(all.count == tasks)
                #expect(all.reduce(0) { $0 + (($1["annotations"] as? [Any])?.count ?? 0) } == labels)
            case "labels.csv":
                // No field of these labels holds a line end.
                #expect(text.split(whereSeparator: \.isNewline).count == labels + 1)
                #expect(text.contains(#""t1, ""quoted""""#))
            default: #expect(text.split(separator: "\n").count == labels)
            }
        }

        /// One changed byte is found.
        private static func spoil(_ system: LiveSystem, _ file: URL, _ target: URL) async throws {
            var data = try Data(contentsOf: file)
            data[data.count / 2] ^= 1
            try data.write(to: file)
            let result = try await system.run(["label", "verify", target.plain])
            #expect(result.code == 1 && result.errors.contains(file.lastPathComponent), "\(result)")
        }
    }
}

extension String {
    /// As it stands inside a JSON text.
    fileprivate var jsonEscaped: String { replacingOccurrences(of: "\"", with: "\\\"") }
}
