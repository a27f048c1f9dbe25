public import PlimsollModel
import Postgres

/// Whether a coordinator has workers at hand for one project. No count and no person: only yes or no (P9, P10).
public struct ProjectPresence: Sendable, Hashable {
    public let project: ProjectID
    /// At least one of those connected could be given something of it.
    public let isAvailable: Bool

    public init(project: ProjectID, isAvailable: Bool) {
        self.project = project
        self.isAvailable = isAvailable
    }
}

enum PresenceStatements {
    /// Brings one coordinator's rows in line with what it says; writes nothing where nothing has changed. One that was
    /// taken out of the membership says nothing any more. Index: presence_pkey.
    static let report = Statement(
        "presence_report",
        """
        with said as (
            select project_id, available from unnest($2::bigint[], $3::boolean[]) s (project_id, available)
            where exists (select from coordinator c where c.coordinator_id = $1 and c.left_at is null)),
        gone as (
            delete from presence p where p.coordinator_id = $1
                and not exists (select from said s where s.project_id = p.project_id))
        insert into presence (coordinator_id, project_id, available)
        select $1, s.project_id, s.available from said s
        where not exists (select from presence p where p.coordinator_id = $1 and p.project_id = s.project_id
            and p.available = s.available)
        order by s.project_id
        on conflict (coordinator_id, project_id) do update set available = excluded.available
        """)
}

extension Ledger {
    /// Says for which projects a coordinator has workers at hand now; projects that are not named have none. Cheap when
    /// it is what was said before, so a coordinator repeats it every second and needs no memory of what it said.
    public func reportPresence(_ presence: [ProjectPresence], of coordinator: CoordinatorID) async throws {
        _ = try await read(
            Query(
                PresenceStatements.report, .int8(coordinator.rawValue),
                .int8Array(presence.map(\.project.rawValue)), .boolArray(presence.map(\.isAvailable))))
    }
}
