import Foundation

/// What a made-up engineer did, as a line in the demo's notes.
struct DemoNote: Equatable, Sendable {
    enum Deed: String, Sendable {
        case answered
        case declined
        /// Opened the task that ends its worker.
        case crashed
        /// Has a task in hand and does nothing, until its worker is killed.
        case holds
        /// Has a task in hand and thinks, until it is told to go on.
        case thinks
        /// Has a task in hand until a limit parks it.
        case rests
    }

    var engineer: String
    var deed: Deed
    /// The process that does it.
    var process: Int32
    var key: String

    init(engineer: String, deed: Deed, process: Int32, key: String) {
        self.engineer = engineer
        self.deed = deed
        self.process = process
        self.key = key
    }

    /// Reads one line; nil for a line that is not whole.
    init?(line: some StringProtocol) {
        let words = line.split(separator: " ", maxSplits: 3)
        guard words.count == 4, let deed = Deed(rawValue: String(words[1])), let process = Int32(words[2]) else {
            return nil
        }
        self.init(engineer: String(words[0]), deed: deed, process: process, key: String(words[3]))
    }

    var line: String { "\(engineer) \(deed.rawValue) \(process) \(key)\n" }

    /// All notes so far.
    static func read(_ file: URL) -> [DemoNote] {
        // Before the first engineer has done anything there is nothing to read.
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").compactMap { DemoNote(line: $0) }
    }

    /// Appends one line, whole, whoever else writes at the same time (O_APPEND).
    func append(to file: URL) throws {
        let descriptor = open(file.path(percentEncoded: false), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(line.utf8)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}
