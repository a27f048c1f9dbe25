public import PlimsollModel
public import Postgres

/// One connection that runs flushes, one at a time. Each call is one round trip.
///
/// The order of a flush: ``open(people:waiting:)``, reads as needed, then ``commit(_:coordinator:at:)`` or
/// ``rollBack()``. A connection whose state is in doubt is closed by the Postgres target; the owner then makes another.
public struct FlushSession: Sendable {
    let connection: Connection

    public init(connection: Connection) {
        self.connection = connection
    }

    /// Session settings of flush connections. A coordinator that freezes between lock and commit holds nobody for
    /// longer than the first; the planner settings keep every statement on its index, because statistics of tables
    /// that are empty one moment and full the next make it choose scans.
    public static let settings: [(String, String)] = [
        ("search_path", "plimsoll"),
        ("idle_in_transaction_session_timeout", "2000"),
        ("lock_timeout", "1000"),
        ("statement_timeout", "5000"),
        ("synchronous_commit", "on"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("enable_bitmapscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("jit", "off"),
        ("timezone", "UTC"),
    ]

    public var isUsable: Bool { get async { await connection.isUsable } }

    public func close() async { await connection.close() }

    /// How far back `open` looks for a person's latest figures.
    public static let headsHorizon = Duration.hours(FlushStatements.headsHorizonHours)

    /// Begins, takes the epoch shared and the people's locks, and reads the clock and each person's latest figures.
    /// With `waiting` it waits for every lock, up to the lock timeout; else it skips who is locked.
    public func open(people: [PersonID], waiting: Bool = false) async throws -> FlushOpening {
        let ids = Bind.int8Array(people.map(\.rawValue))
        let rows = try await connection.pipeline([
            Query(FlushStatements.begin),
            Query(FlushStatements.epochLock),
            Query(FlushStatements.epoch),
            Query(waiting ? FlushStatements.lockPeopleWaiting : FlushStatements.lockPeople, ids),
            Query(FlushStatements.clock),
            Query(FlushStatements.heads, ids),
        ])
        var opening = FlushOpening(
            epoch: try rows[2][0].int8(0), now: Moment(microseconds: try rows[4][0].timestamptz(0)),
            locked: [], heads: [:])
        opening.locked.reserveCapacity(people.count)
        for row in rows[3] { opening.locked.insert(PersonID(try row.int8(0))) }
        opening.heads.reserveCapacity(people.count)
        for row in rows[5] { opening.heads[PersonID(try row.int8(0))] = try Self.head(row) }
        return opening
    }

    /// A run of fences that only the caller hands out; `count` of them from the value on (P4).
    public static let fencesPerRun: Int64 = 4_096

    public func nextFenceRun() async throws -> Int64 {
        try await connection.query(Query(FlushStatements.fenceRun))[0].int8(0)
    }

    /// Everything the gate needs of people whose cached state is missing or behind.
    public func people(_ people: [PersonID]) async throws -> [StoredPerson] {
        let ids = Bind.int8Array(people.map(\.rawValue))
        let rows = try await connection.pipeline([
            Query(FlushStatements.people, ids),
            Query(FlushStatements.leases, ids),
            Query(FlushStatements.parked, ids),
            Query(FlushStatements.agreements, ids),
            Query(FlushStatements.oldHeads, ids),
            Query(FlushStatements.worked, ids),
            Query(FlushStatements.workedDays, ids),
            Query(LimitLayerStatements.ofPeople, ids),
        ])
        return try Self.assemble(rows)
    }

    /// What became of leases that are not open; of a lease that was parked and ended since, its last end first.
    public func settled(_ leases: [(person: PersonID, task: TaskID, fence: Fence)]) async throws -> [SettledRecord] {
        let rows = try await connection.query(
            Query(
                FlushStatements.settled, .int8Array(leases.map(\.person.rawValue)),
                .int8Array(leases.map(\.task.rawValue)), .int8Array(leases.map(\.fence.rawValue))))
        return try rows.map { row in
            let kind: SettledRecord.Kind =
                switch try row.int4(0) {
                case 0: .label
                case 1: .late
                default: .ended
                }
            return SettledRecord(
                kind: kind, person: PersonID(try row.int8(1)), task: TaskID(try row.int8(2)),
                fence: Fence(try row.int8(3)), answerHash: try row.bytes(4), slot: try row.int2(5),
                lane: LaneID(try row.int8(6)), grantedAt: Moment(microseconds: try row.timestamptzOrNil(7) ?? 0),
                how: try row.text(8), project: ProjectID(try row.int8(9)), severity: Int(try row.int2(10)))
        }.sorted { $0.grantedAt > $1.grantedAt }
    }

    /// What stands against granting a slot to a person.
    public enum SlotVerdict: Sendable {
        case free
        case notThisPerson
        case taken
        /// The coordinator does not hold it any more: adopted, given back, or its claim was lost in a crash.
        case gone
    }

    /// A slot that may be granted to a person.
    public struct Candidate: Sendable {
        public enum Source: Sendable, Hashable {
            case block(Int64)
            /// Came back; the fence of the lease that ended names its durable row.
            case returned(Fence)
        }

        public var task: TaskID
        public var slot: Int16
        public var person: PersonID
        /// nil: held by nobody, as far as is known.
        public var source: Source?

        public init(task: TaskID, slot: Int16, person: PersonID, source: Source?) {
            self.task = task
            self.slot = slot
            self.person = person
            self.source = source
        }
    }

    /// One verdict a candidate, in order.
    public func verdicts(_ candidates: [Candidate], coordinator: CoordinatorID) async throws -> [SlotVerdict] {
        let rows = try await connection.query(
            Query(
                FlushStatements.free, .int8Array(candidates.map(\.task.rawValue)), .int2Array(candidates.map(\.slot)),
                .int8Array(candidates.map(\.person.rawValue)), .int4Array(candidates.indices.map { Int32($0) }),
                .int8Array(
                    candidates.map { if case .block(let id)? = $0.source { id } else { 0 } }),
                .int8Array(
                    candidates.map { if case .returned(let fence)? = $0.source { fence.rawValue } else { 0 } }),
                .int8(coordinator.rawValue)))
        // In doubt nothing is granted (P2): a candidate without an answer counts as not for this person.
        var verdicts: [SlotVerdict] = Array(repeating: .notThisPerson, count: candidates.count)
        for row in rows {
            verdicts[Int(try row.int4(0))] =
                switch try row.int4(1) {
                case 0: .free
                case 1: .notThisPerson
                case 2: .taken
                default: .gone
                }
        }
        return verdicts
    }

    /// How the tasks stand whose leases end without a label.
    public func standings(_ tasks: [(task: TaskID, lane: LaneID)]) async throws -> [TaskID: TaskStanding] {
        let rows = try await connection.query(
            Query(
                FlushStatements.standings, .int8Array(tasks.map(\.task.rawValue)),
                .int8Array(tasks.map(\.lane.rawValue))))
        var standings: [TaskID: TaskStanding] = [:]
        for row in rows {
            let task = TaskID(try row.int8(0))
            let failed = try row.int8Array(2)
            standings[task] = TaskStanding(
                task: task, isClosed: try row.bool(1), failures: failed.count,
                failedPeople: Set(failed.map { PersonID($0) }), taken: Int(try row.int8(3)),
                overlap: Int(try row.int2OrNil(4) ?? 0))
        }
        return standings
    }

    /// Lanes, as if none of their spans was seen yet.
    public func lanes(_ lanes: Set<LaneID>) async throws -> [StoredLane] {
        try await connection.query(Query(FlushStatements.lanes, .int8Array(lanes.map(\.rawValue))))
            .map { try StoredLane($0) }
    }

    /// What tasks are about, by lane and id. Index: task_pkey.
    public func contents(_ tasks: [(lane: LaneID, task: TaskID)]) async throws -> [TaskID: TaskContent] {
        let rows = try await connection.query(
            Query(
                FlushStatements.contents, .int8Array(tasks.map(\.lane.rawValue)), .int8Array(tasks.map(\.task.rawValue))
            ))
        var contents: [TaskID: TaskContent] = [:]
        for row in rows {
            let task = TaskID(try row.int8(0))
            contents[task] = TaskContent(
                task: task, key: try row.text(1), effortSeconds: Int(try row.int4(2)), payload: try row.bytes(3))
        }
        return contents
    }

    /// One provenance a question, made where it is new; in the order asked.
    public func provenances(_ asked: [ProvenanceKey]) async throws -> [ProvenanceID] {
        let rows = try await connection.pipeline(
            asked.map { key in
                Query(
                    FlushStatements.provenance, .int8(key.person.rawValue), .int8(key.project.rawValue),
                    .int8(key.policyVersion), .int8(key.instructionsVersion), .textArray(key.agreements))
            })
        return try rows.map { ProvenanceID(try $0[0].int8(0)) }
    }

    /// Of running streams, the indexes of those that may not go on, as of the epoch that this flush decides under.
    public func inadmissible(_ streams: [(person: PersonID, serial: String)]) async throws -> Set<Int> {
        try await Ledger.inadmissible(streams, on: connection)
    }

    /// The deployment's state, when the epoch has moved on since it was last read.
    public func deploymentState() async throws -> DeploymentState {
        try await DeploymentState.read(on: connection)
    }

    /// Ends the flush without a trace. An error here is no news: the connection is then closed, which rolls back too.
    public func rollBack() async {
        do {
            _ = try await connection.query(Query(FlushStatements.rollback))
        } catch {
            await connection.close()
        }
    }
}

/// What names one provenance.
public struct ProvenanceKey: Hashable, Sendable {
    public var person: PersonID
    public var project: ProjectID
    public var policyVersion: Int64
    public var instructionsVersion: Int64
    /// Sorted.
    public var agreements: [String]

    public init(
        person: PersonID, project: ProjectID, policyVersion: Int64, instructionsVersion: Int64, agreements: [String]
    ) {
        self.person = person
        self.project = project
        self.policyVersion = policyVersion
        self.instructionsVersion = instructionsVersion
        self.agreements = agreements
    }
}

extension FlushSession {
    static func head(_ row: Row) throws -> UsageHead {
        UsageHead(
            n: try row.int8(1), at: Moment(microseconds: try row.timestamptz(2)), day: LocalDay(try row.date(3)),
            dayLabels: Int(try row.int4(4)))
    }

    private static func assemble(_ rows: [Rows]) throws -> [StoredPerson] {
        var people: [PersonID: StoredPerson] = [:]
        for row in rows[0] {
            let person = PersonID(try row.int8(0))
            people[person] = StoredPerson(
                person: person, name: try row.text(1), zone: try row.text(2), formerZone: try formerZone(row),
                declaredWeek: .seconds(Int64(try row.int4(8))), isEngineer: try row.bool(3),
                denied: try row.bool(4), enrolled: Set(try row.int8Array(5).map { ProjectID($0) }), agreements: [],
                leases: [], parked: [], head: nil, worked: WorkHistory(),
                layers: PersonLimitLayers(person: person))
        }
        for row in rows[1] {
            people[PersonID(try row.int8(0))]?.leases.append(
                StoredLease(
                    task: TaskID(try row.int8(1)), slot: try row.int2(2), fence: Fence(try row.int8(3)),
                    lane: LaneID(try row.int8(4)), project: ProjectID(try row.int8(5)),
                    grantedAt: Moment(microseconds: try row.timestamptz(6)),
                    firstGrantedAt: Moment(microseconds: try row.timestamptz(7)),
                    deadline: Moment(microseconds: try row.timestamptz(8)),
                    coordinator: CoordinatorID(try row.int8(9)), provenance: ProvenanceID(try row.int8(10)),
                    session: try row.int8(11)))
        }
        for row in rows[2] {
            people[PersonID(try row.int8(0))]?.parked.append(
                StoredParked(
                    task: TaskID(try row.int8(1)), slot: try row.int2(2), fence: Fence(try row.int8(3)),
                    lane: LaneID(try row.int8(4)), project: ProjectID(try row.int8(5)),
                    firstGrantedAt: Moment(microseconds: try row.timestamptz(6)),
                    parkedAt: Moment(microseconds: try row.timestamptz(7)),
                    until: Moment(microseconds: try row.timestamptz(8)), provenance: ProvenanceID(try row.int8(9)),
                    atLimit: try row.bool(10)))
        }
        for row in rows[3] {
            people[PersonID(try row.int8(0))]?.agreements.append(try StoredAgreement(row))
        }
        for row in rows[4] { people[PersonID(try row.int8(0))]?.head = try head(row) }
        for row in rows[5] {
            people[PersonID(try row.int8(0))]?.worked.add(
                try WorkInterval(row, 3), kind: try row.textOrNil(1) ?? "", severity: Int(try row.int2OrNil(2) ?? 0))
        }
        for row in rows[6] {
            people[PersonID(try row.int8(0))]?.worked.totals.append(try DayTotal(row, 1))
        }
        for (person, layers) in try foldLimitLayers(of: people.keys, rows[7]) { people[person]?.layers = layers }
        return Array(people.values)
    }

    /// As `FlushStatements.people` says it.
    static func formerZone(_ row: Row) throws -> (name: String, changedAt: Moment)? {
        guard let name = try row.textOrNil(6), let at = try row.timestamptzOrNil(7) else { return nil }
        return (name, Moment(microseconds: at))
    }
}
