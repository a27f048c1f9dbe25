public import PlimsollModel
import Postgres

/// What a person is told of why work comes or does not: what is left for them, what was refused, what they hold. For
/// that person's own eyes.
public struct PersonReasons: Sendable {
    public let standing: PersonStanding
    /// Nothing is leased to anybody now, by an operator's word.
    public let readOnly: Bool
    /// At least one coordinator's life is not out.
    public let hasCoordinator: Bool
    /// By project, highest priority first.
    public let lanes: [ProjectID: [LaneOutlook]]
    /// Latest first.
    public let refusals: [StoredRefusal]
    public let leases: [LeaseAccount]
}

/// One of a project's lanes, and what it holds for one person.
public struct LaneOutlook: Sendable, Hashable {
    public let kind: String
    public let severity: Int
    public let left: LaneLeft
}

/// One refusal as it was kept.
public struct StoredRefusal: Sendable, Hashable {
    public let at: Moment
    /// As it was written; a later build may know other rules.
    public let rule: String
    public let value: String
    public let limit: String
    public let until: Moment?
    public let scope: String?
}

/// A lease in a person's hands, open or parked, with what it stands on.
public struct LeaseAccount: Sendable, Hashable {
    public let project: String
    public let key: String
    public let task: TaskID
    public let kind: String
    public let severity: Int
    /// Nil: open. Else whether a limit parked it.
    public let parkedByLimit: Bool?
    public let ends: Moment
    /// Ten numbers, see `FlushWrites.Grants`; empty where none are kept.
    public let figures: [Int64]
    /// Of an open one: the rule that sets its deadline, as it was written; nil: its own length or its lifetime, or
    /// a build that kept none granted it.
    public let deadlineRule: String?
    public let provenance: ProvenanceID
    public let policyVersion: Int64
    public let instructionsVersion: Int64
    public let agreements: [String]
}

enum ReasonStatements {
    /// Index: lane_project_id_kind_severity_priority_key.
    static let lanes = Statement(
        "reason_lanes",
        """
        select lane_id, project_id, kind, severity from lane where project_id = any($1::bigint[])
        order by priority desc, lane_id
        """)
    /// Of each lane, the effort of a task that a coordinator has at hand and this person may be given; where there is
    /// none, whether one that is left to them is leased to others or parked by them. Blocks are no longer than a second
    /// of work, and of leases there are as many as people work. Indexes: label_pkey, lease_pkey, parked_pkey,
    /// task_pkey, then label_person, lease_person, parked_person, declined and closed_task by key. Locks: none.
    static let hands = Statement(
        "reason_hands",
        """
        select f.lane_id, r.effort_seconds, h.lane_id is not null
        from unnest($2::bigint[]) f (lane_id)
        left join lateral (
            select t.effort_seconds from (
                select b.lane_id, t.task_id, t.effort_seconds from block b
                    join task t on t.lane_id = b.lane_id and t.task_id between b.first_task and b.last_task
                    where b.lane_id = f.lane_id
                    and not exists (select from label x where x.task_id = t.task_id and x.slot = b.slot)
                    and not exists (select from lease x where x.task_id = t.task_id and x.slot = b.slot)
                    and not exists (select from parked x where x.task_id = t.task_id and x.slot = b.slot)
                union all
                select r.lane_id, t.task_id, t.effort_seconds from returned r
                    join task t on t.lane_id = r.lane_id and t.task_id = r.task_id where r.lane_id = f.lane_id) t
            where \(notTheirs) limit 1) r on true
        left join lateral (
            select t.lane_id from (
                select lane_id, task_id from lease where person_id <> $1 and lane_id = f.lane_id
                union all
                select lane_id, task_id from parked where person_id <> $1 and lane_id = f.lane_id) t
            where r.effort_seconds is null and \(notTheirs) limit 1) h on true
        """)
    /// Not answered, held, parked or declined by person $1, and not closed.
    private static let notTheirs = """
        not exists (select from label x where x.person_id = $1 and x.task_id = t.task_id)
            and not exists (select from lease x where x.person_id = $1 and x.task_id = t.task_id)
            and not exists (select from parked x where x.person_id = $1 and x.task_id = t.task_id)
            and not exists (select from declined x where x.task_id = t.task_id and x.person_id = $1)
            and not exists (select from closed_task x where x.task_id = t.task_id)
        """
    /// Index: task_pkey.
    static let effort = Statement(
        "reason_effort", "select effort_seconds from task where lane_id = $1 and task_id = $2")
    /// Index: decision_person, backwards.
    static let refusals = Statement(
        "reason_refusals",
        """
        select at, rule, value, bound, until, scope from decision
        where person_id = $1 and at >= clock() - make_interval(secs => $2) order by at desc limit $3
        """)
    /// Indexes: lease_person, parked_person, then primary keys.
    static let leases = Statement(
        "reason_leases",
        """
        select j.name, t.external_key, h.task_id, n.kind, n.severity, h.parked, h.at_limit, h.ends, h.why,
            v.provenance_id, v.policy_version, v.instructions_version, v.agreements, h.deadline_rule
        from (select task_id, lane_id, project_id, provenance_id, false parked, false at_limit, deadline ends, why,
                    deadline_rule
                from lease where person_id = $1
            union all
            select task_id, lane_id, project_id, provenance_id, true, at_limit, until, why, null
                from parked where person_id = $1) h
        join project j on j.project_id = h.project_id join lane n on n.lane_id = h.lane_id
        join task t on t.lane_id = h.lane_id and t.task_id = h.task_id
        join provenance v on v.provenance_id = h.provenance_id
        order by h.parked, h.ends, h.task_id
        """)
    /// Index: coordinator_life_pkey, backwards.
    static let deployment = Statement(
        "reason_deployment",
        """
        select d.read_only, exists (select from coordinator c where c.left_at is null
            and (select l.until from coordinator_life l where l.coordinator_id = c.coordinator_id
                order by l.n desc limit 1) > clock())
        from deployment d
        """)
}

extension Ledger {
    /// How long refusals are kept.
    public static let refusalsKept = Duration.hours(24 * Int(HistoryTable.decision.keptDays))
    /// At most one a minute is kept.
    private static let refusalsMax = Int32(HistoryTable.decision.keptDays) * 24 * 60

    /// Why work comes or does not come to a person now, in one snapshot. `project`: only there, also where they are not
    /// enrolled. Throws `.notFound` for an unknown person or project.
    public func reasons(
        of name: String, project: String? = nil, since: Duration = refusalsKept
    ) async throws -> PersonReasons {
        guard let row = try await person(named: name) else { throw unknownPerson(name) }
        return try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
            let standing = try await PersonStanding.read(row, project: project, on: connection)
            let seconds = Int32(clamping: min(max(since, .zero), Self.refusalsKept).components.seconds)
            let results = try await connection.pipeline([
                Query(ReasonStatements.deployment),
                Query(ReasonStatements.lanes, .int8Array(standing.projects.map(\.id.rawValue))),
                Query(
                    ReasonStatements.refusals, .int8(row.id.rawValue), .int4(seconds),
                    .int4(Self.refusalsMax)),
                Query(ReasonStatements.leases, .int8(row.id.rawValue)),
            ])
            return PersonReasons(
                standing: standing, readOnly: try results[0][0].bool(0), hasCoordinator: try results[0][0].bool(1),
                lanes: try await LaneLook(person: row.id, connection: connection).outlooks(results[1]),
                refusals: try results[2].map { try StoredRefusal($0) },
                leases: try results[3].map { try LeaseAccount($0) })
        }
    }
}

extension StoredRefusal {
    fileprivate init(_ row: Row) throws {
        at = Moment(microseconds: try row.timestamptz(0))
        rule = try row.text(1)
        value = try row.text(2)
        limit = try row.text(3)
        until = try row.timestamptzOrNil(4).map { Moment(microseconds: $0) }
        scope = try row.textOrNil(5)
    }
}

extension LeaseAccount {
    fileprivate init(_ row: Row) throws {
        project = try row.text(0)
        key = try row.text(1)
        task = TaskID(try row.int8(2))
        kind = try row.text(3)
        severity = Int(try row.int2(4))
        parkedByLimit = try row.bool(5) ? try row.bool(6) : nil
        ends = Moment(microseconds: try row.timestamptz(7))
        figures = try row.int8Array(8)
        provenance = ProvenanceID(try row.int8(9))
        policyVersion = try row.int8(10)
        instructionsVersion = try row.int8(11)
        agreements = try row.textArray(12)
        deadlineRule = try row.textOrNil(13)
    }
}
