import Postgres
import TestSupport
import Testing

@Suite struct PipelineTests {
    private static let insert = Statement("insert", "INSERT INTO t (id) VALUES ($1)")

    @Test func eachQueryGetsItsRowsInOrder() async throws {
        try await withConnection { connection in
            let double = Statement("double", "SELECT $1::bigint * 2")
            let rows = try await connection.pipeline((0..<100).map { Query(double, .int8($0)) })
            #expect(try rows.map { try $0[0].int8(0) } == (0..<100).map { $0 * 2 })
            #expect(try await connection.pipeline([]).isEmpty)
        }
    }

    @Test func theFirstErrorIsThrownWithItsIndexAndNothingStays() async throws {
        try await withConnection { connection in
            try await connection.execute(script: "CREATE TABLE t (id bigint CONSTRAINT t_key PRIMARY KEY)")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.pipeline([1, 2, 2, 3, 1].map { Query(Self.insert, .int8($0)) })
            }
            #expect(error?.code == .server)
            #expect(error?.queryIndex == 2)
            #expect(error?.sqlState == "23505")
            #expect(error?.constraint == "t_key")
            #expect(error?.table == "t")
            #expect(error?.statementName == "insert")
            #expect(error?.outcomeUnknown == false)
            #expect(error?.description.contains("INSERT") == false)
            #expect(error?.description.contains("(id)=(2)") == false)
            #expect(error?.debugDescription.contains("INSERT") == true)
            #expect(await connection.isUsable)
            let count = try await connection.query(Query(.unprepared("SELECT count(*) FROM t")))
            #expect(try count[0].int8(0) == 0)
            let rows = try await connection.pipeline([4, 5].map { Query(Self.insert, .int8($0)) })
            #expect(rows.map(\.affected) == [1, 1])
        }
    }

    @Test func aStatementThatDoesNotParseIsNotTakenAsPrepared() async throws {
        try await withConnection { connection in
            let wrong = Query(Statement("wrong", "SELECT * FROM absent"))
            for _ in 0..<2 {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.pipeline([Query(.unprepared("SELECT 1")), wrong])
                }
                #expect(error?.sqlState == "42P01")
                #expect(error?.queryIndex == 1)
            }
            try await connection.execute(script: "CREATE TABLE absent ()")
            _ = try await connection.query(wrong)
        }
    }

    @Test func aDeferredConstraintFailsAtTheEnd() async throws {
        try await withConnection { connection in
            try await connection.execute(
                script: """
                    CREATE TABLE p (id bigint PRIMARY KEY);
                    CREATE TABLE c (id bigint REFERENCES p DEFERRABLE INITIALLY DEFERRED);
                    """)
            let error = await #expect(throws: PostgresError.self) {
                try await connection.query(Query(.unprepared("INSERT INTO c VALUES (1)")))
            }
            #expect(error?.sqlState == "23503")
            #expect(await connection.isUsable)
        }
    }

    @Test(.timeLimit(.minutes(5))) func tenThousandLargeQueriesDoNotDeadlock() async throws {
        try await withConnection { connection in
            let echo = Statement("echo", "SELECT $1::bytea")
            let payload = [UInt8](repeating: 0x5a, count: 3000)
            let rows = try await connection.pipeline((0..<10_000).map { _ in Query(echo, .bytea(payload)) })
            #expect(rows.count == 10_000)
            for row in rows { #expect(byteCount(of: row) == payload.count) }
            let large = [UInt8](repeating: 1, count: 4 << 20)
            let few = try await connection.pipeline((0..<8).map { _ in Query(echo, .bytea(large)) })
            #expect(try few[7][0].withBytes(0) { $0.count } == large.count)
        }
    }

    private func byteCount(of rows: Rows) -> Int? { try? rows[0].withBytes(0) { $0.count } }

    @Test func aChangedResultTypeHealsAfterOneError() async throws {
        try await withConnection { connection in
            let all = Query(Statement("all", "SELECT * FROM t"))
            try await connection.execute(script: "CREATE TABLE t (a bigint)")
            _ = try await connection.query(all)
            try await connection.execute(script: "ALTER TABLE t ADD b text")
            await #expect(throws: PostgresError.self) { try await connection.query(all) }
            #expect(try await connection.query(all).columnCount == 2)
            try await connection.execute(script: "DEALLOCATE ALL")
            await #expect(throws: PostgresError.self) { try await connection.query(all) }
            #expect(try await connection.query(all).columnCount == 2)
        }
    }

    @Test func oneNameForTwoTextsIsRefused() async throws {
        try await withConnection { connection in
            _ = try await connection.query(Query(Statement("same", "SELECT 1")))
            let error = await #expect(throws: PostgresError.self) {
                try await connection.query(Query(Statement("same", "SELECT 2")))
            }
            #expect(error?.code == .usage)
        }
    }

    @Test func copyInsideAPipelineIsRefused() async throws {
        try await withConnection { connection in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.query(Query(.unprepared("COPY (SELECT 1) TO STDOUT")))
            }
            #expect(error?.code == .usage)
            #expect(await !connection.isUsable)
        }
    }

    @Test func aScriptRunsManyCommands() async throws {
        try await withConnection { connection in
            try await connection.execute(
                script:
                    "CREATE TABLE a (); CREATE TABLE b (); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1;'")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.execute(script: "CREATE TABLE c (); SELECT 1/0; CREATE TABLE d ()")
            }
            #expect(error?.sqlState == "22012")
            let rows = try await connection.query(
                Query(.unprepared("SELECT to_regclass('b') IS NOT NULL, to_regclass('c') IS NULL")))
            #expect(try rows[0].bool(0) && rows[0].bool(1))
        }
    }
}
