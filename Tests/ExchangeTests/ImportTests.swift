import Exchange
import PlimsollModel
import Testing

/// All that a reader gives for one text.
struct Imported {
    var records: [TaskRecord] = []
    var problems: [ImportProblem] = []
    var remarks: [ImportRemark] = []
    var stoppedEarly = false
    var batches: [Int] = []

    /// "line:column message" of each problem, the message cut at the first 40 characters.
    var places: [String] { problems.map { "\($0.row) \($0.line):\($0.column)" } }
}

/// Reads `bytes` in chunks of `chunk` bytes.
func importing(
    _ format: TaskFormat, _ bytes: [UInt8], chunk: Int = 1_048_576, limits: ImportLimits = .defaults
) async throws -> Imported {
    let source = Chunks(bytes: bytes, size: chunk)
    var reader = TaskReader(format: format, limits: limits) { await source.next() }
    var result = Imported()
    while let batch = try await reader.next() {
        result.batches.append(batch.count)
        result.records += batch
    }
    result.problems = reader.problems
    result.remarks = reader.remarks
    result.stoppedEarly = reader.stoppedEarly
    if !reader.stoppedEarly { #expect(reader.bytesRead == bytes.count) }
    #expect(reader.recordsRead == result.records.count)
    return result
}

func importing(_ format: TaskFormat, _ text: String, chunk: Int = 1_048_576) async throws -> Imported {
    try await importing(format, Array(text.utf8), chunk: chunk)
}

actor Chunks {
    private let bytes: [UInt8]
    private let size: Int
    private var offset = 0

    init(bytes: [UInt8], size: Int) {
        self.bytes = bytes
        self.size = size
    }

    func next() -> [UInt8]? {
        guard offset < bytes.count else { return nil }
        defer { offset += size }
        return Array(bytes[offset..<min(offset + size, bytes.count)])
    }
}

extension TaskRecord {
    var payloadText: String { String(decoding: payload, as: UTF8.self) }
    var goldText: String? { gold.map { String(decoding: $0, as: UTF8.self) } }
}

@Suite struct TaskFormatTests {
    @Test("the name of a file suggests its format")
    func guess() {
        #expect(TaskFormat.guess(from: "a/b.jsonl") == .jsonl)
        #expect(TaskFormat.guess(from: "b.NDJSON") == .jsonl)
        #expect(TaskFormat.guess(from: "b.csv") == .csv)
        #expect(TaskFormat.guess(from: "b.json") == .labelstudio)
        #expect(TaskFormat.guess(from: "b.jsonl/file") == nil)
        #expect(TaskFormat.guess(from: "-") == nil)
    }
}

@Suite struct JSONLinesImportTests {
    @Test("envelopes, bare objects, blank lines, a byte order mark and CRLF are read")
    func reads() async throws {
        let text = """
            \u{FEFF}{"key":"a","payload":{"text": "one" , "n":1.50},"kind":"rating","severity":1,\
            "priority":-5,"effort":"5m","gold":{"label" : "x"}}\r

            {"payload":{},"id":17,"effort":90,"gold":null}
              \t
            {"text":"bare","id":"b","kind":["not","ours"]}
            {"key":"c","id":5}
            """
        let result = try await importing(.jsonl, text)
        #expect(result.problems == [])
        #expect(
            result.records == [
                TaskRecord(
                    key: "a", kind: "rating", severity: 1, priority: -5, effortSeconds: 300,
                    payload: Array("{\"text\":\"one\",\"n\":1.50}".utf8), gold: Array("{\"label\":\"x\"}".utf8)),
                TaskRecord(key: "17", effortSeconds: 90, payload: Array("{}".utf8)),
                TaskRecord(
                    key: "b", payload: Array("{\"text\":\"bare\",\"id\":\"b\",\"kind\":[\"not\",\"ours\"]}".utf8)),
                TaskRecord(key: "c", payload: Array("{\"key\":\"c\",\"id\":5}".utf8)),
            ])
    }

    @Test("chunks of any size give the same records")
    func chunks() async throws {
        let text = (1...50).map { "{\"key\":\"k\($0)\",\"payload\":{\"text\":\"ä😀 \($0)\"}}" }.joined(separator: "\n")
        let whole = try await importing(.jsonl, text)
        #expect(whole.records.count == 50)
        for size in [1, 2, 7, 64] {
            #expect(try await importing(.jsonl, text, chunk: size).records == whole.records)
        }
    }

    @Test(
        "each fault names its row, line, column and key",
        arguments: [
            ("{\"payload\":{}}", 1, "no `key` and no `id`", nil),
            ("{\"key\":\"\",\"payload\":{}}", 8, "must not be empty", nil),
            ("{\"key\":1.5,\"payload\":{}}", 8, "string or a whole number", nil),
            ("{\"key\":true,\"payload\":{}}", 8, "string or a whole number", nil),
            ("{\"key\":\"k\",\"payload\":[]}", 22, "`payload` must be an object", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"extra\":1}", 25, "`extra` is no member of a task", "k"),
            ("{\"key\":\"k\",\"id\":1,\"payload\":{}}", 17, "keep one", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"severity\":4}", 36, "from 0 to 3", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"severity\":\"1\"}", 36, "from 0 to 3", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"priority\":101}", 36, "from -100 to 100", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"priority\":0.5}", 36, "from -100 to 100", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"effort\":0}", 34, "`effort` must be", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"effort\":14401}", 34, "`effort` must be", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"effort\":\"5 m\"}", 34, "`effort` must be", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"effort\":\"5h\"}", 34, "`effort` must be", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"kind\":\"\"}", 32, "`kind` must be", "k"),
            ("{\"key\":\"k\",\"payload\":{},\"kind\":3}", 32, "`kind` must be", "k"),
            ("[1]", 1, "must be an object", nil),
            ("{\"key\":\"k\",\"key\":\"l\"}", 12, "appears twice", nil),
            ("{\"key\":\"k\",\"payload\":{\"a\":1,\"a\":2}}", 29, "appears twice", nil),
            ("{\"key\":\"k\",\"payload\":{\"é\":\"\\u0000\"}}", 28, "U+0000", nil),
            ("{\"key\":\"k\",\"payload\":{\"a\":\"\\ud800\"}}", 28, "surrogate", nil),
            ("{\"key\":\"k\",\"payload\":{}", 24, "cut short", nil),
            ("{\"key\":\"k\",\"payload\":{}} x", 26, "follows the end", nil),
            ("{\"key\":\"k\",\"payload\":{\"a\":01}}", 27, "needless zero", nil),
        ] as [(String, Int, String, String?)])
    func faults(line: String, column: Int, message: String, key: String?) async throws {
        let good = "{\"key\":\"g1\",\"payload\":{}}\n\n"
        let result = try await importing(.jsonl, good + line + "\n" + "{\"key\":\"g2\",\"payload\":{}}\n")
        #expect(result.records.map(\.key) == ["g1", "g2"])
        let problem = try #require(result.problems.first)
        #expect(result.problems.count == 1)
        #expect(problem.row == 2 && problem.line == 3 && problem.column == column, "\(problem)")
        #expect(problem.message.contains(message), "\(problem)")
        #expect(problem.key == key)
    }

    @Test("a key that comes twice names both rows")
    func twice() async throws {
        let text = "{\"id\":\"a\"}\n{\"id\":\"b\"}\n\n{\"id\":\"\\u0061\"}\n{\"id\":\"e\u{301}\"}\n{\"id\":\"\u{E9}\"}"
        let result = try await importing(.jsonl, text)
        #expect(result.records.count == 4)
        #expect(
            result.problems.map(\.description) == [
                "line 4, column 1: the key stands in row 1 and again in row 3 (key a)"
            ])
    }

    @Test("a file that is cut short says so at the place where it ends")
    func cutShort() async throws {
        let result = try await importing(.jsonl, "{\"id\":\"a\"}\n{\"id\":\"b\",\"text\":\"half a sen")
        #expect(result.records.map(\.key) == ["a"])
        #expect(result.problems.first?.description == "line 2, column 29: cut short: the text ends inside a string")
    }

    @Test("bytes that are not UTF-8 are named, and UTF-16 as a whole")
    func encodings() async throws {
        let latin = Array("{\"id\":\"a\",\"text\":\"gr".utf8) + [0xFC] + Array("n\"}\n".utf8)
        let result = try await importing(.jsonl, latin)
        #expect(result.problems.first?.description.hasPrefix("line 1, column 21: byte 0xFC") == true)
        let wide = try await importing(.jsonl, [0xFF, 0xFE, 0x7B, 0x00])
        #expect(wide.problems.first?.message == "the file is UTF-16, but must be UTF-8")
        let marks = try await importing(.jsonl, "\u{FEFF}\u{FEFF}{\"id\":\"a\"}")
        #expect(marks.problems.first?.column == 1)
    }

    @Test("sizes are exact at their limits")
    func sizes() async throws {
        func task(_ key: Int, _ payload: Int) -> String {
            let text = String(repeating: "x", count: payload - 11)
            return "{\"key\":\"\(String(repeating: "k", count: key))\", \"payload\" : {\"text\" : \"\(text)\"}}\n"
        }
        #expect(try await importing(.jsonl, task(512, 262_144)).problems == [])
        let large = try await importing(.jsonl, task(1, 262_145))
        #expect(large.problems.first?.message == "`payload` has 262145 bytes, at most 262144 are allowed")
        let long = try await importing(.jsonl, task(513, 20))
        #expect(long.problems.first?.message == "a key must have at most 512 bytes, this one has 513")
        var limits = ImportLimits()
        limits.recordBytesMax = 100
        let line = try await importing(.jsonl, Array(task(100, 20).utf8), limits: limits)
        #expect(line.problems.first?.message == "a line is longer than 100 bytes")
    }

    @Test("a line without end is refused before it fills the memory")
    func endless() async throws {
        var limits = ImportLimits()
        limits.recordBytesMax = 2_000_000
        let result = try await importing(.jsonl, Array(repeating: 0x20, count: 9_000_000), limits: limits)
        #expect(result.stoppedEarly)
        #expect(result.problems.first?.description == "line 1, column 1: a line is longer than 2000000 bytes")
    }

    @Test("reading stops after the twentieth problem")
    func manyProblems() async throws {
        let text = String(repeating: "oops\n", count: 100) + "{\"id\":1}\n"
        let result = try await importing(.jsonl, text)
        #expect(result.problems.count == 20 && result.stoppedEarly && result.records.isEmpty)
        let fewer = try await importing(.jsonl, String(repeating: "oops\n", count: 19) + "{\"id\":1}\n")
        #expect(fewer.problems.count == 19 && !fewer.stoppedEarly && fewer.records.count == 1)
    }

    @Test("batches are bounded by records and by bytes")
    func batches() async throws {
        let small = (1...2_500).map { "{\"id\":\($0)}" }.joined(separator: "\n")
        #expect(try await importing(.jsonl, small).batches == [1_000, 1_000, 500])
        let padding = String(repeating: "x", count: 2_000)
        let large = (1...50).map { "{\"id\":\($0),\"text\":\"\(padding)\"}" }.joined(separator: "\n")
        var limits = ImportLimits()
        limits.batchBytesMax = 42_000
        #expect(try await importing(.jsonl, Array(large.utf8), limits: limits).batches == [21, 21, 8])
    }

    @Test("an empty file has no tasks and no problems")
    func empty() async throws {
        let result = try await importing(.jsonl, "")
        #expect(result.records.isEmpty && result.problems.isEmpty)
    }
}
