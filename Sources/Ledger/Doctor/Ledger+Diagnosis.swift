import FoundationEssentials
public import PlimsollModel
import Postgres

/// One thing that was looked at.
public struct DiagnosisRow: Sendable, Hashable {
    public enum State: String, Sendable, CaseIterable {
        case ok, warning, failed
    }

    public let name: String
    public let state: State
    public let finding: String
    /// What to do; empty when there is nothing to do.
    public let remedy: String

    public init(_ name: String, _ state: State, _ finding: String, remedy: String = "") {
        self.name = name
        self.state = state
        self.finding = finding
        self.remedy = remedy
    }
}

enum DiagnosisStatements {
    static let server = Statement.unprepared(
        """
        select current_setting('server_version'), pg_is_in_recovery(), current_setting('synchronous_commit'),
            current_setting('fsync'), current_setting('full_page_writes'),
            (select count(*) from pg_stat_replication), current_setting('synchronous_standby_names'),
            (extract(epoch from clock() - clock_timestamp()) * 1000000)::bigint, current_database()::text,
            current_user::text, coalesce(host(inet_server_addr()) || ':' || inet_server_port(), 'a local socket')
        """)
    static let clock = Statement.unprepared("select clock()")
    /// The oldest transaction that holds back cleaning up. Other sessions' texts are not read.
    static let oldest = Statement.unprepared(
        """
        select coalesce((extract(epoch from max(clock_timestamp() - xact_start)) * 1000000)::bigint, 0)
        from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
            and (backend_xid is not null or backend_xmin is not null)
        """)
    /// Indexes: coordinator_life_pkey, backwards.
    static let coordinators = Statement.unprepared(
        """
        select c.name, c.coordinator_id, coalesce((extract(epoch from l.until - clock()) * 1000000)::bigint, -1)
        from coordinator c left join lateral (select until from coordinator_life
            where coordinator_id = c.coordinator_id order by n desc limit 1) l on true
        where c.left_at is null order by c.coordinator_id
        """)
    static let partitions = Statement.unprepared(
        """
        select count(*) from generate_series(0, 1) d, unnest(array['usage', 'lease_history', 'decision']) t
        where to_regclass('plimsoll.' || t || '_' ||
            to_char(((clock() at time zone 'UTC')::date + d), 'YYYYMMDD')) is null
        """)
    static let unfolded = Statement.unprepared(
        "select coalesce((extract(epoch from clock() - min(at)) * 1000000)::bigint, 0) from tally")
}

extension Ledger {
    /// A transaction older than this is worth a word: dead rows pile up behind it.
    static let oldTransaction = Duration.seconds(600)

    /// The server's side of `plimsoll doctor`: each check is independent, and one that fails says so instead of
    /// ending the others. Throws nothing but cancellation.
    ///
    /// How long the record is and since when figures wait is for operators: beside a word that changes it would tell why
    /// (P9).
    public func diagnose(forOperator: Bool = true) async throws -> [DiagnosisRow] {
        var list: [DiagnosisRow] = []
        func check(_ name: String, _ body: () async throws -> [DiagnosisRow]) async throws {
            do {
                list += try await body()
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                list.append(
                    DiagnosisRow(name, .failed, "could not be looked at: \(error)", remedy: "see the coordinator's log")
                )
            }
        }
        try await check("database") { try await serverRows() }
        try await check("schema") { [try await schemaRow()] }
        try await check("coordinator's clock") { [try await clockRow()] }
        try await check("oldest transaction") { [try await oldestRow()] }
        try await check("coordinators") { try await coordinatorRows() }
        try await check("partitions") { [try await partitionRow()] }
        if forOperator {
            try await check("queue figures") { [try await foldRow()] }
            try await check("chain") { try await chainRows() }
        }
        try await check("policy") { [try await policyRow()] }
        try await check(SpanOfControl.rule) { try await spanRows() }
        try await check("concerns") { [try await concernRow()] }
        try await check("read-only mode") { [try await readOnlyRow()] }
        return list
    }

    /// The database's clock, for showing how far another one is from it.
    public func databaseClock() async throws -> Moment {
        Moment(microseconds: try await read(Query(DiagnosisStatements.clock))[0].timestamptz(0))
    }

    private func schemaRow() async throws -> DiagnosisRow {
        let state = try await schemaState()
        guard let problem = state.problem else {
            return DiagnosisRow("schema", .ok, "migration \(Migration.shipped.count) of \(Migration.shipped.count)")
        }
        return DiagnosisRow("schema", .failed, problem, remedy: "plimsoll migrate --dry-run shows what would run")
    }

    private func serverRows() async throws -> [DiagnosisRow] {
        let row = try await read(Query(DiagnosisStatements.server))[0]
        let place = "\(try row.text(8)) as \(try row.text(9)) over \(try row.text(10))"
        var rows = [
            try row.bool(1)
                ? DiagnosisRow(
                    "database", .failed, "\(place): a standby, which takes no writes",
                    remedy: "name the primary, or several hosts with target_session_attrs=read-write")
                : DiagnosisRow("database", .ok, place),
            DiagnosisRow("server", .ok, "PostgreSQL \(try row.text(0))"),
        ]
        let durable = try row.text(3) == "on" && row.text(4) == "on"
        rows.append(
            durable
                ? DiagnosisRow("durability", .ok, "fsync and full_page_writes are on")
                : DiagnosisRow(
                    "durability", .failed, "the server may lose acknowledged labels in a crash (P5)",
                    remedy: "set fsync = on and full_page_writes = on"))
        rows.append(
            Self.replicationRow(
                standbys: try row.int8(5), synchronous: try row.text(6), commit: try row.text(2)))
        let drift = Duration.microseconds(abs(try row.int8(7)))
        rows.append(
            drift < .seconds(1)
                ? DiagnosisRow("clock", .ok, "the shipped clock")
                : DiagnosisRow("clock", .failed, "plimsoll.clock() is not the server's clock", remedy: "restore it"))
        return rows
    }

    /// What an acknowledged label survives (P5). `commit` is what the coordinator set for its sessions.
    static func replicationRow(standbys: Int64, synchronous: String, commit: String) -> DiagnosisRow {
        let count = standbys == 0 ? "none" : standbys == 1 ? "1 standby" : "\(standbys) standbys"
        let waits = !synchronous.isEmpty
        let mode = standbys == 0 && synchronous.isEmpty ? "" : waits ? ", synchronous" : ", asynchronous"
        let finding = "\(count)\(mode), synchronous_commit = \(commit)"
        if waits, standbys == 0 {
            return DiagnosisRow(
                "replication", .failed, "\(finding): every commit waits for a standby that is not there",
                remedy: "start the standby, or empty synchronous_standby_names")
        }
        return DiagnosisRow("replication", .ok, finding)
    }

    /// This process's clock beside the database's, which was read between two looks at ours.
    private func clockRow() async throws -> DiagnosisRow {
        let before = Moment.ofThisMachine
        let database = try await databaseClock()
        let difference = ClockDifference(of: database, between: before, and: .ofThisMachine)
        guard difference.isLarge else {
            return DiagnosisRow("coordinator's clock", .ok, difference.sentence)
        }
        return DiagnosisRow(
            "coordinator's clock", .warning, difference.sentence, remedy: ClockDifference.remedy)
    }

    private func oldestRow() async throws -> DiagnosisRow {
        let age = Duration.microseconds(try await read(Query(DiagnosisStatements.oldest))[0].int8(0))
        let text = DurationText.readable(age)
        guard age >= Self.oldTransaction else { return DiagnosisRow("oldest transaction", .ok, text) }
        return DiagnosisRow(
            "oldest transaction", .warning, "\(text): dead rows pile up behind it",
            remedy: "find it in pg_stat_activity by xact_start, and end it")
    }

    private func coordinatorRows() async throws -> [DiagnosisRow] {
        let rows = try await read(Query(DiagnosisStatements.coordinators))
        if rows.isEmpty {
            return [DiagnosisRow("coordinators", .warning, "none is running", remedy: "plimsoll serve")]
        }
        return try rows.map { row in
            let name = "coordinator \(try row.text(0)) (\(try row.int8(1)))"
            let left = Duration.microseconds(try row.int8(2))
            guard left < .zero else { return DiagnosisRow(name, .ok, "alive") }
            return DiagnosisRow(
                name, .warning, "its life has run out and nobody has taken over yet",
                remedy: "another coordinator does so within seconds; start one if none runs")
        }
    }

    private func partitionRow() async throws -> DiagnosisRow {
        let missing = try await read(Query(DiagnosisStatements.partitions))[0].int8(0)
        guard missing > 0 else { return DiagnosisRow("partitions", .ok, "made ahead") }
        return DiagnosisRow(
            "partitions", .failed, "\(missing) partitions of today or tomorrow are missing",
            remedy: "start a coordinator, or run: select plimsoll.ensure_partitions(7)")
    }

    private func foldRow() async throws -> DiagnosisRow {
        let age = Duration.microseconds(try await read(Query(DiagnosisStatements.unfolded))[0].int8(0))
        guard age > .seconds(60) else { return DiagnosisRow("queue figures", .ok, "folded") }
        return DiagnosisRow(
            "queue figures", .warning, "not folded for \(DurationText.readable(age)): status grows slower",
            remedy: "look for a transaction that stays open, and whether a coordinator runs")
    }

    private func readOnlyRow() async throws -> DiagnosisRow {
        let switches = try await deployment()
        guard switches.isReadOnly else { return DiagnosisRow("read-only mode", .ok, "off") }
        let since = switches.since.map { " since \($0)" } ?? ""
        let by = switches.by.isEmpty ? "" : " by \(switches.by): \(switches.reason)"
        return DiagnosisRow(
            "read-only mode", .warning, "on\(since)\(by); nothing is leased or imported",
            remedy: "plimsoll deployment read-only off --reason WHY")
    }

    /// Concerns that nobody has replied to in time. Not how many: day by day that would make up what a week's digest
    /// hides (P9).
    private func concernRow() async throws -> DiagnosisRow {
        guard try await isConcernOverdue() else { return DiagnosisRow("concerns", .ok, "none is overdue") }
        return DiagnosisRow(
            "concerns", .warning, "some are overdue for a reply",
            remedy: "whoever is named for the project, and operators, see theirs with plimsoll concern list")
    }

    private func policyRow() async throws -> DiagnosisRow {
        let policy = try await policy()
        do {
            _ = try policy.parsed()
            return DiagnosisRow("policy", .ok, "version \(policy.version)")
        } catch {
            return DiagnosisRow(
                "policy", .failed, "version \(policy.version) cannot be read by this build",
                remedy: "upgrade this coordinator, or plimsoll policy apply another document; plimsoll policy show "
                    + "--version \(policy.version) prints this one")
        }
    }
}

extension Moment {
    /// What this machine's clock says; for comparing, never for deciding (P8).
    fileprivate static var ofThisMachine: Moment {
        Moment(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }
}
