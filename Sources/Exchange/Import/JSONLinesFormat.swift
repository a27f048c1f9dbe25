import PlimsollModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// JSON Lines: each line one object, blank lines skipped.
struct JSONLinesFormat: RecordFormat {
    private var place = RecordPlace(row: 0, line: 0)

    mutating func consume(_ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool, into sink: inout RecordSink) -> Int {
        var start = 0
        while start < bytes.count, !sink.isFull {
            let line = UnsafeBufferPointer(rebasing: bytes[start...])
            let length: Int
            if let first = line.baseAddress, let lineFeed = memchr(first, Int32(UInt8(ascii: "\n")), line.count) {
                length = UnsafeRawPointer(lineFeed) - UnsafeRawPointer(first)
            } else if isLast {
                length = line.count
            } else {
                break
            }
            place.line += 1
            read(UnsafeBufferPointer(rebasing: line[..<length]), &sink)
            start = min(start + length + 1, bytes.count)
        }
        if !isLast, !sink.isFull, bytes.count - start > sink.limits.recordBytesMax {
            sink.stop(
                "a line is longer than \(sink.limits.recordBytesMax) bytes",
                at: RecordPlace(row: place.row + 1, line: place.line + 1))
        }
        return start
    }

    private mutating func read(_ line: UnsafeBufferPointer<UInt8>, _ sink: inout RecordSink) {
        var scanner = JSONScanner(line)
        scanner.skipWhitespace()
        guard scanner.offset < line.count else { return }
        place.row += 1
        guard line.count <= sink.limits.recordBytesMax else {
            sink.report("a line is longer than \(sink.limits.recordBytesMax) bytes", at: place)
            return
        }
        var envelope = TaskEnvelope()
        do {
            let record = try envelope.read(&scanner, limits: sink.limits)
            sink.add(record, at: place)
        } catch {
            sink.report(error, in: place, key: envelope.key)
        }
    }
}
