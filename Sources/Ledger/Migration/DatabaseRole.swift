import Postgres

/// The database roles that privileges are granted to.
public enum DatabaseRole: String, Sendable, CaseIterable {
    /// What coordinators log in as.
    case coordinator = "plimsoll_coordinator"
    /// Reads what says nothing about a person.
    case reader = "plimsoll_reader"

    /// Makes the roles that are missing, or says what an administrator has to run.
    static func ensure(_ connection: Connection) async throws {
        for role in allCases {
            if try await exists(role, connection) { continue }
            do {
                try await connection.execute(script: role.creation)
            } catch let error as PostgresError where error.sqlState == "42710" || error.sqlState == "23505" {
                // Roles belong to the cluster: a migrator of another database made it in this moment.
                continue
            } catch let error as PostgresError where error.sqlState == "42501" {
                throw LedgerError(
                    .schema, "the role \(role.rawValue) is missing and this role may not create roles",
                    remedy: "let an administrator run: \(role.creation)", cause: error)
            }
        }
    }

    private var creation: String { "create role \(rawValue) login" }

    private static func exists(_ role: DatabaseRole, _ connection: Connection) async throws -> Bool {
        let statement = Statement.unprepared("select exists (select from pg_roles where rolname = $1)")
        return try await connection.query(Query(statement, .text(role.rawValue)))[0].bool(0)
    }
}
