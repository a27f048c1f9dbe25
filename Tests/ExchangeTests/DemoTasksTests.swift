import Exchange
import Foundation
import PlimsollModel
import Testing

/// The tasks of `up --demo`, checked as they lie in the sources.
@Suite struct DemoTasksTests {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Sources/plimsoll/Demo/Tasks")
    private static let projects = ["challenges", "changes", "glances", "puzzles", "replies", "scenarios"]
    private static let kinds: Set = ["coding puzzle", "coding challenge", "synthetic scenario", "rating", "glance"]

    private func tasks(_ project: String) async throws -> [TaskRecord] {
        var reader = try TaskReader(
            format: .jsonl, path: Self.folder.appendingPathComponent("demo-\(project).jsonl").path)
        var records: [TaskRecord] = []
        while let batch = try await reader.next() { records += batch }
        #expect(reader.problems == [])
        return records
    }

    private func document(_ project: String) throws -> JSONValue {
        let url = Self.folder.appendingPathComponent("demo-\(project).project.json")
        return try JSONValue.parse(Array(try Data(contentsOf: url)))
    }

    @Test("there are at least sixty different tasks, each with words to read")
    func distinct() async throws {
        var payloads: Set<JSONValue> = []
        var texts: Set<JSONValue> = []
        var keys: Set<String> = []
        var kinds: Set<String> = []
        var count = 0
        for project in Self.projects {
            for task in try await tasks(project) {
                count += 1
                let payload = try JSONValue.parse(task.payload)
                payloads.insert(payload)
                texts.insert([payload["title"] ?? nil])
                #expect(payload["title"]?.stringValue?.isEmpty == false, "\(task.key)")
                #expect(payload["text"]?.stringValue?.isEmpty == false, "\(task.key)")
                #expect(task.severity <= 1 && task.effortSeconds != nil, "\(task.key)")
                keys.insert(task.key)
                kinds.insert(task.kind)
            }
        }
        #expect(count >= 64 && payloads.count == count && texts.count == count && keys.count == count)
        #expect(kinds == Self.kinds)
    }

    @Test("the folder holds exactly the projects that are tested here")
    func files() throws {
        let expected = Self.projects.flatMap { ["demo-\($0).jsonl", "demo-\($0).project.json"] }
        #expect(try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted() == expected.sorted())
    }

    @Test("the projects ask for at least four shapes of answers")
    func shapes() throws {
        let shapes = try Set(
            Self.projects.map { project in
                let schema = try document(project)["answer_schema"]
                return "\(schema?["type"]?.stringValue ?? "")\(schema?["enum"] == nil ? "" : " of choices")"
            })
        #expect(shapes == ["string of choices", "array", "integer", "string", "object"])
    }

    @Test("each project is complete and its schema takes the answers a program makes from it", arguments: projects)
    func project(name: String) throws {
        let document = try document(name)
        let keys = [
            "name", "instructions", "answer_schema", "overlap", "weight", "purposes", "effort_seconds", "named_persons",
        ]
        #expect(document.objectValue?.keys == keys)
        #expect(document["purposes"] == ["taking-part"])
        #expect(document["named_persons"]?.arrayValue?.isEmpty == false)
        #expect((1...5).contains(document["overlap"]?.intValue ?? 0))
        let source = try #require(document["answer_schema"])
        let schema = try AnswerSchema.compile(source.encode())
        for seed in 0..<20 {
            let answer = plausible(source, seed)
            #expect(schema.validate(answer.encode()) == [], "\(answer)")
        }
    }

    /// An answer that fits a schema, another one for each seed.
    private func plausible(_ schema: JSONValue, _ seed: Int) -> JSONValue {
        if let choices = schema["enum"]?.arrayValue { return choices[seed % choices.count] }
        switch schema["type"]?.stringValue {
        case "integer":
            let low = schema["minimum"]?.intValue ?? 0
            let high = schema["maximum"]?.intValue ?? low + 100
            return .number(JSONNumber(low + seed % (high - low + 1)))
        case "boolean": return .bool(seed % 2 == 0)
        case "string": return .string("An answer of \(seed) words")
        case "array":
            let least = schema["minItems"]?.intValue ?? 0
            let most = min(schema["maxItems"]?.intValue ?? 3, 3)
            let count = least + seed % (most - least + 1)
            return .array((0..<count).compactMap { offset in schema["items"].map { plausible($0, seed + offset) } })
        case "object":
            let members = schema["properties"]?.objectValue?.members ?? []
            return .object(JSONObject(members.map { ($0.key, plausible($0.value, seed)) }))
        default: return nil
        }
    }
}
