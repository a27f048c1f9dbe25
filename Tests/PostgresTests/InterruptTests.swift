import Logging
import Postgres
import TestSupport
import Testing

@Suite struct InterruptTests {
    private static let sleep = Query(.unprepared("SELECT pg_sleep(60)"))

    private func isSleeping(_ admin: Connection, _ pid: Int32) async throws -> Bool {
        let rows = try await admin.query(
            Query(
                .unprepared("SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"),
                .int4(pid)))
        return try rows[0].int8(0) == 1
    }

    private func waitUntilAsleep(_ admin: Connection, _ pid: Int32) async throws {
        let isAsleep = try await eventually { try await isSleeping(admin, pid) }
        #expect(isAsleep)
    }

    private func withTwo(_ body: (Connection, Connection) async throws -> Void) async throws {
        try await withDatabase { conninfo in
            let configuration = ConnectionConfiguration(conninfo: conninfo)
            let one = try await Connection.connect(configuration, logger: Logger(label: "test"))
            let admin = try await Connection.connect(configuration, logger: Logger(label: "test"))
            try await body(one, admin)
            await one.close()
            await admin.close()
        }
    }

    @Test func cancelEndsTheStatementAndKeepsTheConnection() async throws {
        try await withTwo { one, admin in
            let pid = await one.backendPID
            let running = Task { try await one.query(Self.sleep) }
            try await waitUntilAsleep(admin, pid)
            await one.cancel()
            let error = await #expect(throws: PostgresError.self) { try await running.value }
            #expect(error?.sqlState == "57014")
            #expect(await one.isUsable)
        }
    }

    @Test func cancellingTheTaskEndsTheStatementOnTheServer() async throws {
        try await withTwo { one, admin in
            let pid = await one.backendPID
            let task = Task { try await one.pipeline([Query(.unprepared("SELECT 1")), Self.sleep]) }
            try await waitUntilAsleep(admin, pid)
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(try await !isSleeping(admin, pid))
            for number in 0..<100 {
                let rows = try await one.query(Query(.unprepared("SELECT $1"), .int8(Int64(number))))
                #expect(try rows[0].int8(0) == Int64(number))
            }
        }
    }

    @Test func aCancelledTransactionIsRolledBack() async throws {
        try await withTwo { one, admin in
            try await admin.execute(script: "CREATE TABLE t (id bigint)")
            let pid = await one.backendPID
            let task = Task {
                try await one.transaction { connection in
                    _ = try await connection.query(Query(.unprepared("INSERT INTO t VALUES (1)")))
                    _ = try await connection.query(Self.sleep)
                }
            }
            try await waitUntilAsleep(admin, pid)
            task.cancel()
            await #expect(throws: PostgresError.self) { try await task.value }
            #expect(await one.isUsable)
            let rows = try await one.query(Query(.unprepared("SELECT count(*) FROM t")))
            #expect(try rows[0].int8(0) == 0)
        }
    }

    @Test func aCancelledTaskSendsNothing() async throws {
        try await withTwo { one, admin in
            try await admin.execute(script: "CREATE TABLE t (id bigint)")
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                _ = try await one.query(Query(.unprepared("INSERT INTO t VALUES (1)")))
            }
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(error?.outcomeUnknown == false)
            let rows = try await one.query(Query(.unprepared("SELECT count(*) FROM t")))
            #expect(try rows[0].int8(0) == 0)
        }
    }

    @Test func timeoutsAndSettingsAreAppliedAtConnect() async throws {
        try await withConnection {
            $0.statementTimeout = .seconds(1)
            $0.lockTimeout = .milliseconds(1500)
            $0.idleInTransactionTimeout = .seconds(2)
            $0.settings = [("search_path", "\"a b\", c"), ("plan_cache_mode", "force_generic_plan")]
            $0.applicationName = "a name"
        } _: { connection in
            let error = await #expect(throws: PostgresError.self) { try await connection.query(Self.sleep) }
            #expect(error?.code == .server)
            #expect(error?.sqlState == "57014")
            let rows = try await connection.query(
                Query(
                    .unprepared(
                        """
                        SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),
                            current_setting('idle_in_transaction_session_timeout'), current_setting('search_path'),
                            current_setting('plan_cache_mode'), current_setting('application_name')
                        """)))
            let values = try (0..<6).map { try rows[0].text($0) }
            #expect(values == ["1s", "1500ms", "2s", "\"a b\", c", "force_generic_plan", "a name"])
            #expect(await connection.serverVersion >= 150_000)
            #expect(await connection.parameter("client_encoding") == "UTF8")
        }
    }

    @Test func aKilledBackendClosesTheConnection() async throws {
        try await withTwo { one, admin in
            let pid = await one.backendPID
            let running = Task { try await one.query(Self.sleep) }
            try await waitUntilAsleep(admin, pid)
            _ = try await admin.query(Query(.unprepared("SELECT pg_terminate_backend($1)"), .int4(pid)))
            let error = await #expect(throws: PostgresError.self) { try await running.value }
            #expect(error?.isShutdown == true)
            #expect(await !one.isUsable)
            let next = await #expect(throws: PostgresError.self) { try await one.query(Query(.unprepared("SELECT 1"))) }
            #expect(next?.code == .closed)
        }
    }

    @Test func aBackendKilledWhileIdleIsNoticed() async throws {
        try await withTwo { one, admin in
            let pid = await one.backendPID
            #expect(await one.probe())
            _ = try await admin.query(Query(.unprepared("SELECT pg_terminate_backend($1)"), .int4(pid)))
            #expect(try await eventually { await !one.probe() })
            #expect(await !one.isUsable)
        }
    }
}
