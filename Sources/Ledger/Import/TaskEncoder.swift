import PlimsollModel

/// Writes tasks in PostgreSQL's binary COPY format (PostgreSQL manual, COPY, "Binary Format"), for the staging table.
/// Lanes are numbered from 1 in the order in which they appear.
struct TaskEncoder: Sendable {
    /// COPY text is collected up to this size before it is sent.
    static let chunkBytes = 4 * 1_048_576
    private static let header: [UInt8] = [
        0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00, 0, 0, 0, 0, 0, 0, 0, 0,
    ]
    private static let columns: Int16 = 6

    private let effortDefault: Int32
    private let answerSchema: AnswerSchema
    private var buffer: [UInt8] = header
    private var lanesByKey: [LaneKey: Int32] = [:]
    /// The lane of the task before: most files have long runs of one.
    private var lastLane: (key: LaneKey, index: Int32)?
    private(set) var lanes: [LaneKey] = []
    /// Tasks so far; the next one has this ordinal.
    private(set) var count: Int64 = 0

    init(effortDefault: Int, answerSchema: AnswerSchema) {
        self.effortDefault = Int32(effortDefault)
        self.answerSchema = answerSchema
        buffer.reserveCapacity(Self.chunkBytes + Self.chunkBytes / 4)
    }

    var hasRows: Bool { buffer.count > Self.header.count }

    /// What `take` gives, once there is enough of it.
    mutating func takeIfFull() -> [UInt8]? { buffer.count >= Self.chunkBytes ? take() : nil }

    /// Everything since the last call, as one complete COPY.
    mutating func take() -> [UInt8] {
        var taken: [UInt8] = Self.header
        taken.reserveCapacity(Self.chunkBytes + Self.chunkBytes / 4)
        swap(&taken, &buffer)
        taken.append(0xFF)
        taken.append(0xFF)
        return taken
    }

    /// Throws `.invalid`, naming the task's key and place in the file.
    mutating func append(_ task: TaskDraft) throws {
        try check(task)
        let lane = try index(of: task)
        put(Self.columns)
        put(8 as Int32)
        put(count)
        put(4 as Int32)
        put(lane)
        put(4 as Int32)
        put(task.effortSeconds.map { Int32($0) } ?? effortDefault)
        var key = task.key
        key.withUTF8 {
            put(Int32($0.count))
            buffer.append(contentsOf: $0)
        }
        put(Int32(task.payload.count))
        buffer.append(contentsOf: task.payload)
        if let gold = task.gold {
            put(Int32(gold.count))
            buffer.append(contentsOf: gold)
        } else {
            put(-1 as Int32)
        }
        count += 1
    }

    @inline(__always)
    private mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        withUnsafeBytes(of: value.bigEndian) { buffer.append(contentsOf: $0) }
    }

    private mutating func index(of task: TaskDraft) throws -> Int32 {
        let key = LaneKey(kind: task.kind, severity: Int16(task.severity), priority: Int16(task.priority))
        if let lastLane, lastLane.key == key { return lastLane.index }
        let index: Int32
        if let known = lanesByKey[key] {
            index = known
        } else {
            guard lanes.count < TaskDraft.lanesMax else {
                throw problem(task, "is in the lane \(TaskDraft.lanesMax + 1) of this import; fewer kinds, please")
            }
            lanes.append(key)
            index = Int32(lanes.count)
            lanesByKey[key] = index
        }
        lastLane = (key, index)
        return index
    }

    private func check(_ task: TaskDraft) throws {
        let keyBytes = task.key.utf8.count
        guard keyBytes >= 1, keyBytes <= TaskDraft.keyBytesMax else {
            throw problem(task, "needs a key of 1 to \(TaskDraft.keyBytesMax) bytes")
        }
        let kindBytes = task.kind.utf8.count
        guard kindBytes >= 1, kindBytes <= TaskDraft.kindBytesMax else {
            throw problem(task, "needs a kind of 1 to \(TaskDraft.kindBytesMax) bytes")
        }
        guard TaskDraft.severityRange.contains(task.severity) else {
            throw problem(task, "has severity \(task.severity), and there are 0 to 3")
        }
        guard TaskDraft.priorityRange.contains(task.priority) else {
            throw problem(task, "has priority \(task.priority), outside -100 to 100")
        }
        if let effort = task.effortSeconds, !ProjectDraft.effortRange.contains(effort) {
            throw problem(
                task, "has an effort of \(effort) seconds, outside 1 to \(ProjectDraft.effortRange.upperBound)")
        }
        guard task.payload.count <= TaskDraft.payloadBytesMax else {
            throw problem(task, "has a payload over \(TaskDraft.payloadBytesMax) bytes")
        }
        // The database checks that it is JSON; that it is an object shows at its first character.
        guard task.payload.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else {
            throw problem(task, "has a payload that is no JSON object")
        }
        if let gold = task.gold, let fault = answerSchema.validate(gold).first {
            throw problem(task, "has a gold answer that the answer schema refuses: \(fault)")
        }
    }

    private func problem(_ task: TaskDraft, _ what: String) -> LedgerError {
        LedgerError(.invalid, "task \(count + 1) (“\(task.key.prefix(80))”) \(what)")
    }
}
