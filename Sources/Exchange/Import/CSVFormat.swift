import PlimsollModel

/// CSV as RFC 4180 describes it, with a header row; lines may end with a line feed alone.
///
/// The column `key` (or `id`) is needed. `kind`, `severity`, `priority`, `effort` and `gold` (JSON) belong to the task
/// and may be empty; every other column becomes a string member of the payload.
struct CSVFormat: RecordFormat {
    /// The next unread character; `row` counts the records before it.
    private var place = RecordPlace(row: -1, line: 1)
    private var header: CSVHeader?
    private var splitter = CSVSplitter()

    mutating func consume(_ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool, into sink: inout RecordSink) -> Int {
        var start = 0
        while start < bytes.count, !sink.isFull {
            let rest = UnsafeBufferPointer(rebasing: bytes[start...])
            guard let length = splitter.split(rest, isLast: isLast) else {
                if rest.count > sink.limits.recordBytesMax {
                    sink.stop("a record is longer than \(sink.limits.recordBytesMax) bytes", at: place)
                }
                break
            }
            if !splitter.isBlank {
                place.row += 1
                take(rest, &sink)
            }
            start += length
            place.line += splitter.linesPassed
        }
        if isLast, !sink.isStopped, start == bytes.count, header == nil {
            sink.stop("the file has no header row", at: RecordPlace(row: 0, line: 1))
        }
        return start
    }

    private mutating func take(_ record: UnsafeBufferPointer<UInt8>, _ sink: inout RecordSink) {
        if let fault = splitter.fault {
            let spot = spot(fault.offset, record)
            if fault.isFatal || header == nil {
                sink.stop(fault.message, at: spot)
            } else {
                sink.report(fault.message, at: spot)
            }
            return
        }
        guard let header else {
            readHeader(record, &sink)
            return
        }
        let fields = splitter.fields
        guard fields.count == header.names.count else {
            let extra = fields.count > header.names.count ? fields[header.names.count].range.lowerBound : nil
            let offset = extra ?? fields.last?.range.upperBound ?? 0
            sink.report(
                "the row has \(fields.count) fields, but the header names \(header.names.count) columns",
                at: spot(offset, record))
            return
        }
        var key: String?
        do {
            let task = try header.record(fields, record, sink.limits, key: &key)
            sink.add(task, at: place)
        } catch {
            sink.report(error.message, at: spot(error.offset, record), key: key)
        }
    }

    private mutating func readHeader(_ record: UnsafeBufferPointer<UInt8>, _ sink: inout RecordSink) {
        do {
            header = try CSVHeader(splitter.fields, record)
        } catch {
            sink.stop(error.message, at: spot(error.offset, record))
        }
    }

    /// Where an offset of the record lies in the file.
    private func spot(_ offset: Int, _ record: UnsafeBufferPointer<UInt8>) -> RecordPlace {
        let position = JSONScanner.position(of: offset, in: record)
        return RecordPlace(
            row: max(place.row, 0), line: place.line + position.line - 1,
            column: position.line == 1 ? place.column + position.column - 1 : position.column)
    }
}

/// A refusal inside one CSV record.
struct CSVFault: Error {
    /// In bytes from the record's start.
    let offset: Int
    let message: String
    /// True when the records behind this one cannot be told apart.
    var isFatal = false
}
