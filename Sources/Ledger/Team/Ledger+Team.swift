import PlimsollModel
import Postgres

/// A team as those see it who arrange work: who answers for it, and how many are in it.
public struct TeamRow: Sendable, Hashable {
    public let name: String
    public let supervisor: String
    public let engineers: Int
    /// Of the supervisor's teams together.
    public let span: Int
}

enum TeamStatements {
    static let make = Statement(
        "team_make",
        """
        insert into team (name, supervisor_id, created_at, created_by) values ($1, $2, clock(), $3)
        on conflict (name) do nothing returning team_id
        """)
    /// Index: team_name_key. Lock order: after the epoch, before the supervisor's row.
    static let lock = Statement(
        "team_lock", "select team_id, supervisor_id from team where name = $1 for no key update")
    static let set = Statement("team_set", "update team set supervisor_id = $2 where team_id = $1")
    /// A row a team; members are counted through team_member_team.
    static let list = Statement(
        "team_list",
        """
        with counted as (
            select t.team_id, t.name, t.supervisor_id,
                (select count(*) from team_member m where m.team_id = t.team_id) as engineers
            from team t)
        select c.name, p.name, c.engineers, sum(c.engineers) over (partition by c.supervisor_id)::bigint
        from counted c join person p on p.person_id = c.supervisor_id order by c.name
        """)
    static let members = Statement(
        "team_members",
        """
        select p.name from team t join team_member m using (team_id) join person p on p.person_id = m.person_id
        where t.name = $1 order by p.name
        """)
    /// Indexes: person_pkey, team_member_pkey.
    static let membership = Statement(
        "team_membership",
        "select t.supervisor_id, t.name from team_member m join team t using (team_id) where m.person_id = $1")
    /// Keeps the membership that ends. Index: team_member_pkey. Needs the person's lock.
    static let keep = Statement(
        "team_member_keep",
        """
        insert into past_team_member (person_id, team_id, since, decided_by, ended_at, ended_by, end_reason)
        select person_id, team_id, since, decided_by, clock(), $2, $3 from team_member where person_id = $1
        """)
    static let move = Statement(
        "team_member_move",
        "update team_member set team_id = $2, since = clock(), decided_by = $3 where person_id = $1")
    static let drop = Statement("team_member_drop", "delete from team_member where person_id = $1")
}

extension Ledger {
    /// Makes a team without members. Throws `.conflict` for a name that is taken and `.invalid` for a supervisor who
    /// does not hold the role supervisor or operator.
    public func createTeam(_ name: String, supervisor: String, by actor: String) async throws -> TeamRow {
        try NameRule.check(name, "team")
        try await transaction { connection in
            guard try await makeTeam(name, of: supervisor, by: actor, on: connection) else {
                throw LedgerError(.conflict, "there is a team \(name) already", remedy: "plimsoll team show \(name)")
            }
        }
        return try await team(name)
    }

    /// Gives a team another supervisor, who comes to answer for everybody in it. Throws `.notFound`, `.invalid` and
    /// `.refused` by the span of control.
    public func setTeam(_ name: String, supervisor: String, by actor: String) async throws -> SpanOfControl {
        try await transaction { connection in
            let old = try await lockTeamRow(name, on: connection)
            try await checkSupervisor(supervisor, on: connection)
            let new = try await lockPerson(supervisor, on: connection)
            _ = try await connection.query(Query(TeamStatements.set, .int8(old.id), .int8(new.id.rawValue)))
            let locked = LockedTeam(
                id: old.id, name: name, supervisor: new, oversight: try await oversight(on: connection))
            let span = try await locked.span(on: connection)
            try span.check()
            for member in try await connection.query(Query(TeamStatements.members, .text(name)))
            where try member.text(0) == supervisor {
                throw LedgerError(.invalid, "\(supervisor) is in the team \(name) and cannot be their own supervisor")
            }
            try await appendChainEvent(
                .teamSet, actor: actor, detail: ["team": .string(name), "supervisor": .string(supervisor)],
                on: connection)
            return span
        }
    }

    /// Puts an engineer into another team, so under another supervisor; the former membership is kept with who ended
    /// it and why. Being in that team already is no error. Throws `.notFound`, `.invalid` and `.refused` by the span of
    /// control.
    public func moveEngineer(
        _ name: String, to team: String, reason: String, by actor: String
    ) async throws -> SpanOfControl {
        try ReasonRule.check(reason, "nobody is moved without a reason")
        let (span, person) = try await transaction { connection in
            let new = try await lockTeam(team, on: connection)
            let person = try await lockPerson(name, on: connection)
            guard person.id != new.supervisor.id else {
                throw LedgerError(.invalid, "\(name) cannot be their own supervisor")
            }
            let old = try await connection.query(Query(TeamStatements.membership, .int8(person.id.rawValue))).first
            let from = try old?.text(1)
            if from == team { return (try await new.span(on: connection), person) }
            try await checkSupervisor(new.supervisor.name, on: connection)
            if from == nil {
                _ = try await connection.query(
                    Query(SpanStatements.enter, .int8Array([person.id.rawValue]), .int8(new.id), .text(actor)))
            } else {
                _ = try await connection.pipeline([
                    Query(TeamStatements.keep, .int8(person.id.rawValue), .text(actor), .text(reason)),
                    Query(TeamStatements.move, .int8(person.id.rawValue), .int8(new.id), .text(actor)),
                ])
            }
            let span = try await new.span(on: connection)
            // From one team of a supervisor to another nobody comes in.
            if try old?.int8(0) != new.supervisor.id.rawValue { try span.check() }
            _ = try await appendFact(person.id, on: connection)
            try await appendChainEvent(
                .engineerMoved, actor: actor, about: person.id,
                detail: [
                    "person": .string(name), "from": from.map { .string($0) } ?? .null, "to": .string(team),
                    "reason": .string(reason),
                ], on: connection)
            return (span, person)
        }
        await notify(.person, person.id.description)
        return span
    }

    /// All teams, by name.
    public func teams() async throws -> [TeamRow] {
        try await read(Query(TeamStatements.list)).map {
            TeamRow(
                name: try $0.text(0), supervisor: try $0.text(1), engineers: Int(try $0.int8(2)),
                span: Int(try $0.int8(3)))
        }
    }

    /// Throws `.notFound`.
    public func team(_ name: String) async throws -> TeamRow {
        guard let team = try await teams().first(where: { $0.name == name }) else { throw unknownTeam(name) }
        return team
    }

    /// The names of those in a team, which is all that others see of them here (P9).
    public func teamMembers(_ name: String) async throws -> [String] {
        try await read(Query(TeamStatements.members, .text(name))).map { try $0.text(0) }
    }
}

func unknownTeam(_ name: String) -> LedgerError {
    LedgerError(.notFound, "there is no team “\(name)”", remedy: "see plimsoll team list")
}

/// Makes a team inside the caller's transaction; false when there is one of this name.
@discardableResult
func makeTeam(
    _ name: String, of supervisor: String, by actor: String, on connection: isolated Connection
) async throws -> Bool {
    try await checkSupervisor(supervisor, on: connection)
    guard let person = try await connection.query(Query(PersonStatements.byName, .text(supervisor))).first else {
        throw unknownPerson(supervisor)
    }
    let rows = try await connection.query(
        Query(TeamStatements.make, .text(name), .int8(try person.int8(0)), .text(actor)))
    if rows.isEmpty { return false }
    try await appendChainEvent(
        .teamCreated, actor: actor, detail: ["team": .string(name), "supervisor": .string(supervisor)],
        on: connection)
    return true
}

/// Throws `.invalid` when this is not the name of somebody who may answer for engineers.
func checkSupervisor(_ name: String, on connection: isolated Connection) async throws {
    let row = try await connection.query(Query(SpanStatements.decider, .text(name))).first
    guard try row?.bool(0) == true else {
        throw LedgerError(
            .invalid, "“\(name)” cannot answer for a team: a person with the role supervisor or operator does",
            remedy: "plimsoll role grant \(name) supervisor")
    }
}

/// Locks a team's row alone.
private func lockTeamRow(
    _ name: String, on connection: isolated Connection
) async throws -> (id: Int64, supervisor: PersonID) {
    guard let row = try await connection.query(Query(TeamStatements.lock, .text(name))).first else {
        throw unknownTeam(name)
    }
    return (try row.int8(0), PersonID(try row.int8(1)))
}

/// Locks a team and then its supervisor, until the transaction ends. Throws `.notFound`.
func lockTeam(_ name: String, on connection: isolated Connection) async throws -> LockedTeam {
    let team = try await lockTeamRow(name, on: connection)
    let rows = try await connection.query(
        Query(PersonStatements.lockByID, .int8Array([team.supervisor.rawValue])))
    return LockedTeam(
        id: team.id, name: name, supervisor: try PersonRow(rows[0]), oversight: try await oversight(on: connection))
}

/// The present policy's limits about groups.
func oversight(on connection: isolated Connection) async throws -> OversightLimits {
    guard let row = try await connection.query(Query(PolicyStatements.latest)).first else { return .defaults }
    return try PolicyRow(row).parsed().oversight
}
