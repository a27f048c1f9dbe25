/// A number that names one thing of the ledger. Each kind of thing has its own type, so that a task can never be
/// passed where a person is asked for.
public protocol LedgerID: RawRepresentable, Hashable, Sendable, Comparable, Codable, CustomStringConvertible
where RawValue == Int64 {
    init(rawValue: Int64)
}

extension LedgerID {
    public init(_ rawValue: Int64) { self.init(rawValue: rawValue) }
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    public var description: String { String(rawValue) }
}

/// One human being in the whole deployment, whatever role a certificate names.
public struct PersonID: LedgerID {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}

/// A body of tasks with instructions, answer schema and overlap.
public struct ProjectID: LedgerID {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}

/// One thing to label. Ids of one import are contiguous and in file order.
public struct TaskID: LedgerID {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}

/// The tasks of one project with the same kind, severity and priority.
public struct LaneID: LedgerID {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}

/// The number of one grant, from one sequence of the database (P4).
public struct Fence: LedgerID {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}

/// One life of one coordinator process; a coordinator that was taken over joins again under a new number.
public struct CoordinatorID: LedgerID {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}

/// The set of agreements, policy and instructions versions that a grant stood on.
public struct ProvenanceID: LedgerID {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}
