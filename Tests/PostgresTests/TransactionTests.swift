import FoundationEssentials
import Glibc
import Logging
import Postgres
import PrivateCluster
import Synchronization
import TestSupport
import Testing

@Suite struct TransactionTests {
    private func count(_ connection: Connection) async throws -> Int64 {
        try await connection.query(Query(.unprepared("SELECT count(*) FROM t")))[0].int8(0)
    }

    @Test func itCommitsAndRollsBack() async throws {
        struct Stop: Error {}
        try await withConnection { connection in
            try await connection.execute(script: "CREATE TABLE t (id bigint)")
            try await connection.transaction { connection in
                _ = try await connection.query(Query(.unprepared("INSERT INTO t VALUES (1)")))
                #expect(connection.transactionStatus == .inTransaction)
            }
            #expect(try await count(connection) == 1)
            await #expect(throws: Stop.self) {
                try await connection.transaction { connection in
                    _ = try await connection.query(Query(.unprepared("INSERT INTO t VALUES (2)")))
                    throw Stop()
                }
            }
            #expect(try await count(connection) == 1)
            try await connection.transaction { connection in
                _ = try await connection.pipelineAndCommit([Query(.unprepared("INSERT INTO t VALUES (3)"))])
                #expect(connection.transactionStatus == .idle)
            }
            #expect(try await count(connection) == 2)
            try await connection.transaction { _ in }
            #expect(await connection.isUsable)
            await #expect(throws: PostgresError.self) {
                try await connection.transaction { connection in
                    try await connection.transaction { _ in }
                }
            }
            #expect(await connection.isUsable)
        }
    }

    @Test func aSwallowedErrorDoesNotPassForACommit() async throws {
        try await withConnection { connection in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.transaction { connection in
                    do { _ = try await connection.query(Query(.unprepared("SELECT 1/0"))) } catch {}
                }
            }
            #expect(error?.code == .transactionAborted)
            #expect(await connection.isUsable)
        }
    }

    @Test func serializationFailuresAreTriedAgain() async throws {
        try await withDatabase { conninfo in
            let logger = Logger(label: "test")
            let one = try await Connection.connect(ConnectionConfiguration(conninfo: conninfo), logger: logger)
            let two = try await Connection.connect(ConnectionConfiguration(conninfo: conninfo), logger: logger)
            try await one.execute(script: "CREATE TABLE t (id bigint, n bigint); INSERT INTO t VALUES (1, 0)")
            let attempts = Atomic<Int>(0)
            try await one.transaction(isolation: .repeatableRead) { connection in
                let attempt = attempts.add(1, ordering: .relaxed).newValue
                _ = try await connection.query(Query(.unprepared("SELECT n FROM t")))
                if attempt < 3 {
                    _ = try await two.query(Query(.unprepared("UPDATE t SET n = n + 1")))
                }
                _ = try await connection.query(Query(.unprepared("UPDATE t SET n = n + 100")))
            }
            #expect(attempts.load(ordering: .relaxed) == 3)
            let rows = try await two.query(Query(.unprepared("SELECT n FROM t")))
            #expect(try rows[0].int8(0) == 102)
            let error = await #expect(throws: PostgresError.self) {
                try await one.transaction(isolation: .repeatableRead, retries: .none) { connection in
                    _ = try await connection.query(Query(.unprepared("SELECT n FROM t")))
                    _ = try await two.query(Query(.unprepared("UPDATE t SET n = n + 1")))
                    _ = try await connection.query(Query(.unprepared("UPDATE t SET n = n + 100")))
                }
            }
            #expect(error?.isRetryable == true)
            await one.close()
            await two.close()
        }
    }

    @Test func aDeadlockIsTriedAgain() async throws {
        try await withDatabase { conninfo in
            let logger = Logger(label: "test")
            var configuration = ConnectionConfiguration(conninfo: conninfo)
            configuration.settings = [("deadlock_timeout", "10ms")]
            let one = try await Connection.connect(configuration, logger: logger)
            let two = try await Connection.connect(configuration, logger: logger)
            try await one.execute(script: "CREATE TABLE t (id bigint, n bigint); INSERT INTO t VALUES (1, 0), (2, 0)")
            let update = Statement("update", "UPDATE t SET n = n + 1 WHERE id = $1")
            @Sendable func run(_ connection: Connection, _ first: Int64, _ second: Int64) async throws {
                for _ in 0..<50 {
                    try await connection.transaction(
                        retries: RetryLimits(attemptsMax: 100, pause: .milliseconds(1), pauseMax: .milliseconds(20))
                    ) { connection in
                        _ = try await connection.query(Query(update, .int8(first)))
                        _ = try await connection.query(Query(update, .int8(second)))
                    }
                }
            }
            try await withThrowingTaskGroup { group in
                group.addTask { try await run(one, 1, 2) }
                group.addTask { try await run(two, 2, 1) }
                try await group.waitForAll()
            }
            let rows = try await one.query(Query(.unprepared("SELECT n FROM t")))
            #expect(try rows.int8Column(0) == [100, 100])
            await one.close()
            await two.close()
        }
    }

    @Test func aBackendKilledInsideATransactionIsNoDoubt() async throws {
        try await withDatabase { conninfo in
            let logger = Logger(label: "test")
            let admin = try await Connection.connect(ConnectionConfiguration(conninfo: conninfo), logger: logger)
            try await admin.execute(script: "CREATE TABLE t (id bigint)")
            let one = try await Connection.connect(ConnectionConfiguration(conninfo: conninfo), logger: logger)
            let error = await #expect(throws: PostgresError.self) {
                try await one.transaction { connection in
                    let insert = Query(.unprepared("INSERT INTO t VALUES (1)"))
                    _ = try await connection.query(insert)
                    let kill = Query(.unprepared("SELECT pg_terminate_backend($1, 5000)"), .int4(connection.backendPID))
                    _ = try await admin.query(kill)
                    _ = try await connection.pipelineAndCommit([insert])
                }
            }
            // The server's farewell answers the INSERT, so COMMIT was never reached.
            #expect(error?.code == .server)
            #expect(error?.isShutdown == true)
            #expect(error?.outcomeUnknown == false)
            #expect(try await count(admin) == 0)
            await admin.close()
        }
    }

    @Test func aLostAnswerToCommitIsInDoubt() async throws {
        try await withDatabase { conninfo in
            try await withProxy { proxy in
                let logger = Logger(label: "test")
                let direct = try await Connection.connect(ConnectionConfiguration(conninfo: conninfo), logger: logger)
                try await direct.execute(script: "CREATE TABLE t (id bigint)")
                for usesPipeline in [false, true] {
                    proxy.set(.none)
                    let connection = try await Connection.connect(
                        ConnectionConfiguration(conninfo: conninfo + " host='\(proxy.directory)'"), logger: logger)
                    proxy.set(.loseAnswer(to: "COMMIT"))
                    let error = await #expect(throws: PostgresError.self) {
                        try await connection.transaction { connection in
                            let insert = Query(.unprepared("INSERT INTO t VALUES (1)"))
                            if usesPipeline {
                                _ = try await connection.pipelineAndCommit([insert])
                            } else {
                                _ = try await connection.query(insert)
                            }
                        }
                    }
                    #expect(error?.code == .commitInDoubt)
                    #expect(error?.outcomeUnknown == true)
                    #expect(error?.isRetryable == false)
                    #expect(await !connection.isUsable)
                }
                let isThere = try await eventually { try await count(direct) == 2 }
                #expect(isThere)
                await direct.close()
            }
        }
    }

    /// Between COMMIT's answer and the end of its batch: what was answered is so.
    @Test func aConnectionLostAfterCommitWasAnsweredTakesNothingBack() async throws {
        try await withDatabase { conninfo in
            try await withProxy { proxy in
                let direct = try await Connection.connect(
                    ConnectionConfiguration(conninfo: conninfo), logger: Logger(label: "test"))
                try await direct.execute(script: "CREATE TABLE t (id bigint)")
                for usesPipeline in [false, true] {
                    proxy.set(.none)
                    let connection = try await Connection.connect(
                        ConnectionConfiguration(conninfo: conninfo + " host='\(proxy.directory)'"),
                        logger: Logger(label: "test"))
                    proxy.set(.cutAfter("COMMIT\0"))
                    try await connection.transaction { connection in
                        let insert = Query(.unprepared("INSERT INTO t VALUES (1)"))
                        if usesPipeline {
                            _ = try await connection.pipelineAndCommit([insert])
                        } else {
                            _ = try await connection.query(insert)
                        }
                    }
                    #expect(await !connection.isUsable)
                }
                #expect(try await count(direct) == 2)
                await direct.close()
            }
        }
    }

    @Test func aLostAnswerOfAnImplicitTransactionSaysThatTheOutcomeIsUnknown() async throws {
        try await withDatabase { conninfo in
            try await withProxy { proxy in
                let connection = try await Connection.connect(
                    ConnectionConfiguration(conninfo: conninfo + " host='\(proxy.directory)'"),
                    logger: Logger(label: "test"))
                proxy.set(.loseAnswer(to: "CREATE"))
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.query(Query(.unprepared("CREATE TABLE t ()")))
                }
                #expect(error?.code == .connection)
                #expect(error?.outcomeUnknown == true)
                #expect(error?.isConnectionLost == true)
            }
        }
    }

    @Test func aFrozenServerIsGivenUp() async throws {
        try await withDatabase { conninfo in
            try await withProxy { proxy in
                var configuration = ConnectionConfiguration(conninfo: conninfo + " host='\(proxy.directory)'")
                configuration.responseTimeout = .milliseconds(200)
                let connection = try await Connection.connect(configuration, logger: Logger(label: "test"))
                proxy.set(.freeze)
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.query(Query(.unprepared("SELECT 1")))
                }
                #expect(error?.code == .connection)
                #expect(await !connection.isUsable)
            }
        }
    }

    private func withProxy(_ body: (FaultyProxy) async throws -> Void) async throws {
        let folder = try TestFolder.make("proxy").path
        mkdir(folder, 0o700)
        let proxy = try FaultyProxy(directory: folder, upstream: await SharedCluster.shared.cluster().host)
        defer { proxy.close() }
        try await body(proxy)
    }
}
