import Coordinator
import Foundation
import PlimsollModel

/// A file of signed heads, one JSON object a line, only ever appended to. Several coordinators may share it: whoever
/// comes second finds the head there.
struct HeadFile: HeadPlace {
    let path: String

    var name: String { "head file \(path)" }

    /// Off the threads of tasks: a file system may take its time.
    private static let queue = DispatchQueue(label: "plimsoll.head-file")

    func last() async throws -> Int64? {
        try await onQueue { try withFile { try Self.last(in: $0).seq } }
    }

    /// Durable when it returns.
    func keep(_ head: SignedHead) async throws {
        try await onQueue {
            try withFile { file in
                let (seq, size) = try Self.last(in: file)
                guard head.head.seq > seq else { return }
                // What a crash or a full disk left of a line was never kept.
                guard ftruncate(file, size) == 0 else { throw failure("cannot be cut to its last whole line") }
                let line = head.json.encode() + [10]
                guard write(file, line, line.count) == line.count, fsync(file) == 0 else {
                    let failure = failure("cannot be written")
                    ftruncate(file, size)
                    throw failure
                }
            }
        }
    }

    /// The last whole line's place (0: there is none), and where that line ends.
    private static func last(in file: Int32) throws -> (seq: Int64, size: off_t) {
        let size = lseek(file, 0, SEEK_END)
        let start = max(0, size - off_t(2 * SignedHead.lineBytesMax))
        var bytes = [UInt8](repeating: 0, count: Int(size - start))
        let count = pread(file, &bytes, bytes.count, start)
        let text = bytes.prefix(max(0, count))
        guard let end = text.lastIndex(of: 10) else { return (0, start == 0 ? 0 : size) }
        let begin = text[..<end].lastIndex(of: 10).map { $0 + 1 } ?? 0
        // A line that is none of ours says nothing of how far the file is; what follows it is told by an audit.
        let head = (try? JSONValue.parse(Array(text[begin..<end]))).flatMap { SignedHead(json: $0) }
        return (head?.head.seq ?? 0, start + off_t(end) + 1)
    }

    private func withFile<R>(_ body: (Int32) throws -> R) throws -> R {
        let file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure("cannot be opened") }
        // Closing gives the lock back.
        defer { close(file) }
        while flock(file, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure("cannot be locked") }
        }
        return try body(file)
    }

    private func failure(_ what: String) -> CommandFailure {
        CommandFailure(.failed, "\(path) \(what): \(String(cString: strerror(errno)))")
    }

    private func onQueue<R: Sendable>(_ body: @Sendable @escaping () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            Self.queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}
