public import PlimsollModel
import Postgres

/// What is known of several people at one instant, for whoever asks the gate about many.
public struct PeopleStanding: Sendable {
    public let now: Moment
    /// What holds for everybody; nil: the epoch is the one that was known.
    public let deployment: DeploymentState?
    /// Those about whom something new is known, in full; of the others nothing has changed.
    public let people: [StoredPerson]
    /// Kind and severity of the lanes that their leases are in.
    public let lanes: [LaneID: LeasedLane]
}

/// A lane of a project that is not closed.
public struct LaneStanding: Sendable, Hashable {
    public let project: ProjectID
    public let kind: String
    public let severity: Int
    /// What limits look at.
    public var leased: LeasedLane { LeasedLane(kind: kind, severity: severity) }
    /// Slots of it wait.
    public let isWaiting: Bool
    /// Of the tasks that are not done, the longest estimate; nil: none that is longer than `LaneStanding.longFrom`.
    public let longestSeconds: Int?

    /// Shorter estimates are not looked for one by one: nearly all tasks have them. As the index `task_long` has it.
    public static let longFrom = 300
}

enum StandingsStatements {
    /// As flushes plan: by index for each person, whatever the tables' statistics say.
    static let plan = """
        set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off;
        set local enable_bitmapscan = off
        """
    static let epoch = Statement("standings_epoch", "select version from epoch order by version desc limit 1")
    /// Each lane with whether anything of it waits, and the longest estimate of what is not done. Tasks that fit
    /// nobody's day are never done, so they are among the first fifty by length. Indexes: span_pkey, block and returned
    /// are few, task_long, closed_task_pkey, label_pkey.
    static let lanes = Statement(
        "standings_lanes",
        """
        select a.project_id, a.kind, a.severity,
            exists (select from span s where s.lane_id = a.lane_id)
                or exists (select from block b where b.lane_id = a.lane_id)
                or exists (select from returned r where r.lane_id = a.lane_id),
            (select x.effort_seconds from (
                select t.task_id, t.effort_seconds, t.overlap from task t
                where t.lane_id = a.lane_id and t.effort_seconds > \(LaneStanding.longFrom)
                order by t.effort_seconds desc limit 50) x
            where not exists (select from closed_task z where z.task_id = x.task_id)
                and (select count(*) from label l where l.task_id = x.task_id) < x.overlap
            order by x.effort_seconds desc limit 1)
        from lane a join project p using (project_id) where p.state <> 'closed' order by a.lane_id
        """)
    /// Few rows. Index: limit_layer's primary key.
    static let projectLayers = Statement(
        "standings_project_layers", "select scope_id, document from limit_layer where scope = 'project'")
}

extension Ledger {
    /// What has changed of these people since the numbers that are `known` of them, and of the deployment since
    /// `epoch`; under a new epoch everybody is read. Nothing is locked, so the next flush may see something newer.
    public func standings(of people: [PersonID], known: [PersonID: Int64], epoch: Int64?) async throws -> PeopleStanding
    {
        try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
            try await connection.execute(script: StandingsStatements.plan)
            let rows = try await connection.pipeline([
                Query(StandingsStatements.epoch), Query(FlushStatements.clock),
                Query(FlushStatements.heads, .int8Array(people.map(\.rawValue))),
            ])
            let isSame = try rows[0][0].int8(0) == epoch
            var heads: [PersonID: Int64] = [:]
            for row in rows[2] { heads[PersonID(try row.int8(0))] = try row.int8(1) }
            let stale =
                isSame ? people.filter { known[$0] == nil || (heads[$0] ?? known[$0]) != known[$0] } : people
            let read = stale.isEmpty ? [] : try await FlushSession(connection: connection).people(stale)
            var lanes: [LaneID: LeasedLane] = [:]
            let leased = Set(read.flatMap { $0.leases.map(\.lane.rawValue) })
            if !leased.isEmpty {
                lanes = try LeasedLane.byLane(
                    try await connection.query(Query(StandingStatements.lanes, .int8Array(leased.sorted()))))
            }
            return PeopleStanding(
                now: Moment(microseconds: try rows[1][0].timestamptz(0)),
                deployment: isSame ? nil : try await DeploymentState.read(on: connection), people: read, lanes: lanes)
        }
    }

    /// The lanes of every project that is not closed.
    public func laneStandings() async throws -> [LaneStanding] {
        try await transaction(readOnly: true) { connection in
            try await connection.execute(script: StandingsStatements.plan)
            return try await connection.query(Query(StandingsStatements.lanes)).map { row in
                LaneStanding(
                    project: ProjectID(try row.int8(0)), kind: try row.text(1), severity: Int(try row.int2(2)),
                    isWaiting: try row.bool(3), longestSeconds: try row.int4OrNil(4).map { Int($0) })
            }
        }
    }

    /// The limits that projects add, as they were set.
    public func projectLayers() async throws -> [ProjectID: String] {
        var layers: [ProjectID: String] = [:]
        for row in try await read(Query(StandingsStatements.projectLayers)) {
            layers[ProjectID(try row.int8(0))] = try row.text(1)
        }
        return layers
    }
}
