import PlimsollModel
import Postgres

/// By how much one transaction changes a project's figures. Waiting is what is left of the slots.
struct TallyChange: Sendable, Hashable {
    var slots: Int64 = 0
    var leased: Int64 = 0
    var parked: Int64 = 0
    var done: Int64 = 0
    var late: Int64 = 0
    var quarantined: Int64 = 0
}

enum TallyStatements {
    /// One row a project; nothing is updated, so no two transactions meet.
    static let append = Statement(
        "tally_append",
        """
        insert into tally (project_id, at, slots, leased, parked, done, late, quarantined)
        select t.project_id, clock(), t.slots, t.leased, t.parked, t.done, t.late, t.quarantined
        from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
            t (project_id, slots, leased, parked, done, late, quarantined)
        """)
}

/// Counts what the caller's transaction changed.
func appendTally(_ changes: [ProjectID: TallyChange], on connection: isolated Connection) async throws {
    let changes = changes.filter { $0.value != TallyChange() }.sorted { $0.key < $1.key }
    if changes.isEmpty { return }
    _ = try await connection.query(
        Query(
            TallyStatements.append, .int8Array(changes.map(\.key.rawValue)), .int8Array(changes.map(\.value.slots)),
            .int8Array(changes.map(\.value.leased)), .int8Array(changes.map(\.value.parked)),
            .int8Array(changes.map(\.value.done)), .int8Array(changes.map(\.value.late)),
            .int8Array(changes.map(\.value.quarantined))))
}
