import Exchange
import Foundation
import Testing

@Suite struct ImportVolumeTests {
    /// Resident memory of this process in bytes; nil where the system does not say.
    private func resident() -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }  // Linux
        return text.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 4_096 }
    }

    /// Makes records without end in chunks that cut them anywhere.
    private actor Generator {
        private let format: TaskFormat
        private let total: Int
        private var made = 0
        private var rest: [UInt8] = []
        private var hasEnded = false

        init(format: TaskFormat, total: Int) {
            self.format = format
            self.total = total
            rest = format == .csv ? Array("key,text\n".utf8) : format == .labelstudio ? Array("[".utf8) : []
        }

        func next() -> [UInt8]? {
            let padding = String(repeating: "lorem ipsum ", count: 20)
            while rest.count < 1_000_003, made < total {
                made += 1
                switch format {
                case .jsonl: rest += "{\"key\":\"t\(made)\",\"payload\":{\"text\":\"\(padding)\"}}\n".utf8
                case .csv: rest += "t\(made),\"\(padding)\"\n".utf8
                case .labelstudio:
                    rest += "\(made > 1 ? "," : ""){\"id\":\(made),\"data\":{\"text\":\"\(padding)\"}}\n".utf8
                }
            }
            if made == total, !hasEnded {
                hasEnded = true
                if format == .labelstudio { rest += "]".utf8 }
            }
            guard !rest.isEmpty else { return nil }
            let chunk = Array(rest.prefix(1_000_003))
            rest.removeFirst(chunk.count)
            return chunk
        }
    }

    /// 12 MB a format; `PLIMSOLL_TEST_BULK_MB` asks for more.
    @Test("a long stream is read in bounded memory", arguments: TaskFormat.allCases)
    func bounded(format: TaskFormat) async throws {
        let megabytes = ProcessInfo.processInfo.environment["PLIMSOLL_TEST_BULK_MB"].flatMap { Int($0) } ?? 12
        let total = megabytes * 1_000_000 / 280
        var growth = 0
        // Other tests of the same process take memory too, now and then; a reader that keeps too much does so each
        // time.
        for _ in 0..<3 {
            growth = try await growthWhileReading(format, total: total)
            if growth < Self.growthMax { break }
        }
        #expect(growth < Self.growthMax, "grew by \(growth) bytes")
    }

    private static let growthMax = 50_000_000

    private func growthWhileReading(_ format: TaskFormat, total: Int) async throws -> Int {
        let generator = Generator(format: format, total: total)
        var reader = TaskReader(format: format) { await generator.next() }
        var records = 0
        var before: Int?
        var most = 0
        while let batch = try await reader.next() {
            records += batch.count
            if records == 10_000 { before = resident() }
            if records % 20_000 == 0 { most = max(most, resident() ?? 0) }
        }
        #expect(reader.problems == [] && records == total)
        return before.map { most - $0 } ?? 0
    }

    @Test("random and mutated files never crash", arguments: TaskFormat.allCases)
    func fuzz(format: TaskFormat) async throws {
        let seeds: [TaskFormat: String] = [
            .jsonl:
                "{\"key\":\"a\",\"payload\":{\"t\":\"é\\n\"},\"effort\":\"5m\",\"gold\":[1]}\n{\"id\":1}\n\n{\"id\":2}",
            .csv: "key,text,gold\r\na,\"x \"\"y\"\"\nz\",1\r\nb,é,\n\n\"c\",,\"[]\"",
            .labelstudio:
                #"[{"id":1,"data":{"a":1},"annotations":[{"ground_truth":true,"result":[{"value":{"text":"é"}}]}]},"#
                + #"{"id":2,"data":{}}]"#,
        ]
        let seed = Array((seeds[format] ?? "").utf8)
        var random = Seeded(state: 11)
        for _ in 0..<1_500 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes = Array(bytes[..<max(place, 1)])
                default: bytes.insert(Array("\",\n\r{}[]:\\".utf8).randomElement(using: &random) ?? 0, at: place)
                }
            }
            let whole = try await importing(format, bytes)
            let pieces = try await importing(format, bytes, chunk: 3)
            #expect(whole.records == pieces.records && whole.problems == pieces.problems)
        }
    }

    @Test("a file is read from disk with its size known, and one that is not there is named")
    func files() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("plimsoll-\(UUID()).jsonl").path
        defer { try? FileManager.default.removeItem(atPath: path) }  // gone already is as good
        try Data("{\"id\":1}\n".utf8).write(to: URL(fileURLWithPath: path))
        var reader = try TaskReader(format: .jsonl, path: path)
        #expect(try await reader.next()?.count == 1)
        #expect(try await reader.next() == nil)
        #expect(try FileSource(path: path).bytesTotal == 9)
        let error = #expect(throws: ExchangeError.self) { try FileSource(path: path + ".missing") }
        #expect(error?.code == .missing && error?.message.hasSuffix("No such file or directory") == true)
        #expect(throws: ExchangeError.self) { try FileSource(path: "/") }
    }
}

/// A seeded generator, so that a failure can be repeated.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
