import Foundation

/// One line of a worker's diary.
struct DiaryLine: Sendable {
    let milliseconds: Int
    let kind: Substring
    let engineer: Substring
    let task: Int64
    let fence: Int64
    let text: Substring

    /// Nil for a line that is not whole.
    init?(_ line: Substring) {
        let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: false)
        guard words.count == 6, let milliseconds = Int(words[0]), let task = Int64(words[3]),
            let fence = Int64(words[4])
        else { return nil }
        self.milliseconds = milliseconds
        kind = words[1]
        engineer = words[2]
        self.task = task
        self.fence = fence
        text = words[5]
    }
}

/// Reads a diary that may still be written to, from where it was left.
struct DiaryReader {
    private let file: URL
    private var offset: UInt64 = 0
    private var rest = Data()

    init(_ file: URL) { self.file = file }

    /// The whole lines that have come since the last call.
    mutating func read() throws -> [DiaryLine] {
        // Before the worker has begun there is no diary.
        guard let handle = try? FileHandle(forReadingFrom: file) else { return [] }
        defer { try? handle.close() }
        try handle.seek(toOffset: offset)
        let data = try handle.readToEnd() ?? Data()
        offset += UInt64(data.count)
        rest.append(data)
        guard let end = rest.lastIndex(of: 0x0A) else { return [] }
        let text = String(decoding: rest[...end], as: UTF8.self)
        rest = Data(rest[rest.index(after: end)...])
        return text.split(separator: "\n").compactMap(DiaryLine.init)
    }
}
