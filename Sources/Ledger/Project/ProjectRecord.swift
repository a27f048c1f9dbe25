public import PlimsollModel
import Postgres

/// What may happen in a project.
public enum ProjectState: String, Sendable, CaseIterable {
    /// Leases are granted.
    case open
    /// No new leases; open ones may finish.
    case paused
    /// Over, for good.
    case closed
}

/// What an operator says of a project. `nil` and empty lists mean "as it is" when a project is set, and the default
/// (or an error, where there is none) when it is created.
public struct ProjectDraft: Sendable, Hashable {
    public var name: String
    public var instructions: String?
    /// JSON Schema in the documented subset; cannot change once the project exists.
    public var answerSchema: String?
    /// How many different engineers answer a task, 1...64; cannot change once the project exists. Default 1.
    public var overlap: Int?
    /// Share of grants against other projects, 1...1000. Default 1.
    public var weight: Int?
    /// What a task of this project takes, where the task does not say: 1...14400. Default 300.
    public var effortSeconds: Int?
    /// Purposes that everybody who works here has agreed to.
    public var purposes: [String]
    /// Who answers concerns, in the order of escalation.
    public var namedPersons: [String]
    /// Whether the slot of a label that its author withdrew goes to somebody else. Default yes.
    public var refill: Bool?

    public init(
        name: String, instructions: String? = nil, answerSchema: String? = nil, overlap: Int? = nil,
        weight: Int? = nil, effortSeconds: Int? = nil, purposes: [String] = [], namedPersons: [String] = [],
        refill: Bool? = nil
    ) {
        self.name = name
        self.instructions = instructions
        self.answerSchema = answerSchema
        self.overlap = overlap
        self.weight = weight
        self.effortSeconds = effortSeconds
        self.purposes = purposes
        self.namedPersons = namedPersons
        self.refill = refill
    }

    public static let overlapRange = 1...64
    public static let weightRange = 1...1_000
    public static let effortRange = 1...14_400
    public static let effortDefault = 300
    /// Purposes and named persons, each.
    public static let listMax = 64
    public static let instructionsBytesMax = 262_144

    /// Throws `.invalid` for what no project can have.
    func check() throws {
        try NameRule.check(name, "project")
        try Self.check(overlap, Self.overlapRange, "overlap")
        try Self.check(weight, Self.weightRange, "weight")
        try Self.check(effortSeconds, Self.effortRange, "effort in seconds")
        for purpose in purposes { try NameRule.check(purpose, "purpose") }
        guard purposes.count <= Self.listMax, namedPersons.count <= Self.listMax else {
            throw LedgerError(.invalid, "a project has at most \(Self.listMax) purposes and named persons")
        }
        guard namedPersons.allSatisfy({ !$0.isEmpty }) else {
            throw LedgerError(.invalid, "a named person has an empty name")
        }
        guard (instructions?.utf8.count ?? 0) <= Self.instructionsBytesMax else {
            throw LedgerError(.invalid, "the instructions are longer than \(Self.instructionsBytesMax) bytes")
        }
        if let answerSchema { try Self.check(answerSchema) }
    }

    private static func check(_ value: Int?, _ range: ClosedRange<Int>, _ what: String) throws {
        if let value, !range.contains(value) {
            throw LedgerError(.invalid, "\(what) is \(value), outside \(range.lowerBound) to \(range.upperBound)")
        }
    }

    private static func check(_ answerSchema: String) throws {
        do {
            _ = try AnswerSchema.compile(Array(answerSchema.utf8))
        } catch {
            throw LedgerError(.invalid, "the answer schema cannot be used: \(error)", cause: error)
        }
    }
}

/// A project as the ledger has it.
public struct ProjectRecord: Sendable, Hashable {
    public let id: ProjectID
    public let name: String
    public let state: ProjectState
    public let overlap: Int
    public let weight: Int
    public let effortSeconds: Int
    public let answerSchema: String
    public let instructionsVersion: Int64
    public let instructions: String
    public let purposes: [String]
    public let namedPersons: [String]
    public let refill: Bool

    init(_ row: Row) throws {
        id = ProjectID(try row.int8(0))
        name = try row.text(1)
        state = ProjectState(rawValue: try row.text(2)) ?? .closed
        overlap = Int(try row.int8(3))
        weight = Int(try row.int8(4))
        effortSeconds = Int(try row.int8(5))
        answerSchema = try row.text(6)
        instructionsVersion = try row.int8(7)
        instructions = try row.text(8)
        purposes = try row.textArray(9)
        namedPersons = try row.textArray(10)
        refill = try row.bool(11)
    }
}
