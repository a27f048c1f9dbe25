import PlimsollModel

/// Where a record starts in the file.
struct RecordPlace {
    var row: Int
    var line: Int
    var column: Int = 1
}

/// What the formats fill: the batch of the moment, the problems, and the keys seen so far.
struct RecordSink {
    let limits: ImportLimits
    private(set) var problems: [ImportProblem] = []
    private(set) var recordsRead = 0
    /// Set when reading on makes no sense.
    private(set) var isStopped = false
    private var batch: [TaskRecord] = []
    private var batchBytes = 0
    private var keys = KeyTable()
    private var remarks: [(what: String, count: Int)] = []

    init(limits: ImportLimits) { self.limits = limits }

    /// True when the formats should hand back before the next record.
    var isFull: Bool {
        isStopped || batch.count >= limits.batchRecordsMax || batchBytes >= limits.batchBytesMax
    }

    /// Takes a good record unless its key was there before.
    mutating func add(_ record: TaskRecord, at place: RecordPlace) {
        guard place.row <= KeyTable.rowMax else {
            stop("more than \(KeyTable.rowMax) records in one file", at: place)
            return
        }
        if let earlier = keys.insert(record.key, row: place.row) {
            report("the key stands in row \(earlier) and again in row \(place.row)", at: place, key: record.key)
            return
        }
        batch.append(record)
        batchBytes += record.payload.count + (record.gold?.count ?? 0)
        recordsRead += 1
    }

    mutating func report(_ message: String, at place: RecordPlace, key: String? = nil) {
        guard !isStopped else { return }
        problems.append(
            ImportProblem(row: place.row, line: place.line, column: place.column, key: key, message: message))
        if problems.count >= limits.problemsMax { isStopped = true }
    }

    /// A fault inside a record; its position counts from the record's start.
    mutating func report(_ error: JSONError, in place: RecordPlace, key: String? = nil) {
        var spot = place
        spot.line += error.line - 1
        spot.column = error.line == 1 ? place.column + error.column - 1 : error.column
        let message = error.code == .cutShort ? "cut short: \(error.message)" : error.message
        report(message, at: spot, key: key)
    }

    /// A fault after which nothing can be read.
    mutating func stop(_ message: String, at place: RecordPlace) {
        report(message, at: place)
        isStopped = true
    }

    mutating func stop(_ error: JSONError, in place: RecordPlace) {
        report(error, in: place)
        isStopped = true
    }

    mutating func remark(_ what: String, count: Int = 1) {
        guard count > 0 else { return }
        if let index = remarks.firstIndex(where: { $0.what == what }) {
            remarks[index].count += count
        } else {
            remarks.append((what, count))
        }
    }

    var importRemarks: [ImportRemark] { remarks.map { ImportRemark(what: $0.what, count: $0.count) } }

    mutating func take() -> [TaskRecord] {
        let taken = batch
        batch = []
        batch.reserveCapacity(min(taken.count, limits.batchRecordsMax))
        batchBytes = 0
        return taken
    }
}

/// How one format finds and reads its records in a buffer.
protocol RecordFormat: Sendable {
    /// Reads the complete records at the front of `bytes` until the sink is full and returns how many bytes are done.
    /// What is left comes again, with more behind it, unless `isLast`.
    mutating func consume(_ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool, into sink: inout RecordSink) -> Int
}
