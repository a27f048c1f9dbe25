import PlimsollModel
import Postgres

/// Why leases end other than by their holder or their deadline, as lease history names it.
enum EndOfWork: String, Sendable {
    case withdrawn
    case denied
    case projectClosed = "project_closed"
    /// The person's enrolment in the project ended.
    case left
}

/// Which of some people's leases end.
enum EndScope: Sendable {
    case everything
    /// Those that need this purpose: by their project, by their severity, or by what they were granted on.
    case purpose(String)
    case project(ProjectID)
}

enum EndOfWorkStatements {
    /// Leases whose project needs `$2`, whose severity needs it, or that stand on it; or those of project `$3`; or all
    /// when both are null. Deletes by exact key. The coordinator that vouched may be gone and is not asked, so the
    /// caller puts the slots into spans. Indexes: lease_person, lane_pkey, project_purpose_pkey, provenance_pkey.
    /// Needs the people's locks.
    static let open = Statement(
        "end_open_leases",
        """
        with now as materialized (select clock() as at),
        gone as (
            delete from lease l using lane a, provenance v
            where l.person_id = any($1::bigint[]) and a.lane_id = l.lane_id and v.provenance_id = l.provenance_id
                and ($3::bigint is null or l.project_id = $3)
                and ($2::text is null
                    or exists (select from project_purpose u where u.project_id = l.project_id and u.purpose = $2)
                    or (a.severity > 1 and $2 = 'severity-' || a.severity)
                    or exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = $2))
            returning l.person_id, l.fence, l.task_id, l.slot, l.lane_id, l.project_id, l.granted_at, a.kind,
                a.severity, greatest(l.granted_at, least(l.deadline, (select at from now))) as ended),
        kept as (
            insert into lease_history (person_id, fence, task_id, slot, lane_id, granted_at, at, how)
            select g.person_id, g.fence, g.task_id, g.slot, g.lane_id, g.granted_at, g.ended, $4 from gone g)
        select g.project_id, g.lane_id, g.task_id, g.slot,
            exists (select from closed_task c where c.task_id = g.task_id), g.person_id, g.granted_at, g.ended,
            g.kind, g.severity
        from gone g order by g.lane_id, g.task_id, g.slot
        """)
    /// The same for parked leases, whose time is no leased time.
    static let parked = Statement(
        "end_parked_leases",
        """
        with now as materialized (select clock() as at),
        gone as (
            delete from parked l using lane a, provenance v
            where l.person_id = any($1::bigint[]) and a.lane_id = l.lane_id and v.provenance_id = l.provenance_id
                and ($3::bigint is null or l.project_id = $3)
                and ($2::text is null
                    or exists (select from project_purpose u where u.project_id = l.project_id and u.purpose = $2)
                    or (a.severity > 1 and $2 = 'severity-' || a.severity)
                    or exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = $2))
            returning l.person_id, l.fence, l.task_id, l.slot, l.lane_id, l.project_id, l.parked_at),
        kept as (
            insert into lease_history (person_id, fence, task_id, slot, lane_id, granted_at, at, how)
            select g.person_id, g.fence, g.task_id, g.slot, g.lane_id, greatest(now.at, g.parked_at),
                greatest(now.at, g.parked_at), $4
            from gone g, now)
        select g.project_id, g.lane_id, g.task_id, g.slot,
            exists (select from closed_task c where c.task_id = g.task_id)
        from gone g order by g.lane_id, g.task_id, g.slot
        """)
}

/// Ends leases of people whose locks the caller holds and about whom it has numbered a fact, keeps them in history,
/// frees their slots, counts them and the time they were open.
/// Gives the number of leases ended, open and parked, and the lanes that got a span.
func endWork(
    of people: [PersonID], under scope: EndScope, how: EndOfWork, on connection: isolated Connection
) async throws -> (ended: Int, lanes: [LaneID]) {
    if people.isEmpty { return (0, []) }
    var purpose: String?
    var project: Int64?
    switch scope {
    case .everything: break
    case .purpose(let name): purpose = name
    case .project(let id): project = id.rawValue
    }
    let binds: [Bind] = [
        .int8Array(people.map(\.rawValue)), .text(purpose), .int8(project), .text(how.rawValue),
    ]
    let results = try await connection.pipeline([
        Query(EndOfWorkStatements.open, binds), Query(EndOfWorkStatements.parked, binds),
    ])
    var tallies: [ProjectID: TallyChange] = [:]
    var ended = 0
    var slots: [FreeSlots] = []
    for (rows, counter) in zip(results, [\TallyChange.leased, \TallyChange.parked]) {
        for row in rows {
            let project = ProjectID(try row.int8(0))
            tallies[project, default: TallyChange()][keyPath: counter] -= 1
            ended += 1
            // A slot of a closed task does not wait.
            if try row.bool(4) {
                tallies[project, default: TallyChange()].quarantined += 1
                continue
            }
            slots.append(
                FreeSlots(
                    lane: LaneID(try row.int8(1)), slot: try row.int2(3), first: TaskID(try row.int8(2)),
                    last: TaskID(try row.int8(2)), isFresh: false))
        }
    }
    try await appendWork(
        try results[0].map { row in
            EndedWork(
                person: PersonID(try row.int8(5)),
                interval: WorkInterval(
                    start: Moment(microseconds: try row.timestamptz(6)),
                    end: Moment(microseconds: try row.timestamptz(7))),
                kind: try row.text(8), severity: Int(try row.int2(9)))
        }, on: connection)
    try await appendSpans(slots, on: connection)
    try await appendTally(tallies, on: connection)
    return (ended, Array(Set(slots.map(\.lane))).sorted())
}
