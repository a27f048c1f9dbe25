public import PlimsollModel
public import Postgres

/// One connection through which a coordinator claims and gives back slots. One call at a time.
public struct FeedSession: Sendable {
    let connection: Connection
    /// Under whose number slots are claimed and given back.
    public let coordinator: CoordinatorID

    public init(connection: Connection, coordinator: CoordinatorID) {
        self.connection = connection
        self.coordinator = coordinator
    }

    /// Like those of flushes, except that claims need not reach the disk (see ``FeedStatements``) and may take longer.
    public static let settings: [(String, String)] =
        FlushSession.settings.filter { $0.0 != "synchronous_commit" && $0.0 != "statement_timeout" } + [
            ("synchronous_commit", "off"), ("statement_timeout", "30000"),
        ]

    /// Tasks that one look examines at most before it reports how far it came.
    public static let lookStep = 2_000
    /// Spans that one claim reads at most.
    public static let spansPerClaim = 128

    public var isUsable: Bool { get async { await connection.isUsable } }
    public func close() async { await connection.close() }

    /// These lanes, as far as their projects are not closed. `known`: the lanes already read, of which the newest span is
    /// told only where it is newer.
    public func lanes(_ which: LaneChoice, known: some Sequence<StoredLane>) async throws -> [StoredLane] {
        let known = known.filter(which.contains)
        let seen: [Bind] = [.int8Array(known.map(\.id.rawValue)), .int8Array(known.map(\.newestSpan))]
        let query =
            switch which {
            case .all: Query(FeedStatements.lanes, seen)
            case .projects(let projects):
                Query(FeedStatements.lanesOfProjects, seen + [.int8Array(projects.map(\.rawValue))])
            case .named(let lanes): Query(FeedStatements.lanesNamed, seen + [.int8Array(lanes.map(\.rawValue))])
            }
        return try await connection.query(query).map { try StoredLane($0) }
    }

    /// A lease by all its names.
    public struct Held: Sendable {
        public var person: PersonID
        public var task: TaskID
        public var fence: Fence

        init(_ row: Row) throws {
            person = PersonID(try row.int8(0))
            task = TaskID(try row.int8(1))
            fence = Fence(try row.int8(2))
        }
    }

    /// Leases under this coordinator's number whose deadline is over for so long; a few, the others the next time.
    public func overdue(of coordinator: CoordinatorID, by time: Duration) async throws -> [Held] {
        try await connection.query(
            Query(FeedStatements.overdue, .int8(coordinator.rawValue), .float8(time / .seconds(1)))
        ).map { try Held($0) }
    }

    /// What the slow poll finds.
    public struct News: Sendable {
        public var epoch: Int64
        public var now: Moment
        /// People who withdrew in the last seconds.
        public var withdrawn: [PersonID]
        /// Parked leases past their time.
        public var parkExpired: [Held]
    }

    public func news() async throws -> News {
        let rows = try await connection.pipeline([
            Query(FeedStatements.epoch), Query(FeedStatements.withdrawals), Query(FeedStatements.parkExpired),
        ])
        return News(
            epoch: try rows[0][0].int8(0), now: Moment(microseconds: try rows[0][0].timestamptz(1)),
            withdrawn: try rows[1].map { PersonID(try $0.int8(0)) },
            parkExpired: try rows[2].map { try Held($0) })
    }

    /// The deployment's state, for a coordinator that has no flush under way. What flushes decide is checked under the
    /// epoch lock again.
    public func deploymentState() async throws -> DeploymentState { try await DeploymentState.read(on: connection) }

    /// Whether anything the person could be given is in other hands, or in a span not yet looked at.
    public func inOtherHands(person: PersonID, floors: [LaneID: Int64]) async throws -> Bool {
        let floors = Array(floors)
        let rows = try await connection.query(
            Query(
                FeedStatements.inOtherHands, .int8(person.rawValue), .int8Array(floors.map(\.key.rawValue)),
                .int8Array(floors.map(\.value))))
        return try rows[0].bool(0)
    }

    /// Gives slots of one lane back as spans, and drops the blocks and returned rows they came from. All blocks of the
    /// lane that hold nothing ungranted any more must be among `blocks`, so that adoption never counts a slot twice.
    /// Gives the newest span's number; nil: no span was added.
    @discardableResult
    public func giveBack(
        lane: LaneID, blocks: [Int64], returned: [Fence], ranges: [SpanRange]
    ) async throws -> Int64? {
        var queries: [Query] = []
        if !blocks.isEmpty {
            queries.append(
                Query(FeedStatements.deleteBlocks, .int8Array(blocks), .int8(coordinator.rawValue)))
        }
        if !returned.isEmpty {
            queries.append(
                Query(
                    FeedStatements.deleteReturned, .int8Array(returned.map(\.rawValue)),
                    .int8(coordinator.rawValue)))
        }
        if !ranges.isEmpty { queries.append(insertSpans(lane: lane, ranges)) }
        queries.append(Query(FeedStatements.commit))
        let rows = try await orRollBack {
            _ = try await begin(lane)
            return try await connection.pipeline(queries)
        }
        guard !ranges.isEmpty else { return nil }
        try await wakeOthers(of: lane)
        return try rows[rows.count - 2].map { try $0.int8(0) }.max()
    }

    /// Begins a transaction under this coordinator's number with the lane's lock, and runs `queries` in the same round
    /// trip. Throws `.stale` when the coordinator is no member any more: its slots are others' now (P12).
    func begin(_ lane: LaneID, _ queries: [Query] = []) async throws -> [Rows] {
        let rows = try await connection.pipeline(
            [
                Query(FeedStatements.begin), Query(FlushStatements.epochLock),
                Query(FeedStatements.member, .int8(coordinator.rawValue)),
                Query(FeedStatements.lockLane, .int8(lane.rawValue)),
            ] + queries)
        guard rows[2].count == 1 else { throw LedgerError(.stale, "this coordinator was taken over") }
        return Array(rows[4...])
    }

    /// Tells every coordinator that spans were added to a lane; nil: to several. A transaction of its own: a NOTIFY in a
    /// data transaction would serialize all commits of the instance.
    public func wakeOthers(of lane: LaneID?) async throws {
        let payload = lane.map { ", '\($0.rawValue)'" } ?? ""
        _ = try await connection.query(Query(.unprepared("notify \(WakeUp.lane.rawValue)\(payload)")))
    }

    /// Turns everything a gone coordinator held into spans, lane by lane.
    public func adopt(from gone: CoordinatorID, now: Moment) async throws {
        let lanes = try await connection.query(Query(FeedStatements.lanesHeld, .int8(gone.rawValue)))
        for row in lanes {
            let lane = Bind.int8(try row.int8(0))
            try await orRollBack {
                _ = try await connection.pipeline([
                    Query(FeedStatements.begin), Query(FeedStatements.lockLane, lane),
                    Query(
                        FeedStatements.adopt, .int8(gone.rawValue), lane,
                        .timestamptz(microseconds: now.microseconds), .null(.int8Array)),
                    Query(FeedStatements.dropAdopted, .int8(gone.rawValue), lane),
                    Query(FeedStatements.commit),
                ])
            }
        }
        if !lanes.isEmpty { try await wakeOthers(of: nil) }
    }

    func insertSpans(lane: LaneID, _ ranges: [SpanRange]) -> Query {
        Query(
            FeedStatements.insertSpans, .int8(lane.rawValue), .int2Array(ranges.map(\.slot)),
            .int8Array(ranges.map(\.first.rawValue)), .int8Array(ranges.map(\.last.rawValue)),
            .boolArray(ranges.map(\.fresh)), .timestamptzArray(ranges.map(\.since.microseconds)))
    }

    func orRollBack<R>(_ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch {
            do {
                _ = try await connection.query(Query(FeedStatements.rollback))
            } catch {
                // Closing rolls back too; the first error is the one to report.
                await connection.close()
            }
            throw error
        }
    }
}
