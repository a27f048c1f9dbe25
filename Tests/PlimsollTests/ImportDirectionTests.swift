import Foundation
import Testing

/// The map of Sources/README.md, kept by what the sources import and by what Package.swift lets them import.
@Suite struct ImportDirectionTests {
    /// Which of our targets each of our targets may import.
    static let allowed: [String: Set<String>] = [
        "CLibPQ": [],
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
        "plimsoll": [
            "Coordinator", "Exchange", "Gateway", "Identity", "Ledger", "PlimsollModel", "PlimsollProtocol", "Postgres",
            "PrivateCluster", "QualityReview", "WorkerKit",
        ],
        "plimsoll-bench": [
            "Identity", "PlimsollModel", "PlimsollProtocol", "PrivateCluster", "QualityReview", "WorkerKit",
        ],
        "plimsoll-replay": ["WorkerKit", "PlimsollProtocol", "Identity"],
    ]

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let sources = root.appending(path: "Sources")

    @Test func `every target is on the map`() throws {
        let folders = try FileManager.default.contentsOfDirectory(at: Self.sources, includingPropertiesForKeys: nil)
            .filter(\.hasDirectoryPath).map(\.lastPathComponent)
        #expect(Set(folders) == Set(Self.allowed.keys))
    }

    @Test(arguments: allowed.keys.sorted()) func `no target imports what it may not`(target: String) throws {
        var seen = 0
        for file in try Self.files(of: target) {
            seen += 1
            for imported in try Self.imports(of: file) where Self.allowed[imported] != nil && imported != target {
                #expect(
                    Self.allowed[target]?.contains(imported) == true, "\(file.lastPathComponent) imports \(imported)")
            }
        }
        // CLibPQ has a module map alone.
        #expect(seen > 0 || target == "CLibPQ")
    }

    @Test func `C types stay behind Postgres`() throws {
        for target in Self.allowed.keys where target != "Postgres" {
            for file in try Self.files(of: target) { #expect(try !Self.imports(of: file).contains("CLibPQ")) }
        }
    }

    /// See "What the compiler lets pass" in Sources/README.md.
    @Test func `nothing uses async let`() throws {
        for target in Self.allowed.keys {
            for file in try Self.files(of: target) {
                let code = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
                    .filter { !$0.drop { $0 == " " }.starts(with: "//") }
                #expect(!code.contains { $0.contains("async let ") }, "\(file.lastPathComponent)")
            }
        }
    }

    @Test func `Package.swift lists exactly what is imported, and nothing against the map`() throws {
        let listed = try Self.listedDependencies()
        #expect(Set(listed.keys) == Set(Self.allowed.keys))
        for (target, dependencies) in listed {
            #expect(dependencies.subtracting(Self.allowed[target] ?? []).isEmpty, "\(target) against the map")
            let imported = try Set(Self.files(of: target).flatMap(Self.imports)).filter { Self.allowed[$0] != nil }
                .subtracting([target])
            #expect(imported == dependencies, "\(target) imports and lists different things")
        }
    }

    // MARK: - Reading

    private static func files(of target: String) throws -> [URL] {
        let files = try #require(
            FileManager.default.enumerator(at: sources.appending(path: target), includingPropertiesForKeys: nil))
        return files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
    }

    /// Modules that a file imports, however: `@testable public import struct A.B` imports A.
    private static func imports(of file: URL) throws -> [String] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            let modifiers: Set<Substring> = [
                "public", "package", "internal", "fileprivate", "private", "@testable", "@preconcurrency", "@_exported",
            ]
            guard let place = words.firstIndex(of: "import"), words[..<place].allSatisfy(modifiers.contains) else {
                return nil
            }
            let kinds: Set<Substring> = [
                "struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor",
            ]
            let module = words[(place + 1)...].first { !kinds.contains($0) }
            return module?.split(separator: ".").first.map { $0.replacingOccurrences(of: "_", with: "-") }
        }
    }

    /// Our own targets among the dependencies of each target of Sources, as Package.swift has them.
    private static func listedDependencies() throws -> [String: Set<String>] {
        let text = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        var listed: [String: Set<String>] = [:]
        let starts = text.ranges(of: /\.(?:target|executableTarget|testTarget|systemLibrary)\(\s*name:/)
        for (index, start) in starts.enumerated() {
            let end = index + 1 < starts.count ? starts[index + 1].lowerBound : text.endIndex
            let target = text[start.lowerBound..<end]
            let name = try String(#require(target.firstMatch(of: /name: "([^"]+)"/)).1)
            guard allowed[name] != nil else { continue }
            let list = target.firstMatch(of: /dependencies: \[([^\]]*)\]/)?.1 ?? ""
            listed[name] = Set(list.matches(of: /"([^"]+)"/).map { String($0.1) })
        }
        return listed
    }
}
