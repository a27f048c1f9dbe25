import Foundation
import Testing

@Suite("Imports point one way")
struct ImportDirectionTests {
    /// Which of our targets each of our targets may import.
    static let allowed: [String: Set<String>] = [
        "Postgres": ["CLibPQ"],
        "PrivateCluster": [],
        "PlimsollModel": [],
        "QualityReview": ["PlimsollModel"],
        "Exchange": ["PlimsollModel"],
        "Identity": [],
        "Ledger": ["Postgres", "PlimsollModel"],
        "Coordinator": ["Ledger", "QualityReview", "PlimsollModel"],
        "PlimsollProtocol": [],
        "Gateway": ["Coordinator", "PlimsollProtocol", "Identity", "Ledger", "PlimsollModel", "QualityReview"],
        "WorkerKit": ["PlimsollProtocol", "Identity"],
    ]

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("no target imports what it may not", arguments: allowed.keys.sorted())
    func directions(target: String) throws {
        let sources = Self.root.appending(path: "Sources")
        let ours = Set(try FileManager.default.contentsOfDirectory(atPath: sources.path))
        let files = try #require(
            FileManager.default.enumerator(at: sources.appending(path: target), includingPropertiesForKeys: nil))
        var seen = 0
        for case let file as URL in files where file.pathExtension == "swift" {
            seen += 1
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                var words = line.split(separator: " ")
                if let first = words.first, ["public", "internal", "private", "@testable"].contains(first) {
                    words.removeFirst()
                }
                guard words.count == 2, words[0] == "import" else { continue }
                let imported = String(words[1])
                guard ours.contains(imported), imported != target else { continue }
                #expect(
                    Self.allowed[target]?.contains(imported) == true, "\(file.lastPathComponent) imports \(imported)")
            }
        }
        #expect(seen > 0)
    }

    @Test("C types stay behind Postgres")
    func onlyPostgresSeesC() throws {
        let sources = Self.root.appending(path: "Sources")
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            if text.contains("import CLibPQ") { #expect(file.path.contains("/Postgres/")) }
        }
    }
}
