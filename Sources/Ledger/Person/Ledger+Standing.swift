public import PlimsollModel
import Postgres

/// What is known of one person now, for that person's own eyes: the same rows that a flush reads.
public struct PersonStanding: Sendable {
    public let person: StoredPerson
    /// The policy in force.
    public let document: PolicyDocument
    public let line: PersonLine
    /// The person's own projects that are not closed, by name.
    public let projects: [StoredProject]
    /// Kind and severity of the lanes that the person's leases are in.
    public let lanes: [LaneID: LeasedLane]
    public let now: Moment
    /// The date in the person's zone.
    public let today: LocalDay
}

enum StandingStatements {
    /// Index: lane_pkey.
    static let lanes = Statement(
        "standing_lanes", "select lane_id, kind, severity from lane where lane_id = any($1::bigint[])")
    static let clock = Statement(
        "standing_clock", "select n.at, (n.at at time zone safe_zone($1))::date from (select clock() as at) n")
}

extension Ledger {
    /// Where a person stands now. Nothing is locked, so the next flush may see something newer. Throws `.notFound`.
    public func standing(of name: String) async throws -> PersonStanding {
        guard let row = try await person(named: name) else { throw unknownPerson(name) }
        return try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
            try await PersonStanding.read(row, on: connection)
        }
    }
}

extension PersonStanding {
    /// As of the transaction's snapshot. With `project` of that one alone, whether the person is enrolled or not.
    static func read(
        _ row: PersonRow, project: String? = nil, on connection: isolated Connection
    ) async throws -> PersonStanding {
        guard let stored = try await FlushSession(connection: connection).people([row.id]).first else {
            throw unknownPerson(row.name)
        }
        let deployment = try await DeploymentState.read(on: connection)
        let results = try await connection.pipeline([
            Query(StandingStatements.lanes, .int8Array(stored.leases.map(\.lane.rawValue))),
            Query(StandingStatements.clock, .text(row.zone)),
        ])
        let lanes = try LeasedLane.byLane(results[0])
        let projects = deployment.projects.values.filter { known in
            project.map { known.name == $0 } ?? stored.enrolled.contains(known.id)
        }
        if let project, projects.isEmpty {
            let isClosed = deployment.closedProjects.values.contains { $0.name == project }
            throw isClosed
                ? LedgerError(.notFound, "\(project) is closed: nothing is leased of it any more")
                : unknownProject(project)
        }
        let document = try deployment.policyInForce()
        return PersonStanding(
            person: stored, document: document, line: PersonLine(stored.layers, under: document),
            projects: projects.sorted { $0.name < $1.name }, lanes: lanes,
            now: Moment(microseconds: try results[1][0].timestamptz(0)), today: LocalDay(try results[1][0].date(1)))
    }

    /// Where each limit of the person comes from, by its key in a policy document; in a project, or in none in
    /// particular. Empty where a layer cannot be read, which closes the person's line (P2).
    public func sources(in project: ProjectID? = nil) -> [String: EffectiveLimits.Entry] {
        // What is wrong with a layer is told where it is set, and by `PersonLine.fault`.
        let limits = try? person.layers.limits(document: document, project: project)
        return Dictionary(uniqueKeysWithValues: (limits?.entries ?? []).map { ($0.key, $0) })
    }
}

extension LeasedLane {
    /// The answer of `StandingStatements.lanes`.
    static func byLane(_ rows: Rows) throws -> [LaneID: LeasedLane] {
        var lanes: [LaneID: LeasedLane] = [:]
        for row in rows {
            lanes[LaneID(try row.int8(0))] = LeasedLane(kind: try row.text(1), severity: Int(try row.int2(2)))
        }
        return lanes
    }
}
