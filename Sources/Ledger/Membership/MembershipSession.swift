public import PlimsollModel
public import Postgres

/// One connection through which a coordinator proves that it lives, and finds those that do not.
public struct MembershipSession: Sendable {
    private let connection: Connection

    public init(connection: Connection) {
        self.connection = connection
    }

    public static let settings: [(String, String)] = [
        ("search_path", "plimsoll"), ("statement_timeout", "10000"), ("lock_timeout", "6000"),
    ]

    /// A life that a coordinator renews every second and that runs out by the database's clock.
    public static let life = Duration.seconds(3)

    private static let join = Statement(
        "member_join",
        """
        with joined as (insert into coordinator (name, address, joined_at) values ($1, $2, plimsoll.clock())
            returning coordinator_id),
        alive as (insert into coordinator_life (coordinator_id, n, until)
            select coordinator_id, 1, plimsoll.clock() + $3 from joined)
        select coordinator_id from joined
        """)
    /// Appended: see the table. Index: coordinator_life_pkey, backwards. A life that has run out is not renewed; the
    /// coordinator has to join again.
    private static let renew = Statement(
        "member_renew",
        """
        with last as (select n, until from coordinator_life where coordinator_id = $1 order by n desc limit 1)
        insert into coordinator_life (coordinator_id, n, until)
        select $1, n + 1, plimsoll.clock() + $2 from last
        where until > plimsoll.clock()
            and exists (select from coordinator c where c.coordinator_id = $1 and c.left_at is null)
        returning until
        """)
    /// Old renewals go in the order of the key, so that nobody walks over their remains.
    private static let trim = Statement(
        "member_trim",
        """
        delete from coordinator_life where coordinator_id = $1
            and n < (select max(n) - 60 from coordinator_life where coordinator_id = $1)
        """)
    /// Members whose life has run out.
    private static let dead = Statement(
        "member_dead",
        """
        select c.coordinator_id from coordinator c
        where c.left_at is null and c.coordinator_id <> $1
            and coalesce((select l.until from coordinator_life l where l.coordinator_id = c.coordinator_id
                order by l.n desc limit 1), c.joined_at) < plimsoll.clock()
        order by 1
        """)
    private static let lockEpoch = Statement("member_lock_epoch", "select pg_advisory_xact_lock($1)")
    /// Under the exclusive epoch lock: no flush of the coordinator that is taken over can commit any more.
    private static let markLeft = Statement(
        "member_mark_left",
        """
        update coordinator set left_at = plimsoll.clock() where coordinator_id = any($1::bigint[]) and left_at is null
        """)
    private static let bumpEpoch = Statement(
        "member_bump_epoch",
        "insert into epoch (version, cause, at) select max(version) + 1, $1, plimsoll.clock() from epoch")
    /// Those that left and whose blocks, or leases, nobody has taken on yet.
    private static let unfinished = Statement(
        "member_unfinished",
        """
        select c.coordinator_id, c.adopted_at is not null, c.settled_at is not null,
            plimsoll.clock() >= c.left_at + $1, least(c.left_at, coalesce((select max(l.until) from coordinator_life l
                where l.coordinator_id = c.coordinator_id) - $2, c.left_at))
        from coordinator c
        where c.left_at is not null and c.settled_at is null order by 1
        """)
    private static let adopted = Statement(
        "member_adopted", "update coordinator set adopted_at = plimsoll.clock() where coordinator_id = $1")
    /// What was said of its workers goes with it.
    private static let settled = Statement(
        "member_settled",
        """
        with presence as (delete from presence where coordinator_id = $1)
        update coordinator set settled_at = plimsoll.clock() where coordinator_id = $1
        """)
    /// Leases that a gone coordinator vouched for and that nobody presented. A plain scan of the open leases, once
    /// for each coordinator that is gone.
    private static let orphans = Statement(
        "member_orphans", "select person_id, task_id, fence from lease where coordinator_id = $1 order by person_id")

    public func close() async { await connection.close() }
    public var isUsable: Bool { get async { await connection.isUsable } }

    /// Joins under a number that no coordinator had before.
    public func join(name: String, address: String) async throws -> CoordinatorID {
        let rows = try await connection.query(
            Query(Self.join, .text(name), .text(address), .interval(microseconds: Self.life.microseconds)))
        let id = CoordinatorID(try rows[0].int8(0))
        try await takeOut([], cause: "coordinator joined")
        return id
    }

    /// Renews the life. False: it has run out or was taken over; join again.
    public func renew(_ coordinator: CoordinatorID) async throws -> Bool {
        let rows = try await connection.query(
            Query(Self.renew, .int8(coordinator.rawValue), .interval(microseconds: Self.life.microseconds)))
        return rows.count == 1
    }

    public func trim(_ coordinator: CoordinatorID) async throws {
        _ = try await connection.query(Query(Self.trim, .int8(coordinator.rawValue)))
    }

    /// Members whose life has run out, ourselves left out.
    public func dead(but coordinator: CoordinatorID) async throws -> [CoordinatorID] {
        try await connection.query(Query(Self.dead, .int8(coordinator.rawValue)))
            .map { CoordinatorID(try $0.int8(0)) }
    }

    /// Takes coordinators out of the membership under the exclusive epoch lock: once this returned, nothing that they
    /// decided can commit. Also the last act of a coordinator that drains.
    public func takeOut(_ coordinators: [CoordinatorID], cause: String) async throws {
        do {
            _ = try await connection.pipeline([
                Query(.unprepared("begin")),
                Query(Self.lockEpoch, .int8(EpochLock.key)),
                Query(Self.markLeft, .int8Array(coordinators.map(\.rawValue))),
                Query(Self.bumpEpoch, .text(cause)),
                Query(.unprepared("commit")),
            ])
        } catch {
            _ = try await connection.query(Query(.unprepared("rollback")))
            throw error
        }
        _ = try await connection.query(Query(.unprepared("notify plimsoll_epoch")))
    }

    /// One that left, with what is still to be done for it.
    public struct Departed: Sendable {
        public var coordinator: CoordinatorID
        public var isAdopted: Bool
        /// Its leases had their time to be presented elsewhere.
        public var isGraceOver: Bool
        /// When its life was last renewed: leased time that it vouched for ends there.
        public var lastSign: Moment
    }

    public func departed(grace: Duration) async throws -> [Departed] {
        try await connection.query(
            Query(
                Self.unfinished, .interval(microseconds: grace.microseconds),
                .interval(microseconds: Self.life.microseconds))
        ).map { row in
            Departed(
                coordinator: CoordinatorID(try row.int8(0)), isAdopted: try row.bool(1), isGraceOver: try row.bool(3),
                lastSign: Moment(microseconds: try row.timestamptz(4)))
        }
    }

    public func markAdopted(_ gone: CoordinatorID) async throws {
        _ = try await connection.query(Query(Self.adopted, .int8(gone.rawValue)))
    }

    public func markSettled(_ gone: CoordinatorID) async throws {
        _ = try await connection.query(Query(Self.settled, .int8(gone.rawValue)))
    }

    public func orphans(of gone: CoordinatorID) async throws -> [(person: PersonID, task: TaskID, fence: Fence)] {
        try await connection.query(Query(Self.orphans, .int8(gone.rawValue))).map { row in
            (PersonID(try row.int8(0)), TaskID(try row.int8(1)), Fence(try row.int8(2)))
        }
    }
}
