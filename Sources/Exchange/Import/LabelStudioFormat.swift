import PlimsollModel

/// An array of Label Studio tasks, read one task at a time.
///
/// The key is `meta.key`, else `id`; the payload is `data`. The first annotation with `ground_truth` that was not
/// skipped is the gold answer. Other annotations, predictions and drafts are left out and counted in the remarks, and
/// so is `lead_time`, which says how long a person took (P10).
struct LabelStudioFormat: RecordFormat {
    /// The next unread character; `row` counts the tasks before it.
    private var place = RecordPlace(row: 0, line: 1)
    private var state = State.before

    private enum State { case before, first, next, after }

    mutating func consume(_ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool, into sink: inout RecordSink) -> Int {
        var start = 0
        while !sink.isFull {
            start += skipWhitespace(UnsafeBufferPointer(rebasing: bytes[start...]))
            guard start < bytes.count else {
                if isLast, state != .after { sink.stop(endMessage, at: place) }
                return start
            }
            let rest = UnsafeBufferPointer(rebasing: bytes[start...])
            switch (state, rest[0]) {
            case (.before, UInt8(ascii: "[")):
                state = .first
                start += step()
            case (.before, _):
                sink.stop("a Label Studio file is an array: it must start with `[`", at: place)
            case (.first, UInt8(ascii: "]")), (.next, UInt8(ascii: "]")):
                state = .after
                start += step()
            case (.first, _):
                guard let length = readTask(rest, isLast: isLast, &sink) else { return start }
                start += length
            case (.next, UInt8(ascii: ",")):
                // The comma is read together with its task, so that a comma alone is never done.
                let behind = UnsafeBufferPointer(rebasing: rest[1...])
                let comma = place
                place.column += 1
                let space = skipWhitespace(behind)
                let task = UnsafeBufferPointer(rebasing: behind[space...])
                guard let length = readTask(task, isLast: isLast, &sink) else {
                    if !sink.isStopped { place = comma }
                    return start
                }
                start += 1 + space + length
            case (.next, _):
                sink.stop("`,` or `]` was expected after a task", at: place)
            case (.after, _):
                sink.stop("something follows the end of the array", at: place)
            }
        }
        return start
    }

    private var endMessage: String {
        state == .before ? "the file is empty" : "cut short: the file ends before the closing `]`"
    }

    private mutating func step() -> Int {
        place.column += 1
        return 1
    }

    private mutating func skipWhitespace(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var scanner = JSONScanner(bytes)
        scanner.skipWhitespace()
        move(over: bytes, scanner.offset)
        return scanner.offset
    }

    private mutating func move(over bytes: UnsafeBufferPointer<UInt8>, _ length: Int) {
        let position = JSONScanner.position(of: length, in: bytes)
        place.column = position.line == 1 ? place.column + position.column - 1 : position.column
        place.line += position.line - 1
    }

    /// The length of the task that was read; nil when more must come first or reading has stopped.
    private mutating func readTask(
        _ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool, _ sink: inout RecordSink
    ) -> Int? {
        var here = place
        here.row += 1
        var scanner = JSONScanner(bytes)
        var task = LabelStudioTask()
        do {
            try task.scan(&scanner)
        } catch {
            if error.code == .cutShort, !isLast {
                if bytes.count > sink.limits.recordBytesMax {
                    sink.stop("a task is longer than \(sink.limits.recordBytesMax) bytes", at: here)
                }
                return nil
            }
            sink.stop(error, in: here)
            return nil
        }
        let end = scanner.offset
        do {
            sink.add(try task.record(scanner, sink.limits), at: here)
            for (what, count) in task.leftOut { sink.remark(what, count: count) }
        } catch {
            sink.report(error, in: here, key: task.key)
        }
        state = .next
        move(over: bytes, end)
        place.row += 1
        return end
    }
}
