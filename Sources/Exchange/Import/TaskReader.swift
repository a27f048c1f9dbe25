/// Reads tasks from a file of any size in bounded memory: the buffer of one record, one batch, 16 bytes a key.
///
/// Batches hold good records only. A caller that imports all or nothing looks at `problems` once `next()` gave nil.
public struct TaskReader: Sendable {
    /// Bytes that one refill asks its source for, at least.
    static let chunkBytes = 1_048_576

    private let source: @Sendable () async throws -> [UInt8]?
    private var format: any RecordFormat
    private var sink: RecordSink
    private var buffer: [UInt8] = []
    /// Bytes of `buffer` that are done.
    private var done = 0
    private var isLast = false
    private var isFinished = false
    private var isAtStart = true

    /// Bytes pulled from the source so far, for a progress bar.
    public private(set) var bytesRead = 0
    /// Good records so far.
    public var recordsRead: Int { sink.recordsRead }
    /// Faults so far, in the order of the file; at most `ImportLimits.problemsMax`, after which reading stops.
    public var problems: [ImportProblem] { sink.problems }
    /// True when the file was not read to its end because of its problems.
    public var stoppedEarly: Bool { sink.isStopped }
    /// What was left out on purpose, such as annotations of a Label Studio file.
    public var remarks: [ImportRemark] { sink.importRemarks }

    /// - Parameter source: gives the next bytes, in chunks of any size but best of 1 MiB, and nil at the end.
    public init(
        format: TaskFormat, limits: ImportLimits = .defaults, source: @escaping @Sendable () async throws -> [UInt8]?
    ) {
        self.source = source
        self.sink = RecordSink(limits: limits)
        self.format =
            switch format {
            case .jsonl: JSONLinesFormat()
            case .csv: CSVFormat()
            case .labelstudio: LabelStudioFormat()
            }
    }

    /// Reads the file at `path`; `-` is standard input. Throws `ExchangeError` when it cannot be opened.
    public init(format: TaskFormat, path: String, limits: ImportLimits = .defaults) throws {
        let file = try FileSource(path: path)
        self.init(format: format, limits: limits) { try file.read() }
    }

    /// The next batch, never empty; nil at the end or once there are too many problems.
    ///
    /// Throws what the source throws, and `CancellationError`.
    public mutating func next() async throws -> [TaskRecord]? {
        while !isFinished {
            try Task.checkCancellation()
            if !isAtStart {
                let bytes = buffer
                let start = done
                done += bytes.withUnsafeBufferPointer { whole in
                    let rest = UnsafeBufferPointer(rebasing: whole[start...])
                    return format.consume(rest, isLast: isLast, into: &sink)
                }
                if sink.isStopped || isLast && !sink.isFull { isFinished = true }
                if sink.isFull { break }
            }
            if !isFinished { try await fill() }
        }
        let batch = sink.take()
        return batch.isEmpty ? nil : batch
    }

    /// Drops what is done and pulls at least as much again as is left, so that a long record costs linear time.
    private mutating func fill() async throws {
        buffer.removeSubrange(..<done)
        done = 0
        let goal = buffer.count + max(Self.chunkBytes, buffer.count)
        while buffer.count < goal {
            guard let chunk = try await source() else {
                isLast = true
                break
            }
            bytesRead += chunk.count
            buffer.append(contentsOf: chunk)
        }
        if isAtStart { skipByteOrderMark() }
    }

    private mutating func skipByteOrderMark() {
        isAtStart = false
        if buffer.starts(with: [0xEF, 0xBB, 0xBF]) {
            done = 3
        } else if buffer.starts(with: [0xFF, 0xFE]) || buffer.starts(with: [0xFE, 0xFF]) {
            sink.stop("the file is UTF-16, but must be UTF-8", at: RecordPlace(row: 0, line: 1))
        }
    }
}
