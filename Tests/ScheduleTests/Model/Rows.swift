import PlimsollModel

/// What the database says after a step, in the owner's eyes.
struct Rows: Sendable {
    struct Lease: Sendable {
        var task: TaskID
        var slot: Int16
        var person: PersonID
        var fence: Fence
        var lane: LaneID
        var project: ProjectID
        var granted: Micros
        var firstGranted: Micros
        var deadline: Micros
        var coordinator: Int64
        var session: Int64
        var policy: Int64
    }

    struct Parked: Sendable {
        var task: TaskID
        var slot: Int16
        var person: PersonID
        var fence: Fence
        var parkedAt: Micros
        var until: Micros
        var atLimit: Bool
    }

    struct Label: Sendable {
        var task: TaskID
        var slot: Int16
        var person: PersonID
        var fence: Fence
        var personN: Int64
        var lane: LaneID
        var project: ProjectID
        var answer: String
        var policy: Int64
    }

    struct Late: Sendable {
        var task: TaskID
        var person: PersonID
        var fence: Fence
        var personN: Int64
        var answer: String
    }

    /// A row of lease history.
    struct End: Sendable {
        var person: PersonID
        var fence: Fence
        var task: TaskID
        var slot: Int16
        var lane: LaneID
        var granted: Micros
        var at: Micros
        var how: String
    }

    struct Consent: Sendable {
        var person: PersonID
        var purpose: String
        var n: Int64
        var at: Micros
        var state: String
        var until: Micros?
    }

    // All there are.
    var leases: [Lease] = []
    var parked: [Parked] = []
    // Those that were committed since the last look.
    var labels: [Label] = []
    var aside: [Label] = []
    var late: [Late] = []
    var ends: [End] = []
    var consents: [Consent] = []
    var closed: [TaskID] = []
    var tasks: [Layout.Task] = []
}
