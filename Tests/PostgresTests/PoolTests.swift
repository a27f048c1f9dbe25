import Logging
import PrivateCluster
import Synchronization
import TestSupport
import Testing

@testable import Postgres

/// How many are inside at once.
private final class Users: Sendable {
    private let counts = Mutex((now: 0, most: 0))
    var most: Int { counts.withLock { $0.most } }
    func enter() {
        counts.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
    }
    func leave() { counts.withLock { $0.now -= 1 } }
}

@Suite struct PoolTests {
    private func withPool(
        _ limits: Pool.Limits, _ body: (Pool, Connection) async throws -> Void
    ) async throws {
        try await withDatabase { conninfo in
            var configuration = ConnectionConfiguration(conninfo: conninfo)
            let admin = try await Connection.connect(configuration, logger: Logger(label: "test"))
            configuration.applicationName = "pool"
            let pool = Pool(configuration: configuration, limits: limits, logger: Logger(label: "test"))
            try await body(pool, admin)
            await pool.close()
            await admin.close()
        }
    }

    private func pid(_ pool: Pool) async throws -> Int32 { try await pool.withConnection { $0.backendPID } }

    @Test func connectionsAreSharedAndNeverMoreThanMax() async throws {
        try await withPool(Pool.Limits(max: 3, acquireTimeout: .seconds(120))) { pool, _ in
            let users = Users()
            try await withThrowingTaskGroup { group in
                for number in 0..<200 {
                    group.addTask {
                        try await pool.withConnection { connection in
                            users.enter()
                            let rows = try await connection.query(
                                Query(Statement("echo", "SELECT $1::bigint"), .int8(Int64(number))))
                            #expect(try rows[0].int8(0) == Int64(number))
                            users.leave()
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(users.most <= 3)
            #expect(pool.statistics == Pool.Statistics(idle: pool.statistics.idle, lent: 0, opening: 0, waiting: 0))
        }
    }

    @Test func aConnectionInAnUnknownStateIsNotLentAgain() async throws {
        try await withPool(Pool.Limits(max: 1)) { pool, _ in
            let first = try await pid(pool)
            #expect(try await pid(pool) == first)
            try await pool.withConnection { connection in
                _ = try await connection.query(Query(.unprepared("BEGIN")))
            }
            let second = try await pid(pool)
            #expect(second != first)
            await #expect(throws: PostgresError.self) {
                try await pool.withConnection { connection in
                    _ = try await connection.query(Query(.unprepared("SELECT 1/0")))
                }
            }
            #expect(try await pid(pool) == second)
        }
    }

    @Test func allIdleConnectionsGoWhenTheServerShutsOneDown() async throws {
        try await withPool(Pool.Limits(max: 3, probeAfter: .seconds(60))) { pool, admin in
            try await withThrowingTaskGroup { group in
                for _ in 0..<3 {
                    group.addTask {
                        try await pool.withConnection { connection in
                            _ = try await connection.query(Query(.unprepared("SELECT pg_sleep(0.2)")))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(pool.statistics.idle == 3)
            _ = try await admin.query(
                Query(
                    .unprepared(
                        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'pool' AND datname = current_database()"
                    )))
            let error = await #expect(throws: PostgresError.self) {
                try await pool.withConnection { _ = try await $0.query(Query(.unprepared("SELECT 1"))) }
            }
            #expect(error?.isShutdown == true || error?.isConnectionLost == true)
            #expect(pool.statistics.idle == 0)
            _ = try await pid(pool)
        }
    }

    @Test func aProbeSparesTheCallerADeadConnection() async throws {
        try await withPool(Pool.Limits(max: 2, probeAfter: .zero)) { pool, admin in
            _ = try await pid(pool)
            _ = try await admin.query(
                Query(
                    .unprepared(
                        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'pool' AND datname = current_database()"
                    )))
            let rows = try await pool.withConnection { try await $0.query(Query(.unprepared("SELECT 1::bigint"))) }
            #expect(try rows[0].int8(0) == 1)
        }
    }

    @Test func whoWaitsTooLongOrIsOneTooManyHearsIt() async throws {
        let limits = Pool.Limits(max: 1, acquireTimeout: .milliseconds(50), waitersMax: 1)
        try await withPool(limits) { pool, _ in
            let (gate, open) = AsyncStream<Void>.makeStream()
            let holder = Task {
                try await pool.withConnection { _ in
                    for await _ in gate { break }
                }
            }
            let isLent = try await eventually { pool.statistics.lent == 1 }
            #expect(isLent)
            let timeout = await #expect(throws: PostgresError.self) { try await pid(pool) }
            #expect(timeout?.code == .poolTimeout)
            #expect(pool.statistics.waiting == 0)
            let waiter = Task { try await pid(pool) }
            waiter.cancel()
            let cancelled = await #expect(throws: PostgresError.self) { try await waiter.value }
            #expect(cancelled?.code == .cancelled)
            open.yield()
            try await holder.value
            _ = try await pid(pool)
        }
    }

    @Test func closingRefusesWaitersAndEndsRun() async throws {
        try await withPool(Pool.Limits(min: 2, max: 2, tick: .milliseconds(5))) { pool, admin in
            let service = Task { await pool.run() }
            let isFilled = try await eventually { pool.statistics.idle == 2 }
            #expect(isFilled)
            service.cancel()
            await service.value
            let error = await #expect(throws: PostgresError.self) { try await pid(pool) }
            #expect(error?.code == .poolClosed)
            let isGone = try await eventually {
                let rows = try await admin.query(
                    Query(
                        .unprepared(
                            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pool' AND datname = current_database()"
                        )))
                return try rows[0].int8(0) == 0
            }
            #expect(isGone)
        }
    }

    @Test func aServerThatCannotBeReachedGivesItsError() async throws {
        let pool = Pool(
            configuration: ConnectionConfiguration(conninfo: "host=/nonexistent"), logger: Logger(label: "test"))
        let error = await #expect(throws: PostgresError.self) { try await pid(pool) }
        #expect(error?.code == .connection)
        #expect(pool.statistics == Pool.Statistics(idle: 0, lent: 0, opening: 0, waiting: 0))
    }
}
