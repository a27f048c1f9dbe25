public import PlimsollModel
import Postgres

extension Ledger {
    /// Documents planned in one day (UTC) of a deployment, at most; the same again is not counted. Enough to tune a
    /// policy, and too few to learn of one person by asking again and again; each costs a replay in those after it.
    public static let plansPerDayMax = 16

    /// Puts a plan on the record, with the document and before anything is read (P11), and says what it looks at. Who
    /// is looked at sees it among those who looked. Throws `.invalid` for a document that cannot be used or replayed,
    /// `.notFound` for a project, and `.refused` when the day's plans are used up.
    public func beginPlan(_ text: String, project name: String?, by actor: String) async throws -> PlanFrame {
        let document = try PolicyDocument.usable(text)
        try await recordRead(.policyPlan(project: name), by: actor)
        return try await transaction { connection in
            _ = try await connection.query(Query(PlanStatements.lock))
            var only: ProjectID?
            if let name { only = try await findProject(name, on: connection).id }
            let policy = try await connection.query(Query(PolicyStatements.latest)).first.map { try PolicyRow($0) }
            guard let policy else { throw LedgerError(.notFound, "no policy was applied") }
            let present = try policy.parsed()
            try Self.checkReplayable(document.limits, beside: present.limits)
            let hours = try await connection.query(Query(PlanStatements.clock))[0]
            let midnight = try hours.timestamptz(1)
            var day = PlannedDay()
            for row in try await connection.query(
                Query(PlanStatements.earlier, .timestamptz(microseconds: midnight)))
            {
                try day.add(inForce: row.textOrNil(2), proposed: row.textOrNil(1))
            }
            let inForce = day.place(of: present)
            let proposed = day.place(proposed: document)
            guard day.planned.count <= Self.plansPerDayMax else {
                throw LedgerError(
                    .refused,
                    "\(Self.plansPerDayMax) policies were planned since midnight, UTC, which is all for a day",
                    remedy: "plan one of them again, or wait for the next day; plimsoll policy test needs no data")
            }
            try await appendChainEvent(
                .policyPlanned, actor: actor,
                detail: [
                    "in_force": .integer(policy.version), "document": .string(document.yaml()),
                    "project": name.map { .string($0) } ?? .null,
                ], on: connection)
            let state = try await DeploymentState.read(on: connection)
            let results = try await connection.pipeline([
                Query(PlanStatements.lanes), Query(PlanStatements.people, .int8(only?.rawValue)),
            ])
            var lanes: [LaneID: PlanFrame.PlannedLane] = [:]
            for row in results[0] {
                lanes[LaneID(try row.int8(0))] = PlanFrame.PlannedLane(
                    project: ProjectID(try row.int8(1)), kind: try row.text(2), severity: Int(try row.int2(3)))
            }
            return PlanFrame(
                inForce: policy, now: Moment(microseconds: try hours.timestamptz(0)),
                midnight: Moment(microseconds: midnight), documents: day.documents, inForcePlace: inForce,
                proposedPlace: proposed, plansLeft: Self.plansPerDayMax - day.planned.count,
                projects: state.projects.values.sorted { $0.name < $1.name }, lanes: lanes,
                closed: state.closedProjects, only: only, people: try results[1].map { PersonID(try $0.int8(0)) })
        }
    }

    /// How far back totals of dates are read: to the first of the weeks that the law's mean is of on the earliest day
    /// replayed.
    private static let totalDays = WorkHistory.daysKept + 7 * LegalCeiling.weekAverageWeeks

    /// Some people's past, in a transaction of its own that reads and locks nothing. What was leased lies before the
    /// frame's hour and does not change, so parts read one after the other fit together, and no snapshot is held long;
    /// each person's enrolments and limits are of one moment. Measured: 2,000 people in pieces of 50 with 240,000
    /// leases and 334,500 stretches of work: 2.1 s in the database for all of them.
    public func past(of people: [PersonID], in frame: PlanFrame) async throws -> [StoredPast] {
        let ids = Bind.int8Array(people.map(\.rawValue))
        let now = Bind.timestamptz(microseconds: frame.now.microseconds)
        let first = frame.midnight - .hours(24 * Int(HistoryTable.leaseHistory.keptDays))
        let firstTotal = frame.midnight - .hours(24 * Self.totalDays)
        return try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
            let rows = try await connection.pipeline([
                Query(FlushStatements.people, ids),
                Query(LimitLayerStatements.ofPeople, ids),
                Query(PlanStatements.consents, ids),
                Query(PlanStatements.grants, ids, .timestamptz(microseconds: first.microseconds), now),
                Query(FlushStatements.worked, ids),
                Query(PlanStatements.workedDays, ids, .timestamptz(microseconds: firstTotal.microseconds)),
                Query(PlanStatements.labels, ids, now),
            ])
            return try StoredPast.assemble(rows)
        }
    }

    /// Breaks and stretches of seconds would be stepped through one by one, so none is replayed that is shorter than
    /// this and than what is in force, which is replayed whatever it is.
    private static let stretchMin = Duration.minutes(1)

    private static func checkReplayable(_ proposed: WorkloadLimits, beside inForce: WorkloadLimits) throws {
        let stretches = [
            ("continuous-time", proposed.continuousTime, inForce.continuousTime),
            ("break", proposed.breakTime, inForce.breakTime),
        ]
        for (key, length, present) in stretches {
            let least = min(stretchMin, present ?? stretchMin)
            guard let length, length < least else { continue }
            let shortest = DurationText.format(least)
            throw LedgerError(
                .invalid, "\(key) is below \(shortest), which is not replayed",
                remedy: "plan it with \(key) at \(shortest); plimsoll policy apply takes the shorter one")
        }
    }
}

/// The documents of a day in the order in which they came first.
private struct PlannedDay {
    private(set) var documents: [PolicyDocument] = []
    /// Places of those that somebody planned.
    private(set) var planned: Set<Int> = []
    private var places: [String: Int] = [:]

    /// An earlier plan. What is erased or was written by another build is left out.
    mutating func add(inForce: String?, proposed: String?) throws {
        for (text, isProposed) in [(inForce, false), (proposed, true)] {
            guard let text, let document = try? PolicyDocument(yaml: text) else { continue }
            if isProposed { _ = place(proposed: document) } else { _ = place(of: document) }
        }
    }

    mutating func place(proposed document: PolicyDocument) -> Int {
        let place = place(of: document)
        planned.insert(place)
        return place
    }

    mutating func place(of document: PolicyDocument) -> Int {
        // What says the same is the same, whatever its comments and its name.
        var plain = document
        plain.name = nil
        let text = plain.yaml()
        if let place = places[text] { return place }
        documents.append(document)
        places[text] = documents.count - 1
        return documents.count - 1
    }
}
