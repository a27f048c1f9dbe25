public import PlimsollModel

/// Turns labels into the text of one file, row by row; it keeps nothing but the place it is at.
///
/// Call `begin` once, `append` for each row with the rows of a task one after the other, `end` once. Bytes are appended
/// to a buffer of the caller, who empties it as often as it likes.
public struct LabelWriter: Sendable {
    public let format: TaskFormat
    /// Rows written so far.
    public private(set) var rows = 0
    /// Different tasks written so far.
    public private(set) var tasks = 0

    private let schema: JSONValue?
    private var lastTask: Int64?

    /// - Parameter answerSchema: the project's answer schema, by which a Label Studio export tells choices from text;
    ///   nil writes every text as text.
    public init(format: TaskFormat, answerSchema: JSONValue? = nil) {
        self.format = format
        self.schema = answerSchema
    }

    /// What stands before the first row.
    public func begin(into bytes: inout [UInt8]) {
        switch format {
        case .jsonl: break
        case .csv: CSVText.append(LabelText.columns, to: &bytes)
        case .labelstudio: bytes.append(contentsOf: "[".utf8)
        }
    }

    /// One label. Throws `JSONError` when the answer is no JSON, for a Label Studio export alone, which must look
    /// inside.
    public mutating func append(_ row: LabelRow, into bytes: inout [UInt8]) throws {
        let isNewTask = row.taskID != lastTask
        switch format {
        case .jsonl: LabelText.appendLine(row, to: &bytes)
        case .csv: LabelText.appendRecord(row, to: &bytes)
        case .labelstudio:
            let annotation = try LabelText.annotation(row, id: rows + 1, schema: schema)
            if isNewTask {
                if lastTask != nil { bytes.append(contentsOf: "]},".utf8) }
                LabelText.openTask(row, to: &bytes)
            } else {
                bytes.append(contentsOf: ",".utf8)
            }
            bytes.append(contentsOf: annotation)
        }
        if isNewTask { tasks += 1 }
        lastTask = row.taskID
        rows += 1
    }

    /// What stands behind the last row.
    public func end(into bytes: inout [UInt8]) {
        guard format == .labelstudio else { return }
        bytes.append(contentsOf: (lastTask == nil ? "]\n" : "]}\n]\n").utf8)
    }
}
