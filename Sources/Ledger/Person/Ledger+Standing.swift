public import PlimsollModel
import Postgres

/// What is known of one person now, for that person's own eyes: the same rows that a flush reads.
public struct PersonStanding: Sendable {
    public let person: StoredPerson
    public let line: PersonLine
    /// The person's own projects that are not closed, by name.
    public let projects: [StoredProject]
    /// Kind and severity of the lanes that the person's leases are in.
    public let lanes: [LaneID: LeasedLane]
    public let now: Moment
    /// The date in the person's zone.
    public let today: LocalDay

    /// What a lease is about.
    public struct LeasedLane: Sendable, Hashable {
        public let kind: String
        public let severity: Int
    }
}

enum StandingStatements {
    /// Index: lane_pkey.
    static let lanes = Statement(
        "standing_lanes", "select lane_id, kind, severity from lane where lane_id = any($1::bigint[])")
    static let clock = Statement(
        "standing_clock", "select n.at, (n.at at time zone $1)::date from (select clock() as at) n")
}

extension Ledger {
    /// Where a person stands now. Nothing is locked, so the next flush may see something newer. Throws `.notFound`.
    public func standing(of name: String) async throws -> PersonStanding {
        guard let row = try await person(named: name) else { throw unknownPerson(name) }
        return try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
            guard let stored = try await FlushSession(connection: connection).people([row.id]).first else {
                throw unknownPerson(name)
            }
            let deployment = try await DeploymentState.read(on: connection)
            let results = try await connection.pipeline([
                Query(StandingStatements.lanes, .int8Array(stored.leases.map(\.lane.rawValue))),
                Query(StandingStatements.clock, .text(row.zone)),
            ])
            var lanes: [LaneID: PersonStanding.LeasedLane] = [:]
            for lane in results[0] {
                lanes[LaneID(try lane.int8(0))] = PersonStanding.LeasedLane(
                    kind: try lane.text(1), severity: Int(try lane.int2(2)))
            }
            let document = try deployment.policyDocument.map { try PolicyDocument(yaml: $0) } ?? .defaults
            return PersonStanding(
                person: stored, line: PersonLine(stored.layers, under: document),
                projects: deployment.projects.values.filter { stored.enrolled.contains($0.id) }
                    .sorted { $0.name < $1.name },
                lanes: lanes, now: Moment(microseconds: try results[1][0].timestamptz(0)),
                today: LocalDay(try results[1][0].date(1)))
        }
    }
}
