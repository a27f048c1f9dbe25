import PlimsollModel
import Postgres

extension Ledger {
    /// Pauses, resumes or closes a project. No lease of it commits after a pause or close returned. Pausing lets open
    /// leases finish; closing ends them (`project_closed`) and is for good. Asking for the state it has is no error.
    public func setProjectState(_ name: String, to state: ProjectState, by actor: String) async throws -> ProjectRecord
    {
        try await withEpoch(cause: "project \(state.rawValue)") { connection in
            try await changeState(of: name, to: state, by: actor, on: connection)
        }
    }
}

/// The same in the caller's transaction, which holds the epoch.
func changeState(
    of name: String, to state: ProjectState, by actor: String, on connection: isolated Connection
) async throws -> ProjectRecord {
    let old = try await findProject(name, on: connection)
    if old.state == state { return old }
    guard old.state != .closed else {
        throw LedgerError(.conflict, "the project \(name) is closed for good", remedy: "create another project")
    }
    // People are locked before a project.
    if state == .closed { try await endWork(of: old.id, on: connection) }
    _ = try await connection.query(Query(ProjectStatements.lock, .text(name)))
    if state != .paused { try await forgetCords(of: old.id, on: connection) }
    _ = try await connection.query(Query(ProjectStatements.state, .int8(old.id.rawValue), .text(state.rawValue)))
    try await appendChainEvent(
        .projectState, actor: actor,
        detail: ["project": .string(name), "from": .string(old.state.rawValue), "to": .string(state.rawValue)],
        on: connection)
    return try await findProject(name, on: connection)
}

/// Ends every open and parked lease of a project, under the epoch and the locks of all who hold one.
private func endWork(of project: ProjectID, on connection: isolated Connection) async throws {
    let holders = try await connection.query(Query(ProjectStatements.holders, .int8(project.rawValue)))
        .map { PersonID(try $0.int8(0)) }
    try await lockPeople(holders, on: connection)
    _ = try await appendFacts(holders, on: connection)
    _ = try await endWork(of: holders, under: .project(project), how: .projectClosed, on: connection)
}
