import Crypto
public import PlimsollModel
import Postgres

/// What a pulled cord led to. Nothing of how many have pulled: that is shown to nobody.
public enum CordOutcome: String, Sendable, CaseIterable {
    /// It counts, or has counted: who resumed the project meanwhile has heard it.
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
    /// Whether a project stands still by the cord and $2, as an operator ($3) or named for it, may let it go on. Under the
    /// epoch, without which no role, denial, named person or pause changes. Indexes: project_name_key, cord_pause_pkey,
    /// person_name_key, named_person_pkey, role_grant_pkey; few denials are by person.
    static let mayResume = Statement(
        "cord_may_resume",
        """
        select exists (select from project j join cord_pause c using (project_id)
            where j.name = $1
                and (exists (select from named_person n where n.project_id = c.project_id and n.name = $2)
                    or $3 and exists (select from person p join role_grant g using (person_id)
                        where p.name = $2 and g.role = 'operator'))
                and not exists (select from person p join denial d using (person_id) where p.name = $2))
        """)
    /// Every project whose cord may be pulled, in id order. Lock order: after the epoch and people, as of one project.
    static let lockProjects = Statement(
        "cord_lock_projects",
        "select project_id from project where state <> 'closed' order by project_id for no key update")
    static let keys = Statement("cord_keys", "select project_id, key from cord_key order by project_id")
    /// Index: cord_pkey.
    static let take = Statement("cord_take", "delete from cord where project_id = $1 and hash = $2")
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
        let (outcome, keyReached) = try await transaction { connection in
            _ = try await connection.pipeline([
                Query(EpochStatements.patience), Query(ProjectStatements.lock, .text(name)),
            ])
            let project = try await findProject(name, on: connection)
            guard project.state != .closed else { throw LedgerError(.conflict, "the project \(name) is closed") }
            let id = project.id.rawValue
            guard try await connection.query(Query(CordStatements.enrolled, .int8(id), .text(person)))[0].bool(0) else {
                throw LedgerError(.refused, "the cord of a project is pulled by who is enrolled in it")
            }
            let key = try await cordKey(id, on: connection)
            let pulled = try await connection.query(
                Query(CordStatements.pull, .int8(id), .bytea(cordHash(of: person, under: key))))
            if project.state == .paused { return (CordOutcome.paused, [UInt8]?.none) }
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
                return (.concern, nil)
            }
            return (.counted, Int(try counts.int8(0)) >= threshold ? key : nil)
        }
        guard let keyReached else { return outcome }
        return try await pauseByCord(name, reachedUnder: keyReached)
    }

    /// Projects that stand still by the cord, for those who are named for them, and operators.
    public func cords(for reader: ConcernReader) async throws -> [CordPause] {
        try await read(Query(CordStatements.list, .text(reader.name), .bool(reader.isOperator))).map {
            CordPause(project: try $0.text(0), pausedOn: LocalDay(try $0.date(1)))
        }
    }

    /// Lets a project go on, and forgets who pulled the cord. By somebody who is named for it, or an operator. Throws
    /// `.notFound` for one that does not stand still by the cord, or is another's: as it is with the epoch, so that an
    /// operator's role, or a name for the project, that was taken meanwhile lets nothing go on.
    public func resumeCord(project name: String, by reader: ConcernReader) async throws {
        try await withEpoch(cause: "project resumed by cord") { connection in
            let mayResume = try await connection.query(
                Query(CordStatements.mayResume, .text(name), .text(reader.name), .bool(reader.isOperator)))
            guard try mayResume[0].bool(0) else {
                throw LedgerError(
                    .notFound, "no project \(name) of yours stands still by the cord",
                    remedy: "see plimsoll concern cord list")
            }
            _ = try await changeState(of: name, to: .open, by: reader.name, on: connection)
        }
    }

    /// With the epoch: no lease of the project commits after this returned. Those who had pulled when there were enough
    /// are still counted while their key is there; without it somebody has heard them meanwhile and let the project go
    /// on, and nothing pauses again that nobody has asked for since.
    private func pauseByCord(_ name: String, reachedUnder key: [UInt8]) async throws -> CordOutcome {
        try await withEpoch(cause: "project paused by cord") { connection in
            _ = try await connection.query(Query(ProjectStatements.lock, .text(name)))
            let project = try await findProject(name, on: connection)
            guard project.state == .open else { return .paused }
            let id = project.id.rawValue
            let present = try await connection.query(Query(CordStatements.key, .int8(id))).first
            guard try present?.bytes(0) == key else { return .counted }
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
            return .paused
        }
    }
}

/// Forgets who pulled the cord of a project that goes on, or is over. Needs the project's lock: who pulls meanwhile would
/// be counted under a key that is gone.
func forgetCords(of project: ProjectID, on connection: isolated Connection) async throws {
    let id = Bind.int8(project.rawValue)
    _ = try await connection.pipeline([
        Query(CordStatements.forgetCords, id), Query(CordStatements.forgetKey, id),
        Query(CordStatements.forgetPause, id),
    ])
}

/// Where few people work a cord is a concern and nothing pauses; once it is answered it can be pulled again.
func forgetAnsweredCords(of project: ProjectRecord, on connection: isolated Connection) async throws {
    _ = try await connection.pipeline([
        Query(EpochStatements.patience), Query(ProjectStatements.lock, .text(project.name)),
    ])
    let project = try await findProject(project.name, on: connection)
    let counts = try await connection.query(Query(CordStatements.counts, .int8(project.id.rawValue)))[0]
    let limits = try await oversight(on: connection)
    guard project.state == .open, CordThreshold.people(engineers: Int(try counts.int8(1)), oversight: limits) == nil
    else { return }
    try await forgetCords(of: project.id, on: connection)
}

/// Takes the hashes by which cords could be told to be this person's, whose name is erased in this transaction. The cords
/// stay pulled, each under random bytes in place of its hash; whoever has the name next pulls one of their own. Waits for
/// whoever pulls at this moment. Under the epoch and the person's lock, and with the enrolments gone before its end.
func makeCordsNobodys(of name: String, on connection: isolated Connection) async throws {
    _ = try await connection.query(Query(CordStatements.lockProjects))
    for row in try await connection.query(Query(CordStatements.keys)) {
        let project = Bind.int8(try row.int8(0))
        let hash = cordHash(of: name, under: try row.bytes(1))
        let taken = try await connection.query(Query(CordStatements.take, project, .bytea(hash)))
        guard taken.affected == 1 else { continue }
        _ = try await connection.query(Query(CordStatements.pull, project, .bytea(randomBytes(hash.count))))
    }
}

/// What stands for a person in a project's cords: nobody who has no key can tell whose it is.
private func cordHash(of name: String, under key: [UInt8]) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: Array(name.utf8), using: SymmetricKey(data: key)))
}

private func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}

/// Random bytes of a cord key.
private let cordKeyBytes = 32

/// The project's key, made when there is none. Needs the project's lock.
private func cordKey(_ project: Int64, on connection: isolated Connection) async throws -> [UInt8] {
    if let row = try await connection.query(Query(CordStatements.key, .int8(project))).first {
        return try row.bytes(0)
    }
    let key = randomBytes(cordKeyBytes)
    _ = try await connection.query(Query(CordStatements.makeKey, .int8(project), .bytea(key)))
    return key
}
