import Foundation
import PlimsollModel

/// Reads a file of signed heads line by line, whatever its length.
final class HeadFileReader {
    private let path: String
    private let handle: FileHandle
    private var buffer: [UInt8] = []
    private var start = 0
    private var line = 0
    private var bytesLeft: UInt64
    private var isAtEnd = false
    private var waiting: Line?

    struct Line {
        let number: Int
        /// Nil: the line is no signed head.
        let head: SignedHead?
    }

    private static let blockBytes = 65_536

    /// How long the file is now. Throws where there is none.
    static func length(of path: String) throws -> UInt64 {
        try HeadFileReader(path: path).handle.seekToEnd()
    }

    /// Reads no further than `bytesMax`, whatever is appended meanwhile.
    init(path: String, bytesMax: UInt64 = .max) throws {
        self.path = path
        bytesLeft = bytesMax
        let url = URL(filePath: (path as NSString).expandingTildeInPath)
        guard FileManager.default.fileExists(atPath: url.path(percentEncoded: false)) else {
            throw CommandFailure(.notFound, "there is no file \(path)", next: TextFile.lookAt(path))
        }
        do {
            handle = try FileHandle(forReadingFrom: url)
        } catch {
            throw CommandFailure(.failed, "\(path) cannot be read: \(FileTrouble.reason(error))", cause: error)
        }
    }

    /// The next line whose head is not beyond `seq`; nil where there is none, or none yet.
    func next(upTo seq: Int64) throws -> Line? {
        if waiting == nil { waiting = try nextLine() }
        guard let line = waiting, line.head.map({ $0.head.seq <= seq }) ?? true else { return nil }
        waiting = nil
        return line
    }

    private func nextLine() throws -> Line? {
        while true {
            if let end = buffer[start...].firstIndex(of: 10) {
                defer { start = end + 1 }
                if end == start { continue }
                return parse(buffer[start..<end])
            }
            // What a crash left of a line was never promised to be kept.
            if isAtEnd { return nil }
            guard buffer.count - start <= SignedHead.lineBytesMax else {
                throw CommandFailure(.failed, "\(path) is no head file: line \(line + 1) does not end")
            }
            buffer.removeFirst(start)
            start = 0
            let more: Data?
            do {
                more = try handle.read(upToCount: Int(min(UInt64(Self.blockBytes), bytesLeft)))
            } catch {
                throw CommandFailure(.failed, "\(path) cannot be read: \(FileTrouble.reason(error))", cause: error)
            }
            guard let more, !more.isEmpty else {
                isAtEnd = true
                continue
            }
            buffer += more
            bytesLeft -= UInt64(more.count)
        }
    }

    private func parse(_ bytes: ArraySlice<UInt8>) -> Line {
        line += 1
        // A line that is no JSON is no head, which is what is said of it.
        return Line(number: line, head: (try? JSONValue.parse(Array(bytes))).flatMap { SignedHead(json: $0) })
    }
}
