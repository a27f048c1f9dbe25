import PlimsollModel

/// One task on its way in.
public struct TaskDraft: Sendable, Hashable {
    /// The project's own name for it, 1...512 bytes.
    public var key: String
    public var kind: String
    /// 0...3.
    public var severity: Int
    /// -100...100; higher is granted first.
    public var priority: Int
    /// nil: the project's default.
    public var effortSeconds: Int?
    /// A JSON object as UTF-8.
    public var payload: [UInt8]
    /// The known right answer as JSON, valid under the project's answer schema; nil for all but gold tasks.
    public var gold: [UInt8]?

    public init(
        key: String, kind: String, severity: Int, priority: Int, effortSeconds: Int? = nil, payload: [UInt8],
        gold: [UInt8]? = nil
    ) {
        self.key = key
        self.kind = kind
        self.severity = severity
        self.priority = priority
        self.effortSeconds = effortSeconds
        self.payload = payload
        self.gold = gold
    }

    public static let keyBytesMax = 512
    public static let kindBytesMax = 64
    public static let severityRange = 0...3
    public static let priorityRange = -100...100
    public static let payloadBytesMax = 262_144
    /// Lanes that one import may touch.
    public static let lanesMax = 10_000
}

/// What an import is about.
public struct ImportRequest: Sendable, Hashable {
    public var project: String
    /// Where the tasks come from, such as a file's name; shown in lists.
    public var source: String
    /// Checks everything and changes nothing.
    public var isDryRun: Bool

    public init(project: String, source: String, isDryRun: Bool = false) {
        self.project = project
        self.source = source
        self.isDryRun = isDryRun
    }
}

/// A piece of an import on its way in, as the wire has it: the first names the request, the last the number of tasks.
public struct ImportPiece: Sendable, Hashable {
    public var request: ImportRequest?
    public var tasks: [TaskDraft]
    /// How many tasks were sent in all; in the last piece, and only there.
    public var total: Int?

    public init(request: ImportRequest? = nil, tasks: [TaskDraft] = [], total: Int? = nil) {
        self.request = request
        self.tasks = tasks
        self.total = total
    }
}

/// What an import did.
public struct ImportOutcome: Sendable, Hashable {
    /// nil after a dry run, when nothing was new, and with conflicts.
    public let importID: Int64?
    /// The project that has them now; nil as `importID` is.
    public let project: String?
    /// Tasks added, or that would be.
    public let imported: Int
    /// Tasks that exist already with the same payload.
    public let skipped: Int
    /// Tasks that exist with another payload. Nothing is imported when there is any.
    public let conflicts: Int
    /// The first of them.
    public let conflictingKeys: [String]

    /// Keys listed at most.
    public static let conflictingKeysMax = 20

    public init(
        importID: Int64?, project: String? = nil, imported: Int, skipped: Int, conflicts: Int,
        conflictingKeys: [String]
    ) {
        self.importID = importID
        self.project = project
        self.imported = imported
        self.skipped = skipped
        self.conflicts = conflicts
        self.conflictingKeys = conflictingKeys
    }
}

/// What tells one lane of a project from another.
struct LaneKey: Sendable, Hashable {
    let kind: String
    let severity: Int16
    let priority: Int16
}
