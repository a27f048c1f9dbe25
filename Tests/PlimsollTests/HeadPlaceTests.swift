import Foundation
import PlimsollModel
import Testing

@testable import plimsoll

/// Where signed heads go besides the database (P11).
@Suite struct HeadPlaceTests {
    private func head(_ seq: Int64) -> SignedHead {
        SignedHead(
            head: ChainHead(seq: seq, hash: [UInt8(truncatingIfNeeded: seq)], at: Moment(seconds: seq)),
            signature: CoordinatorSignature(signature: [1, 2], certificate: [3, 4]))
    }

    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "plimsoll-heads-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let result: Result<Void, any Error>
        do { result = .success(try await body(folder)) } catch { result = .failure(error) }
        try FileManager.default.removeItem(at: folder)
        try result.get()
    }

    private func read(_ path: String) throws -> [Int64?] {
        let reader = try HeadFileReader(path: path)
        var seqs: [Int64?] = []
        while let line = try reader.next(upTo: .max) { seqs.append(line.head?.head.seq) }
        return seqs
    }

    @Test func `a file has each head once, whoever writes it`() async throws {
        try await withFolder { folder in
            let path = folder.appending(path: "heads.jsonl").path(percentEncoded: false)
            let one = HeadFile(path: path)
            let other = HeadFile(path: path)
            #expect(try await one.last() == 0)
            for seq in [3, 5, 9] as [Int64] {
                try await one.keep(head(seq))
                try await other.keep(head(seq))
            }
            try await one.keep(head(4))
            #expect(try read(path) == [3, 5, 9])
            #expect(try await other.last() == 9)
        }
    }

    @Test func `what a crash left of a line goes, whole lines stay`() async throws {
        try await withFolder { folder in
            let url = folder.appending(path: "heads.jsonl")
            let file = HeadFile(path: url.path(percentEncoded: false))
            try await file.keep(head(3))
            let torn = try Data(contentsOf: url) + Data(#"{"plimsoll_chain_head":1,"se"#.utf8)
            try torn.write(to: url)
            #expect(try read(file.path) == [3])
            #expect(try await file.last() == 3)
            try await file.keep(head(4))
            #expect(try read(file.path) == [3, 4])
            try (Data(contentsOf: url) + Data("something else\n".utf8)).write(to: url)
            #expect(try read(file.path) == [3, 4, nil])
        }
    }

    @Test func `a reader gives heads up to a place and the rest later`() async throws {
        try await withFolder { folder in
            let file = HeadFile(path: folder.appending(path: "heads.jsonl").path(percentEncoded: false))
            // Longer than a block of the reader.
            for seq in 1...1_000 as ClosedRange<Int64> { try await file.keep(head(seq)) }
            let length = try HeadFileReader.length(of: file.path)
            let reader = try HeadFileReader(path: file.path, bytesMax: length)
            // What comes after the audit began is not before the chain's end.
            try await file.keep(head(1_001))
            var seen: [Int64] = []
            while let line = try reader.next(upTo: 40) { seen.append(line.head?.head.seq ?? 0) }
            #expect(seen == Array(1...40))
            let beyond = try reader.next(upTo: 40)
            #expect(beyond?.number == nil)
            while let line = try reader.next(upTo: .max) { seen.append(line.head?.head.seq ?? 0) }
            #expect(seen == Array(1...1_000))
        }
    }

    @Test func `a file that cannot be written is an error that names it`() async throws {
        let failure = await #expect(throws: CommandFailure.self) {
            try await HeadFile(path: "/nowhere/heads.jsonl").keep(head(1))
        }
        #expect(failure?.message.contains("/nowhere/heads.jsonl") == true)
        let missing = #expect(throws: CommandFailure.self) { try HeadFileReader(path: "/nowhere/heads.jsonl") }
        #expect(missing?.status == .notFound)
    }

    @Test func `a command gets the head as one line and must end well`() async throws {
        try await withFolder { folder in
            let kept = folder.appending(path: "kept").path(percentEncoded: false)
            let command = HeadCommand(words: ["sh", "-c", "cat >> '\(kept)'"])
            #expect(try await command.last() == nil)
            try await command.keep(head(1))
            try await command.keep(head(2))
            #expect(try read(kept) == [1, 2])
            for words in [["/bin/sh", "-c", "exit 3"], ["/nowhere/program"], ["no-such-program-here"]] {
                await #expect(throws: CommandFailure.self, "\(words)") {
                    try await HeadCommand(words: words).keep(head(3))
                }
            }
        }
    }
}
