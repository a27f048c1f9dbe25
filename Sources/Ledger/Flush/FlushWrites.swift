public import PlimsollModel

/// What one flush writes, column by column, ready to be sent as arrays: one statement a table however many rows.
public struct FlushWrites: Sendable {
    /// Leases that end without a label.
    public struct Ends: Sendable {
        public var task: [Int64] = []
        public var slot: [Int16] = []
        public var person: [Int64] = []
        public var fence: [Int64] = []
    }

    public struct Grants: Sendable {
        public var task: [Int64] = []
        public var slot: [Int16] = []
        public var person: [Int64] = []
        public var fence: [Int64] = []
        public var lane: [Int64] = []
        public var project: [Int64] = []
        public var grantedAt: [Int64] = []
        public var firstGrantedAt: [Int64] = []
        public var deadline: [Int64] = []
        public var provenance: [Int64] = []
        public var session: [Int64] = []
        /// Ten numbers a row, five figures each with its limit (-1: none): open leases, tasks that day, and in seconds
        /// the time without a break, that day's and that week's.
        public var why: [Int64] = []
        /// The rule that sets the deadline; nil: the lease's own length or its lifetime.
        public var deadlineRule: [String?] = []
    }

    public struct Labels: Sendable {
        public var task: [Int64] = []
        public var slot: [Int16] = []
        public var person: [Int64] = []
        public var fence: [Int64] = []
        public var project: [Int64] = []
        public var personN: [Int64] = []
        public var provenance: [Int64] = []
        public var acceptedOn: [Int32] = []
        public var answerHash: [[UInt8]] = []
        public var answer: [[UInt8]] = []
    }

    public struct LateAnswers: Sendable {
        public var task: [Int64] = []
        public var person: [Int64] = []
        public var fence: [Int64] = []
        public var project: [Int64] = []
        public var personN: [Int64] = []
        public var arrivedOn: [Int32] = []
        public var answerHash: [[UInt8]] = []
        public var answer: [[UInt8]] = []
        public var why: [String] = []
    }

    public struct History: Sendable {
        public var person: [Int64] = []
        public var fence: [Int64] = []
        public var task: [Int64] = []
        public var slot: [Int16] = []
        public var lane: [Int64] = []
        public var grantedAt: [Int64] = []
        public var at: [Int64] = []
        public var how: [String] = []
    }

    public struct Returned: Sendable {
        public var fence: [Int64] = []
        public var lane: [Int64] = []
        public var task: [Int64] = []
        public var slot: [Int16] = []
    }

    public struct Declines: Sendable {
        public var person: [Int64] = []
        public var task: [Int64] = []
    }

    public struct DeclineReasons: Sendable {
        public var project: [Int64] = []
        public var task: [Int64] = []
        public var reason: [String] = []
    }

    public struct Failures: Sendable {
        public var task: [Int64] = []
        public var fence: [Int64] = []
        public var person: [Int64] = []
        public var how: [String] = []
    }

    public struct Quarantines: Sendable {
        public var task: [Int64] = []
        public var lane: [Int64] = []
    }

    public struct Parks: Sendable {
        public var task: [Int64] = []
        public var slot: [Int16] = []
        public var person: [Int64] = []
        public var fence: [Int64] = []
        public var lane: [Int64] = []
        public var project: [Int64] = []
        public var firstGrantedAt: [Int64] = []
        public var parkedAt: [Int64] = []
        public var until: [Int64] = []
        public var provenance: [Int64] = []
        public var atLimit: [Bool] = []
    }

    public struct Usage: Sendable {
        public var person: [Int64] = []
        public var n: [Int64] = []
        public var at: [Int64] = []
        public var day: [Int32] = []
        public var dayLabels: [Int32] = []
        /// Leased time that ended with this fact; nil: none.
        public var workedFrom: [Int64?] = []
        public var workedTo: [Int64?] = []
        public var kind: [String?] = []
        public var severity: [Int16?] = []
    }

    public struct Decisions: Sendable {
        public var person: [Int64] = []
        public var at: [Int64] = []
        public var rule: [String] = []
        public var value: [String] = []
        public var bound: [String] = []
        public var until: [Int64?] = []
        public var scope: [String?] = []

        /// Takes a person's refusal out again, if there is one.
        public mutating func remove(_ person: PersonID) {
            guard let index = self.person.firstIndex(of: person.rawValue) else { return }
            self.person.remove(at: index)
            at.remove(at: index)
            rule.remove(at: index)
            value.remove(at: index)
            bound.remove(at: index)
            until.remove(at: index)
            scope.remove(at: index)
        }
    }

    public struct Extensions: Sendable {
        public var task: [Int64] = []
        public var slot: [Int16] = []
        public var fence: [Int64] = []
        public var deadline: [Int64] = []
        public var deadlineRule: [String?] = []
    }

    public struct Contributions: Sendable {
        public var project: [Int64] = []
        public var hour: [Int64] = []
        public var person: [Int64] = []
    }

    /// One project's differences.
    public struct Tally: Sendable, Equatable {
        public var slots: Int64 = 0
        public var leased: Int64 = 0
        public var parked: Int64 = 0
        public var done: Int64 = 0
        public var late: Int64 = 0
        public var quarantined: Int64 = 0

        public init() {}
    }

    public var ends = Ends()
    public var grants = Grants()
    /// Returned slots that were granted again: the fences that named them.
    public var regranted: [Int64] = []
    /// Parked leases that became open again, by key.
    public var unparked = Ends()
    public var labels = Labels()
    public var lateAnswers = LateAnswers()
    public var history = History()
    public var returned = Returned()
    public var declines = Declines()
    public var declineReasons = DeclineReasons()
    /// Tasks that got a label: what failed before it counts no more. A label has no time to compare with, and its fence
    /// may be older than deliveries that failed before it.
    public var forgiven: [Int64] = []
    public var failures = Failures()
    public var quarantines = Quarantines()
    public var parks = Parks()
    public var usage = Usage()
    public var decisions = Decisions()
    public var extensions = Extensions()
    /// Leases that this coordinator vouches for from now on.
    public var takeovers = Ends()
    public var contributions = Contributions()
    public var tallies: [ProjectID: Tally] = [:]

    public init() {}

    /// True when there is nothing to commit.
    public var isEmpty: Bool {
        usage.person.isEmpty && takeovers.task.isEmpty && lateAnswers.task.isEmpty && declineReasons.task.isEmpty
            && decisions.person.isEmpty
    }
}
