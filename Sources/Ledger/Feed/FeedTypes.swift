public import PlimsollModel
import Postgres

/// A lane as the feed knows it.
public struct StoredLane: Sendable, Hashable {
    public var id: LaneID
    public var project: ProjectID
    public var kind: String
    public var severity: Int
    /// Higher comes first.
    public var priority: Int
    /// The highest span number seen; 0: none since the cursor that was asked with.
    public var newestSpan: Int64

    /// What limits look at.
    public var leased: LeasedLane { LeasedLane(kind: kind, severity: severity) }

    init(_ row: Row) throws {
        id = LaneID(try row.int8(0))
        project = ProjectID(try row.int8(1))
        kind = try row.text(2)
        severity = Int(try row.int2(3))
        priority = Int(try row.int2(4))
        newestSpan = try row.int8(5)
    }
}

/// Of which lanes is read what came to them.
public enum LaneChoice: Sendable {
    case all
    case projects(Set<ProjectID>)
    case named(Set<LaneID>)

    func contains(_ lane: StoredLane) -> Bool {
        switch self {
        case .all: true
        case .projects(let projects): projects.contains(lane.project)
        case .named(let lanes): lanes.contains(lane.id)
        }
    }
}

/// What a lease of a lane is about.
public struct LeasedLane: Sendable, Hashable {
    public var kind: String
    public var severity: Int

    public init(kind: String, severity: Int) {
        self.kind = kind
        self.severity = severity
    }
}

/// One task's slot, ready to be granted by the coordinator that claimed it.
public struct ClaimedSlot: Sendable {
    public var task: TaskID
    public var slot: Int16
    /// Index into ``Claim/blocks``.
    public var block: Int
    /// Position in the block: neighbours differ by one.
    public var place: Int
}

/// What a worker needs of a task; shared by all its slots and by its lease, so that a slot that comes back needs no
/// second reading.
public final class TaskContent: Sendable {
    public let task: TaskID
    public let key: String
    public let effortSeconds: Int
    public let payload: [UInt8]

    public init(task: TaskID, key: String, effortSeconds: Int, payload: [UInt8]) {
        self.task = task
        self.key = key
        self.effortSeconds = effortSeconds
        self.payload = payload
    }
}

/// A range of a lane's tasks for one slot number that one coordinator holds.
public struct ClaimedBlock: Sendable {
    public var id: Int64
    public var slot: Int16
    /// Never leased before.
    public var fresh: Bool
    public var since: Moment
}

/// How far one person has looked through the spans of one lane. Everything before is answered, declined or held by
/// that person. When a lease that the person held ends without an answer, the other slots of its task are open to the
/// person again, in spans that were passed over: the cursor then counts no more and the look begins anew.
public struct LookCursor: Sendable, Hashable {
    /// Every span up to this number holds nothing for the person.
    public var floor: Int64 = 0
    /// In later spans: the next task to look at.
    public var positions: [Int64: Int64] = [:]

    public init() {}
}

/// What one claim brought.
public struct Claim: Sendable {
    public var slots: [ClaimedSlot] = []
    public var contents: [TaskID: TaskContent] = [:]
    public var blocks: [ClaimedBlock] = []
    /// Who already answered, holds or declined which of these tasks.
    public var touched: [(task: TaskID, person: PersonID)] = []
    public var cursor: LookCursor
    /// True when an indexed look through every span of the lane found nothing (more) for the person.
    public var isExhausted = false
}

/// Slots that go back: consecutive tasks of one lane and slot.
public struct SpanRange: Sendable, Hashable {
    public var slot: Int16
    public var first: TaskID
    public var last: TaskID
    public var fresh: Bool
    public var since: Moment

    public init(slot: Int16, first: TaskID, last: TaskID, fresh: Bool, since: Moment) {
        self.slot = slot
        self.first = first
        self.last = last
        self.fresh = fresh
        self.since = since
    }
}
