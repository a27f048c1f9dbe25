import Crypto
public import PlimsollModel
import Postgres

/// What a pulled cord led to. Nothing of how many have pulled: that is shown to nobody.
public enum CordOutcome: String, Sendable, CaseIterable {
    /// It counts.
    case counted
    /// The project has few engineers: it is a concern, due today.
    case concern
    /// The project stands still.
    case paused
}

/// A project that stands still because enough people pulled the cord.
public struct CordPause: Sendable, Hashable {
    public let project: String
    public let pausedOn: LocalDay
}

enum CordStatements {
    /// Index: cord_key_pkey. Lock order: after the project's row.
    static let key = Statement("cord_key", "select key from cord_key where project_id = $1")
    static let makeKey = Statement("cord_make_key", "insert into cord_key (project_id, key) values ($1, $2)")
    static let pull = Statement(
        "cord_pull", "insert into cord (project_id, hash) values ($1, $2) on conflict do nothing")
    /// Indexes: cord_pkey, enrolment_pkey.
    static let counts = Statement(
        "cord_counts",
        """
        select (select count(*) from cord where project_id = $1), (select count(*) from enrolment where project_id = $1)
        """)
    static let enrolled = Statement(
        "cord_enrolled",
        """
        select exists (select from enrolment e join person p using (person_id)
            where e.project_id = $1 and p.name = $2)
        """)
    static let pause = Statement(
        "cord_pause", "insert into cord_pause (project_id, paused_on) values ($1, $2) on conflict do nothing")
    static let list = Statement(
        "cord_list",
        """
        select j.name, c.paused_on from cord_pause c join project j using (project_id)
        where $2 or exists (select from named_person n where n.project_id = c.project_id and n.name = $1)
        order by j.name
        """)
    static let forgetCords = Statement("cord_forget", "delete from cord where project_id = $1")
    static let forgetKey = Statement("cord_forget_key", "delete from cord_key where project_id = $1")
    static let forgetPause = Statement("cord_forget_pause", "delete from cord_pause where project_id = $1")
}

extension Ledger {
    /// The concern that a cord becomes.
    private static let cordText = "Somebody has pulled the cord: they ask to stop this project."
    private static let pauseText = "Enough people have pulled the cord: the project stands still."

    /// Pulls the cord: asks to stop a project. Works at any limit and in read-only mode. Each person counts once, as a
    /// hash under a key that is deleted on resume; at the threshold the project pauses. The caller's name goes no
    /// further. Throws `.notFound` for a project and `.refused` for somebody who is not enrolled in it.
    public func pullCord(project name: String, by person: String) async throws -> CordOutcome {
        let (outcome, isReached) = try await transaction { connection in
            _ = try await connection.query(Query(ProjectStatements.lock, .text(name)))
            let project = try await findProject(name, on: connection)
            guard project.state != .closed else { throw LedgerError(.conflict, "the project \(name) is closed") }
            let id = project.id.rawValue
            guard try await connection.query(Query(CordStatements.enrolled, .int8(id), .text(person)))[0].bool(0) else {
                throw LedgerError(.refused, "the cord of a project is pulled by who is enrolled in it")
            }
            let key = try await cordKey(id, on: connection)
            let hash = HMAC<SHA256>.authenticationCode(for: Array(person.utf8), using: SymmetricKey(data: key))
            let pulled = try await connection.query(
                Query(CordStatements.pull, .int8(id), .bytea(Array(hash))))
            if project.state == .paused { return (CordOutcome.paused, false) }
            let counts = try await connection.query(Query(CordStatements.counts, .int8(id)))[0]
            let limits = try await oversight(on: connection)
            guard let threshold = CordThreshold.people(engineers: Int(try counts.int8(1)), oversight: limits) else {
                // Once a person, however often they pull.
                if pulled.affected == 1 {
                    let today = try await concernDay(project: id, on: connection)
                    _ = try await insertConcern(
                        project: id, .cord, author: nil, tokenHash: nil, Self.cordText, raisedOn: today, dueOn: today,
                        on: connection)
                }
                return (.concern, false)
            }
            return (.counted, Int(try counts.int8(0)) >= threshold)
        }
        guard isReached else { return outcome }
        try await pauseByCord(name)
        return .paused
    }

    /// Projects that stand still by the cord, for those who are named for them, and operators.
    public func cords(for reader: ConcernReader) async throws -> [CordPause] {
        try await read(Query(CordStatements.list, .text(reader.name), .bool(reader.isOperator))).map {
            CordPause(project: try $0.text(0), pausedOn: LocalDay(try $0.date(1)))
        }
    }

    /// Lets a project go on, and forgets who pulled the cord. By somebody who is named for it, or an operator. Throws
    /// `.notFound` for one that does not stand still by the cord, or is another's.
    public func resumeCord(project name: String, by reader: ConcernReader) async throws {
        guard try await cords(for: reader).contains(where: { $0.project == name }) else {
            throw LedgerError(
                .notFound, "no project \(name) of yours stands still by the cord",
                remedy: "see plimsoll concern cord list")
        }
        _ = try await setProjectState(name, to: .open, by: reader.name)
    }

    /// With the epoch: no lease of the project commits after this returned.
    private func pauseByCord(_ name: String) async throws {
        try await withEpoch(cause: "project paused by cord") { connection in
            let project = try await findProject(name, on: connection)
            guard project.state == .open else { return }
            let id = project.id.rawValue
            let today = try await concernDay(project: id, on: connection)
            _ = try await connection.pipeline([
                Query(ProjectStatements.state, .int8(id), .text(ProjectState.paused.rawValue)),
                Query(CordStatements.pause, .int8(id), .date(days: today.rawValue)),
            ])
            _ = try await insertConcern(
                project: id, .cord, author: nil, tokenHash: nil, Self.pauseText, raisedOn: today, dueOn: today,
                on: connection)
            // Not whose cord it was: the last of several, and none of them by name.
            try await appendChainEvent(
                .cordPaused, actor: "cord", detail: ["project": .string(name)], on: connection)
        }
    }
}

/// Forgets who pulled the cord of a project that goes on, or is over.
func forgetCords(of project: ProjectID, on connection: isolated Connection) async throws {
    let id = Bind.int8(project.rawValue)
    _ = try await connection.pipeline([
        Query(CordStatements.forgetCords, id), Query(CordStatements.forgetKey, id),
        Query(CordStatements.forgetPause, id),
    ])
}

/// Where few people work a cord is a concern and nothing pauses; once it is answered it can be pulled again.
func forgetAnsweredCords(of project: ProjectRecord, on connection: isolated Connection) async throws {
    let counts = try await connection.query(Query(CordStatements.counts, .int8(project.id.rawValue)))[0]
    let limits = try await oversight(on: connection)
    guard project.state == .open, CordThreshold.people(engineers: Int(try counts.int8(1)), oversight: limits) == nil
    else { return }
    try await forgetCords(of: project.id, on: connection)
}

/// Random bytes of a cord key.
private let cordKeyBytes = 32

/// The project's key, made when there is none. Needs the project's lock.
private func cordKey(_ project: Int64, on connection: isolated Connection) async throws -> [UInt8] {
    if let row = try await connection.query(Query(CordStatements.key, .int8(project))).first {
        return try row.bytes(0)
    }
    var generator = SystemRandomNumberGenerator()
    let key = (0..<cordKeyBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    _ = try await connection.query(Query(CordStatements.makeKey, .int8(project), .bytea(key)))
    return key
}
