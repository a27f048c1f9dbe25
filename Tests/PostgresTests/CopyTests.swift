import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite struct CopyTests {
    private static let rowCount = 100_000

    private func lines(_ range: Range<Int>) -> [UInt8] {
        Array(range.map { "\($0)\trow \($0)\n" }.joined().utf8)
    }

    private func count(_ connection: Connection) async throws -> Int64 {
        try await connection.query(Query(.unprepared("SELECT count(*) FROM t")))[0].int8(0)
    }

    @Test func aHundredThousandRowsGoInAndOut() async throws {
        try await withConnection { connection in
            try await connection.execute(script: "CREATE TABLE t (id bigint, label text)")
            let all = lines(0..<Self.rowCount)
            #expect(try await connection.copyIn("COPY t FROM STDIN", bytes: all) == Self.rowCount)
            let received = Mutex<[UInt8]>([])
            let rows = try await connection.copyOut("COPY (SELECT * FROM t ORDER BY id) TO STDOUT") { bytes in
                received.withLock { $0 += bytes }
            }
            #expect(rows == Self.rowCount)
            #expect(received.withLock { $0 } == all)
            let chunks = AsyncStream<[UInt8]> { continuation in
                for start in stride(from: 0, to: Self.rowCount, by: 1000) {
                    continuation.yield(lines(start..<start + 1000))
                }
                continuation.finish()
            }
            #expect(try await connection.copyIn("COPY t FROM STDIN", chunks: chunks) == Self.rowCount)
            #expect(try await count(connection) == Int64(2 * Self.rowCount))
        }
    }

    @Test func aBadRowFailsAndLeavesNothing() async throws {
        try await withConnection { connection in
            try await connection.execute(script: "CREATE TABLE t (id bigint, label text)")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.copyIn(
                    "COPY t FROM STDIN", bytes: lines(0..<10) + Array("x\ty\n".utf8) + lines(0..<100_000))
            }
            #expect(error?.sqlState == "22P02")
            #expect(await connection.isUsable)
            #expect(try await count(connection) == 0)
            let absent = await #expect(throws: PostgresError.self) {
                try await connection.copyIn("COPY absent FROM STDIN", bytes: [])
            }
            #expect(absent?.sqlState == "42P01")
            let noCopy = await #expect(throws: PostgresError.self) {
                try await connection.copyIn("SELECT 1", bytes: [])
            }
            #expect(noCopy?.code == .usage)
            #expect(await connection.isUsable)
        }
    }

    @Test func aSourceThatFailsLeavesNothing() async throws {
        struct Broken: Error {}
        try await withConnection { connection in
            try await connection.execute(script: "CREATE TABLE t (id bigint, label text)")
            let bytes = lines(0..<10)
            let chunks = AsyncThrowingStream<[UInt8], any Error> { continuation in
                continuation.yield(bytes)
                continuation.finish(throwing: Broken())
            }
            await #expect(throws: Broken.self) {
                try await connection.copyIn("COPY t FROM STDIN", chunks: chunks)
            }
            #expect(await connection.isUsable)
            #expect(try await count(connection) == 0)
        }
    }

    @Test func aCancelledSourceLeavesNothing() async throws {
        try await withConnection { connection in
            try await connection.execute(script: "CREATE TABLE t (id bigint, label text)")
            let bytes = lines(0..<10)
            let (chunks, continuation) = AsyncStream<[UInt8]>.makeStream()
            continuation.yield(bytes)
            let task = Task { try await connection.copyIn("COPY t FROM STDIN", chunks: chunks) }
            #expect(try await eventually { await connection.transactionStatus == .active })
            await #expect(throws: PostgresError.self) { try await connection.query(Query(.unprepared("SELECT 1"))) }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(await connection.isUsable)
            #expect(try await count(connection) == 0)
        }
    }

    @Test func aReceiverThatFailsEndsTheCopy() async throws {
        struct Full: Error {}
        try await withConnection { connection in
            await #expect(throws: Full.self) {
                try await connection.copyOut(
                    "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT"
                ) { _ in throw Full() }
            }
            #expect(await connection.isUsable)
            _ = try await connection.query(Query(.unprepared("SELECT 1")))
        }
    }

    @Test func copyTakesPartInATransaction() async throws {
        struct Stop: Error {}
        try await withConnection { connection in
            try await connection.execute(script: "CREATE TABLE t (id bigint, label text)")
            let bytes = lines(0..<10)
            await #expect(throws: Stop.self) {
                try await connection.transaction { connection in
                    _ = try await connection.copyIn("COPY t FROM STDIN", bytes: bytes)
                    throw Stop()
                }
            }
            #expect(try await count(connection) == 0)
        }
    }
}
