import FoundationEssentials
import Postgres
import TestSupport
import Testing

@Suite struct TypeTests {
    private func echo(_ connection: Connection, _ bind: Bind) async throws -> Row {
        try await connection.query(Query(.unprepared("SELECT $1"), bind))[0]
    }

    private func check<T: Equatable>(
        _ connection: Connection, _ bind: Bind, _ value: T, _ read: (Row) throws -> T,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let found = try read(try await echo(connection, bind))
        #expect(found == value, sourceLocation: sourceLocation)
    }

    @Test func everyScalarComesBackAsItWasSent() async throws {
        try await withConnection { connection in
            for value in [0, 1, -1, Int64.max, .min] {
                #expect(try await echo(connection, .int8(value)).int8(0) == value)
            }
            for value in [0, -1, Int32.max, .min] {
                #expect(try await echo(connection, .int4(value)).int4(0) == value)
                #expect(try await echo(connection, .int4(value)).int8(0) == Int64(value))
            }
            for value in [0, -1, Int16.max, .min] {
                #expect(try await echo(connection, .int2(value)).int2(0) == value)
                #expect(try await echo(connection, .int2(value)).int4(0) == Int32(value))
            }
            for value in [true, false] { #expect(try await echo(connection, .bool(value)).bool(0) == value) }
            for value in [0.0, -1.5, .infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude] {
                #expect(try await echo(connection, .float8(value)).float8(0) == value)
            }
            #expect(try await echo(connection, .float8(.nan)).float8(0).isNaN)
            for value in ["", "a", "häß 🐘", String(repeating: "x", count: 100_000)] {
                #expect(try await echo(connection, .text(value)).text(0) == value)
            }
            for value in [[], [0], [0, 255, 10], [UInt8](repeating: 7, count: 70_000)] {
                #expect(try await echo(connection, .bytea(value)).bytes(0) == value)
            }
            let json = #"{"a": [1, null]}"#
            #expect(try await echo(connection, .json(json)).text(0) == json)
            #expect(try await echo(connection, .json(Array(json.utf8))).bytes(0) == Array(json.utf8))
            let uuid = UUID()
            #expect(try await echo(connection, .uuid(uuid)).uuid(0) == uuid)
            #expect(try await echo(connection, .interval(microseconds: -5_000_001)).interval(0) == -5_000_001)
            let jsonb = try await connection.query(Query(.unprepared("SELECT '{\"a\": 1}'::jsonb, interval '1 day'")))
            #expect(try jsonb[0].text(0) == #"{"a": 1}"#)
            #expect(try jsonb[0].interval(1) == 86_400_000_000)
        }
    }

    @Test func timesCountFrom1970AndKeepInfinity() async throws {
        try await withConnection { connection in
            for value in [0, 1, -1, 946_684_800_000_000, 1_700_000_000_123_456, Int64.max, .min] {
                #expect(try await echo(connection, .timestamptz(microseconds: value)).timestamptz(0) == value)
            }
            for value in [0, -1, 10_957, 20_000, Int32.max, .min] {
                #expect(try await echo(connection, .date(days: value)).date(0) == value)
            }
            let row = try await connection.query(
                Query(
                    .unprepared(
                        """
                        SELECT timestamptz '1970-01-01 00:00:01Z', date '1970-01-02', timestamptz 'infinity',
                            timestamptz '-infinity', date 'infinity', $1::timestamptz = 'infinity'
                        """), .timestamptz(microseconds: .max)))[0]
            #expect(try row.timestamptz(0) == 1_000_000)
            #expect(try row.date(1) == 1)
            #expect(try row.timestamptz(2) == .max)
            #expect(try row.timestamptz(3) == .min)
            #expect(try row.date(4) == .max)
            #expect(try row.bool(5))
        }
    }

    @Test func nullsComeBackAsNil() async throws {
        try await withConnection { connection in
            let rows = try await connection.query(
                Query(
                    .unprepared("SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11"),
                    .int8(nil), .int4(nil), .int2(nil), .bool(nil), .float8(nil), .text(nil),
                    .bytea(nil as [UInt8]?), .json(nil as [UInt8]?), .uuid(nil), .timestamptz(microseconds: nil),
                    .date(days: nil)))
            let row = rows[0]
            #expect(try row.int8OrNil(0) == nil)
            #expect(try row.int4OrNil(1) == nil)
            #expect(try row.int2OrNil(2) == nil)
            #expect(try row.boolOrNil(3) == nil)
            #expect(try row.float8OrNil(4) == nil)
            #expect(try row.textOrNil(5) == nil)
            #expect(try row.bytesOrNil(6) == nil)
            #expect(try row.textOrNil(7) == nil)
            #expect(try row.uuidOrNil(8) == nil)
            #expect(try row.timestamptzOrNil(9) == nil)
            #expect(try row.dateOrNil(10) == nil)
            for column in 0..<11 { #expect(row.isNull(column)) }
        }
    }

    @Test func everyArrayComesBackAsItWasSent() async throws {
        try await withConnection { connection in
            for count in [0, 1, 3, 5000] {
                let numbers = (0..<count).map { Int64($0) * 1_234_567_891 - 7 }
                try await check(connection, .int8Array(numbers), numbers) { try $0.int8Array(0) }
                let small = (0..<count).map { Int32($0) - 2 }
                try await check(connection, .int4Array(small), small) { try $0.int4Array(0) }
                let tiny = (0..<count).map { Int16(truncatingIfNeeded: $0) }
                try await check(connection, .int2Array(tiny), tiny) { try $0.int2Array(0) }
                let flags = (0..<count).map { $0 % 3 == 0 }
                try await check(connection, .boolArray(flags), flags) { try $0.boolArray(0) }
                let reals = (0..<count).map { Double($0) / 3 }
                try await check(connection, .float8Array(reals), reals) { try $0.float8Array(0) }
                let texts = (0..<count).map { $0 == 0 ? "" : "té\($0)" }
                try await check(connection, .textArray(texts), texts) { try $0.textArray(0) }
                let bytes = (0..<count).map { [UInt8](repeating: 1, count: $0 % 9) }
                try await check(connection, .byteaArray(bytes), bytes) { try $0.bytesArray(0) }
                let json = (0..<count).map { Array("{\"n\":\($0)}".utf8) }
                try await check(connection, .jsonArray(json), json) { try $0.bytesArray(0) }
                let times = (0..<count).map { Int64($0) * 1_000_001 }
                try await check(connection, .timestamptzArray(times), times) { try $0.timestamptzArray(0) }
                try await check(connection, .dateArray(small), small) { try $0.dateArray(0) }
                let ids = (0..<count).map { _ in UUID() }
                try await check(connection, .uuidArray(ids), ids) { try $0.uuidArray(0) }
            }
        }
    }

    @Test func arraysKeepTheirNulls() async throws {
        try await withConnection { connection in
            let numbers: [Int64?] = [1, nil, -3, nil]
            #expect(try await echo(connection, .int8Array(numbers)).int8ArrayWithNulls(0) == numbers)
            let texts: [String?] = [nil, "", "x"]
            #expect(try await echo(connection, .textArray(texts)).textArrayWithNulls(0) == texts)
            let bytes: [[UInt8]?] = [nil, [], [1]]
            #expect(try await echo(connection, .byteaArray(bytes)).bytesArrayWithNulls(0) == bytes)
            let times: [Int64?] = [0, nil]
            #expect(try await echo(connection, .timestamptzArray(times)).timestamptzArrayWithNulls(0) == times)
            let rows = try await connection.query(Query(.unprepared("SELECT unnest($1)"), .int8Array(numbers)))
            #expect(try rows.map { try $0.int8OrNil(0) } == numbers)
            let row = try await echo(connection, .int8Array(numbers))
            #expect(throws: PostgresError.self) { try row.int8Array(0) }
        }
    }

    @Test func aWrongTypeNamesTheColumn() async throws {
        try await withConnection { connection in
            let rows = try await connection.query(
                Query(Statement("typed", "SELECT 'a'::text AS label, 1::bigint AS n, NULL::bigint AS nothing")))
            let row = rows[0]
            #expect(rows.column("n") == 1)
            #expect(rows.column("absent") == nil)
            func code(_ body: () throws -> Void) -> (PostgresError.Code?, String?) {
                do {
                    try body()
                    return (nil, nil)
                } catch {
                    let failure = error as? PostgresError
                    return (failure?.code, failure?.column)
                }
            }
            #expect(code { _ = try row.int8(0) } == (.decoding, "label"))
            #expect(code { _ = try row.int4(1) } == (.decoding, "n"))
            #expect(code { _ = try row.text(1) } == (.decoding, "n"))
            #expect(code { _ = try row.int8(2) } == (.decoding, "nothing"))
            #expect(code { _ = try row.int8(9) } == (.decoding, nil))
            #expect(code { _ = try row.int8OrNil(9) } == (.decoding, nil))
            #expect(code { _ = try row.bool(1) } == (.decoding, "n"))
            #expect(code { _ = try row.timestamptz(1) } == (.decoding, "n"))
            #expect(code { _ = try row.int8Array(1) } == (.decoding, "n"))
        }
    }

    @Test func aColumnOfNumbersIsReadAtOnce() async throws {
        try await withConnection { connection in
            let rows = try await connection.query(
                Query(.unprepared("SELECT n::bigint AS a, n::int AS b FROM generate_series(1, 5000) n")))
            #expect(try rows.int8Column(0) == Array(1...5000))
            #expect(try rows.int8Column(1) == Array(1...5000))
            #expect(rows.affected == 5000)
            let withNull = try await connection.query(Query(.unprepared("SELECT NULL::bigint")))
            #expect(throws: PostgresError.self) { try withNull.int8Column(0) }
        }
    }
}
