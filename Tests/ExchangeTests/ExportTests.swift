import Exchange
import Foundation
import PlimsollModel
import Testing

@Suite struct ExportTests {
    private let rows = [
        LabelRow(
            taskKey: "k, \"1\"", taskID: 11, kind: "rating", payload: Array("{\"text\":\"a\\nb é\",\n \"n\":1}".utf8),
            slot: 1,
            annotator: "p-ab", answer: Array("\"good\"".utf8), acceptedOn: "2026-03-30",
            agreements: ["taking-part@1", "training@2"], policyVersion: 3, instructionsVersion: 1),
        LabelRow(
            taskKey: "k, \"1\"", taskID: 11, kind: "rating", payload: Array("{\"text\":\"a\\nb é\",\n \"n\":1}".utf8),
            slot: 2,
            annotator: "p-cd", answer: Array("\"bad\"".utf8), acceptedOn: "2026-03-31", agreements: ["taking-part@1"],
            policyVersion: 3, instructionsVersion: 2),
        LabelRow(
            taskKey: "2", taskID: 12, kind: "task", payload: Array("{}".utf8), slot: 1, annotator: "p-ab",
            answer: Array("{\"tags\":[\"x\",\"y\"],\"n\":-1.5,\"ok\":true,\"why\":\"so\\u00fc\"}".utf8),
            acceptedOn: "2026-03-31",
            agreements: [], policyVersion: 3, instructionsVersion: 2),
    ]

    private func text(_ format: TaskFormat, _ rows: [LabelRow], schema: JSONValue? = nil) throws -> [UInt8] {
        var writer = LabelWriter(format: format, answerSchema: schema)
        var bytes: [UInt8] = []
        writer.begin(into: &bytes)
        for row in rows { try writer.append(row, into: &bytes) }
        writer.end(into: &bytes)
        #expect(writer.rows == rows.count)
        #expect(writer.tasks == Set(rows.map(\.taskID)).count)
        return bytes
    }

    @Test("JSON Lines has one object a line with everything in it")
    func jsonLines() throws {
        let lines = try text(.jsonl, rows).split(separator: UInt8(ascii: "\n"))
        #expect(lines.count == 3)
        let value = try JSONValue.parse(Array(lines[0]))
        let expected: JSONValue = [
            "task_key": "k, \"1\"", "task_id": 11, "kind": "rating", "slot": 1, "annotator": "p-ab", "answer": "good",
            "accepted_on": "2026-03-30", "agreements": ["taking-part@1", "training@2"], "policy_version": 3,
            "instructions_version": 1, "payload": ["text": "a\nb é", "n": 1],
        ]
        #expect(value == expected)
    }

    @Test("Label Studio tasks carry pseudonyms and never a lead time, and can be imported again (P10)")
    func labelStudio() async throws {
        let bytes = try text(.labelstudio, rows, schema: ["enum": ["good", "bad"]])
        #expect(!String(decoding: bytes, as: UTF8.self).contains("lead_time"))
        let tasks = try #require(try JSONValue.parse(bytes).arrayValue)
        #expect(tasks.count == 2)
        let annotation = try #require(tasks[0]["annotations"]?.arrayValue?.last)
        #expect(annotation["id"] == 2 && annotation["completed_by"] == "p-cd")
        #expect(annotation["was_cancelled"] == false && annotation["ground_truth"] == false)
        #expect(
            annotation["result"] == [
                ["from_name": "answer", "to_name": "task", "type": "choices", "value": ["choices": ["bad"]]]
            ])
        #expect(annotation["plimsoll"]?["accepted_on"] == "2026-03-31")
        let results = try #require(tasks[1]["annotations"]?.arrayValue?.first?["result"]?.arrayValue)
        #expect(results.map { $0["from_name"] } == ["tags", "n", "ok", "why"])
        #expect(results.map { $0["type"] } == ["choices", "number", "textarea", "textarea"])

        let again = try await importing(.labelstudio, bytes)
        #expect(again.problems == [])
        #expect(again.records.map(\.key) == ["k, \"1\"", "2"])
        #expect(again.records.first?.payloadText == "{\"text\":\"a\\nb é\",\"n\":1}")
        #expect(try JSONValue.parse(try text(.labelstudio, [])) == [])
    }

    @Test("what goes out of JSON Lines and CSV comes in again")
    func roundTrip() async throws {
        let lines = try await importing(.jsonl, try text(.jsonl, [rows[2]]).map { $0 })
        // A label is no task, and is not taken for one.
        #expect(lines.problems.first?.message.contains("`key`") == true)
        let csv = String(decoding: try text(.csv, [rows[0], rows[2]]), as: UTF8.self)
        let tasks = try await importing(.csv, csv.replacing("task_key", with: "key"))
        #expect(tasks.problems == [])
        #expect(tasks.records.map(\.key) == ["k, \"1\"", "2"])
        let payload = try JSONValue.parse(tasks.records[0].payload)
        #expect(payload["answer"] == "\"good\"" && payload["agreements"] == "taking-part@1 training@2")
    }

    @Test("stock JSON and CSV readers understand every format", .enabled(if: python != nil))
    func stockReaders() throws {
        let folder = try Folder()
        for format in TaskFormat.allCases {
            try Data(try text(format, rows)).write(to: folder.url.appendingPathComponent(format.labelFileName))
        }
        let script = """
            import csv, json, sys
            lines = [json.loads(l) for l in open('labels.jsonl', encoding='utf-8')]
            table = list(csv.DictReader(open('labels.csv', encoding='utf-8', newline=''), strict=True))
            tasks = json.load(open('labels.json', encoding='utf-8'))
            assert len(lines) == len(table) == 3 and len(tasks) == 2
            for line, row in zip(lines, table):
                assert json.loads(row['payload']) == line['payload'] and json.loads(row['answer']) == line['answer']
                assert row['task_key'] == line['task_key'] and row['agreements'].split() == line['agreements']
            answers = [a['plimsoll']['answer'] for t in tasks for a in t['annotations']]
            assert answers == [line['answer'] for line in lines]
            assert [t['data'] for t in tasks] == [lines[0]['payload'], lines[2]['payload']]
            """
        let process = Process()
        process.executableURL = python
        process.arguments = ["-c", script]
        process.currentDirectoryURL = folder.url
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test("an export is whole or not there, and any change of it is found")
    func directory() throws {
        let folder = try Folder()
        let path = folder.url.appendingPathComponent("deep/export").path
        let directory = try ExportDirectory(path: path)
        let dropped: ExportFile? = try directory.file(named: "dropped.jsonl")
        try dropped?.write(Array("half".utf8))
        withExtendedLifetime(dropped) {}
        let file = try directory.file(named: "labels.jsonl")
        try file.write(try text(.jsonl, rows))
        #expect(!FileManager.default.fileExists(atPath: "\(path)/labels.jsonl"))
        var manifest = ExportManifest(
            project: "demo", purpose: "training", pseudonymKeyID: "k1", createdOn: "2026-03-30")
        manifest.files = [try file.finish(rows: 3)]
        manifest.filters = ["kind": "rating"]
        manifest.cut = ["label": 42]
        manifest.counts = .init(tasks: 2, labels: 3, annotators: 2, excluded: 1)
        manifest.policyVersions = [3]
        manifest.noticeVersions = ["training@2"]
        manifest.instructionsVersions = [1, 2]
        #expect(throws: ExchangeError.self) { try ExportManifest.verify(directory: path) }
        #expect(try directory.seal(manifest) == "\(path)/manifest.json")

        let sealed = try Data(contentsOf: URL(fileURLWithPath: directory.manifestPath))
        #expect(try ExportManifest(parsing: Array(sealed)) == manifest)
        let error = #expect(throws: ExchangeError.self) { try ExportDirectory(path: path + "/") }
        #expect(error?.code == .occupied)
        #expect(throws: ExchangeError.self) { try directory.file(named: "../up") }
    }

    @Test("verification finds what was changed, cut, added and removed")
    func verify() throws {
        let folder = try Folder()
        let directory = try ExportDirectory(path: folder.url.path)
        var manifest = ExportManifest(
            project: "demo", purpose: "training", pseudonymKeyID: "k1", createdOn: "2026-03-30")
        for name in ["a", "b", "c", "d"] {
            let file = try directory.file(named: name)
            try file.write(Array("abc".utf8))
            manifest.files.append(try file.finish(rows: 1))
        }
        #expect(manifest.files[0].sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        _ = try directory.seal(manifest)
        #expect(try ExportManifest.verify(directory: folder.url.path) == [])
        try Data("abd".utf8).write(to: folder.url.appendingPathComponent("a"))
        try Data("ab".utf8).write(to: folder.url.appendingPathComponent("b"))
        try FileManager.default.removeItem(at: folder.url.appendingPathComponent("c"))
        try Data().write(to: folder.url.appendingPathComponent("e"))
        let found = try ExportManifest.verify(directory: folder.url.path)
        #expect(found.map(\.path) == ["a", "b", "c", "e"])
        #expect(found.first?.description == "a: has other contents than were sealed")
        manifest.files[0].path = "../../etc/passwd"
        try Data(manifest.encode()).write(to: folder.url.appendingPathComponent("manifest.json"))
        #expect(try ExportManifest.verify(directory: folder.url.path).first?.message == "is no plain file name")
    }

    @Test("a later manifest stands beside the files, names what must be dropped, and belongs to the ones before it")
    func superseding() throws {
        let folder = try Folder()
        let path = folder.url.path
        let directory = try ExportDirectory(path: path)
        var first = ExportManifest(
            project: "demo", purpose: "training", pseudonymKeyID: "k1", createdOn: "2026-03-30")
        let file = try directory.file(named: "labels.jsonl")
        try file.write(try text(.jsonl, rows))
        first.files = [try file.finish(rows: 3)]
        first.counts.labels = 3
        _ = try directory.seal(first)
        #expect(try ExportManifest.newest(in: path) == first)

        var later = first
        later.number = 3
        later.supersedes = try ExportManifest.newestFile(in: path)
        later.dropped = [.init(taskKey: "k, \"1\"", slot: 2, annotator: "p-cd")]
        later.counts.labels = 2
        #expect(later.supersedes?.path == "manifest.json")
        #expect(try ExportDirectory.supersede(path + "/", with: later) == "\(path)/manifest-3.json")
        #expect(try ExportManifest.newest(in: path) == later)
        #expect(try ExportManifest.verify(directory: path) == [])
        let words = try String(contentsOfFile: "\(path)/manifest-3.json", encoding: .utf8)
        #expect(words.contains("\"why\": \"dropped\""))
        // The first one says nothing of all that.
        #expect(try !String(contentsOfFile: "\(path)/manifest.json", encoding: .utf8).contains("supersedes"))

        var last = later
        last.number = 10
        last.supersedes = try ExportManifest.newestFile(in: path)
        #expect(last.supersedes?.path == "manifest-3.json")
        _ = try ExportDirectory.supersede(path, with: last)
        #expect(try ExportManifest.newest(in: path).number == 10)
        try FileManager.default.removeItem(atPath: "\(path)/manifest-3.json")
        #expect(
            try ExportManifest.verify(directory: path).map(\.message)
                == ["is not written after the manifest-3.json that is here"])
        try FileManager.default.removeItem(atPath: "\(path)/manifest-10.json")
        later.pseudonymKeyID = "k2"
        _ = try ExportDirectory.supersede(path, with: later)
        #expect(try ExportManifest.verify(directory: path).map(\.message) == ["is of another export"])
    }

    @Test("a manifest that lacks something says what")
    func manifestFaults() throws {
        let manifest = ExportManifest(
            project: "demo", purpose: "training", pseudonymKeyID: "k1", createdOn: "2026-03-30")
        let text = String(decoding: manifest.encode(), as: UTF8.self)
        for (old, new, message) in [
            ("\"labels\": 0", "\"labels\": \"0\"", "the manifest's `counts.labels` must be a whole number"),
            ("\"files\": []", "\"files\": [{\"path\":1}]", "the manifest's `files[0].path` must be a text"),
            (
                "\"policy_versions\": []", "\"policy_versions\": [true]",
                "the manifest's `policy_versions[0]` must be a whole number"
            ),
            ("\"version\": 1", "\"version\": 2", "the manifest has version 2, known is 1"),
            ("{", "", "the manifest is not JSON"),
        ] {
            let error = #expect(throws: ExchangeError.self) {
                try ExportManifest(parsing: Array(text.replacing(old, with: new, maxReplacements: 1).utf8))
            }
            #expect(error?.message == message)
        }
    }
}

/// A stock Python, whose readers are not ours; nil where there is none.
private let python: URL? = ["/usr/bin/python3", "/usr/local/bin/python3"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }
    .map { URL(fileURLWithPath: $0) }

/// A folder that is gone when the test is.
private final class Folder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("plimsoll-\(UUID())")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }  // nothing more can be done about it here
}
