/// One task read from a file, ready to be sent on.
public struct TaskRecord: Sendable, Hashable {
    /// The name the task has outside, 1 to 512 bytes of UTF-8; once in a file.
    public var key: String
    /// Sort of work, 1 to 64 bytes.
    public var kind: String
    /// 0 to 3.
    public var severity: Int
    /// -100 to 100; higher goes first.
    public var priority: Int
    /// 1 to 14,400; nil takes the project's default.
    public var effortSeconds: Int?
    /// A JSON object as UTF-8, compact, its members as they stood; at most `ImportLimits.payloadBytesMax`.
    public var payload: [UInt8]
    /// The known right answer as JSON; nil when there is none.
    public var gold: [UInt8]?

    public init(
        key: String, kind: String = TaskRecord.defaultKind, severity: Int = 0, priority: Int = 0,
        effortSeconds: Int? = nil, payload: [UInt8], gold: [UInt8]? = nil
    ) {
        self.key = key
        self.kind = kind
        self.severity = severity
        self.priority = priority
        self.effortSeconds = effortSeconds
        self.payload = payload
        self.gold = gold
    }

    public static let defaultKind = "task"
    public static let severityRange = 0...3
    public static let priorityRange = -100...100
    public static let effortSecondsRange = 1...14_400
}

/// What bounds the memory and the patience of a `TaskReader`.
public struct ImportLimits: Sendable, Hashable {
    public var keyBytesMax = 512
    public var kindBytesMax = 64
    /// Of a payload and of a gold answer each, after white space is gone.
    public var payloadBytesMax = 262_144
    /// Of one line, CSV record or Label Studio task, white space and annotations included.
    public var recordBytesMax = 16 * 1_048_576
    /// Records in one batch, at most.
    public var batchRecordsMax = 1_000
    /// Payload bytes after which a batch is handed out although it has fewer records.
    public var batchBytesMax = 4 * 1_048_576
    /// Problems after which reading stops.
    public var problemsMax = 20

    public init() {}

    public static let defaults = ImportLimits()
}

/// One fault in a file that is read, with its place.
public struct ImportProblem: Sendable, Hashable, CustomStringConvertible {
    /// 1-based number of the record; a CSV header is row 0.
    public let row: Int
    /// 1-based line of the file.
    public let line: Int
    /// 1-based, in characters (Unicode scalars).
    public let column: Int
    /// The task's key; nil when it is not known.
    public let key: String?
    /// One sentence for people.
    public let message: String

    public init(row: Int, line: Int, column: Int, key: String?, message: String) {
        self.row = row
        self.line = line
        self.column = column
        self.key = key
        self.message = message
    }

    public var description: String {
        let name = key.map { " (key \($0))" } ?? ""
        return "line \(line), column \(column): \(message)\(name)"
    }
}

/// Something that was left out on purpose, with how often.
public struct ImportRemark: Sendable, Hashable, CustomStringConvertible {
    public let what: String
    public let count: Int

    public var description: String { "\(what): \(count)" }
}
