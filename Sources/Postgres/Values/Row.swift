internal import CLibPQ
public import FoundationEssentials

/// One row of ``Rows``. Every accessor throws `.decoding`, naming the column, when the column has another type or,
/// for those without `OrNil`, is NULL. Integers may be read wider than they are, never narrower.
public struct Row: Sendable {
    let rows: Rows
    let row: Int32

    /// True for SQL NULL and for a column that does not exist.
    @inline(__always)
    public func isNull(_ column: Int) -> Bool {
        PQgetisnull(rows.result, row, Int32(truncatingIfNeeded: column)) != 0
    }

    @inline(__always)
    func oid(_ column: Int) -> UInt32 {
        PQftype(rows.result, Int32(truncatingIfNeeded: column))
    }

    /// The value's bytes; nil for NULL. Valid while `rows` lives.
    @inline(__always)
    func raw(_ column: Int) -> UnsafeRawBufferPointer? {
        let index = Int32(truncatingIfNeeded: column)
        guard PQgetisnull(rows.result, row, index) == 0, let value = PQgetvalue(rows.result, row, index) else {
            return nil
        }
        return UnsafeRawBufferPointer(start: value, count: Int(PQgetlength(rows.result, row, index)))
    }

    @inline(never)
    func mismatch(_ column: Int, _ wanted: StaticString) -> PostgresError {
        if column < 0 || column >= rows.columnCount {
            return rows.decodingError(column, "asked for as \(wanted)")
        }
        if isNull(column) { return rows.decodingError(column, "NULL where \(wanted) was asked for") }
        return rows.decodingError(column, "type \(oid(column)) read as \(wanted)")
    }

    /// The value when present; nil when NULL; throws when there is no such column.
    @inline(__always)
    private func present(_ column: Int, _ wanted: StaticString) throws(PostgresError) -> Bool {
        if !isNull(column) { return true }
        if column < 0 || column >= rows.columnCount { throw mismatch(column, wanted) }
        return false
    }

    // MARK: Numbers

    /// `bigint`, or a narrower integer or oid widened.
    public func int8(_ column: Int) throws(PostgresError) -> Int64 {
        guard let bytes = raw(column), let base = bytes.baseAddress else { throw mismatch(column, "bigint") }
        switch (oid(column), bytes.count) {
        case (20, 8): return base.get(Int64.self, at: 0)
        case (23, 4): return Int64(base.get(Int32.self, at: 0))
        case (21, 2): return Int64(base.get(Int16.self, at: 0))
        case (26, 4): return Int64(base.get(UInt32.self, at: 0))
        default: throw mismatch(column, "bigint")
        }
    }

    /// Like ``int8(_:)``, nil for NULL.
    public func int8OrNil(_ column: Int) throws(PostgresError) -> Int64? {
        try present(column, "bigint") ? try int8(column) : nil
    }

    /// `integer`, or `smallint` widened.
    public func int4(_ column: Int) throws(PostgresError) -> Int32 {
        guard let bytes = raw(column), let base = bytes.baseAddress else { throw mismatch(column, "integer") }
        switch (oid(column), bytes.count) {
        case (23, 4): return base.get(Int32.self, at: 0)
        case (21, 2): return Int32(base.get(Int16.self, at: 0))
        default: throw mismatch(column, "integer")
        }
    }

    /// Like ``int4(_:)``, nil for NULL.
    public func int4OrNil(_ column: Int) throws(PostgresError) -> Int32? {
        try present(column, "integer") ? try int4(column) : nil
    }

    /// `smallint`.
    public func int2(_ column: Int) throws(PostgresError) -> Int16 {
        guard oid(column) == 21, let bytes = raw(column), let base = bytes.baseAddress, bytes.count == 2 else {
            throw mismatch(column, "smallint")
        }
        return base.get(Int16.self, at: 0)
    }

    /// Like ``int2(_:)``, nil for NULL.
    public func int2OrNil(_ column: Int) throws(PostgresError) -> Int16? {
        try present(column, "smallint") ? try int2(column) : nil
    }

    /// `boolean`.
    public func bool(_ column: Int) throws(PostgresError) -> Bool {
        guard oid(column) == 16, let bytes = raw(column), bytes.count == 1 else { throw mismatch(column, "boolean") }
        return bytes[0] != 0
    }

    /// Like ``bool(_:)``, nil for NULL.
    public func boolOrNil(_ column: Int) throws(PostgresError) -> Bool? {
        try present(column, "boolean") ? try bool(column) : nil
    }

    /// `double precision`, or `real` widened.
    public func float8(_ column: Int) throws(PostgresError) -> Double {
        guard let bytes = raw(column), let base = bytes.baseAddress else { throw mismatch(column, "double precision") }
        switch (oid(column), bytes.count) {
        case (701, 8): return Double(bitPattern: base.get(UInt64.self, at: 0))
        case (700, 4): return Double(Float(bitPattern: base.get(UInt32.self, at: 0)))
        default: throw mismatch(column, "double precision")
        }
    }

    /// Like ``float8(_:)``, nil for NULL.
    public func float8OrNil(_ column: Int) throws(PostgresError) -> Double? {
        try present(column, "double precision") ? try float8(column) : nil
    }

    // MARK: Texts and bytes

    /// Text, json, jsonb and user-defined types whose binary form is text (enums).
    public func text(_ column: Int) throws(PostgresError) -> String {
        guard let bytes = textBytes(column) else { throw mismatch(column, "text") }
        // libpq puts a NUL behind every value, and the C string initializer is the fastest that checks UTF-8. A value
        // with a NUL inside, which no text has, comes out shorter.
        guard let base = bytes.baseAddress,
            let text = String(validatingCString: base.assumingMemoryBound(to: CChar.self)),
            text.utf8.count == bytes.count
        else { throw rows.decodingError(column, "not UTF-8 text") }
        return text
    }

    /// Like ``text(_:)``, nil for NULL.
    public func textOrNil(_ column: Int) throws(PostgresError) -> String? {
        try present(column, "text") ? try text(column) : nil
    }

    /// The bytes of bytea, or the UTF-8 of anything ``text(_:)`` reads.
    public func bytes(_ column: Int) throws(PostgresError) -> [UInt8] {
        if oid(column) == 17, let bytes = raw(column) { return [UInt8](bytes) }
        guard let bytes = textBytes(column) else { throw mismatch(column, "bytea") }
        return [UInt8](bytes)
    }

    /// Like ``bytes(_:)``, nil for NULL.
    public func bytesOrNil(_ column: Int) throws(PostgresError) -> [UInt8]? {
        try present(column, "bytea") ? try bytes(column) : nil
    }

    /// The value's binary form in place, whatever its type. Throws `.decoding` for NULL. The pointer is valid only
    /// during the call.
    public func withBytes<R>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        guard let bytes = raw(column) else { throw mismatch(column, "bytes") }
        return try withExtendedLifetime(rows) { try body(bytes) }
    }

    @inline(__always)
    private func textBytes(_ column: Int) -> UnsafeRawBufferPointer? {
        guard let bytes = raw(column) else { return nil }
        let type = PostgresType(oid: oid(column))
        if type.isTextual { return bytes }
        // jsonb's binary form is a version byte, always 1, before the text (jsonb_send in jsonb.c).
        if type == .jsonb, bytes.first == 1 { return UnsafeRawBufferPointer(rebasing: bytes.dropFirst()) }
        return nil
    }

    // MARK: Times

    /// Microseconds since 1970-01-01 00:00 UTC; infinity is `Int64.max`, -infinity is `Int64.min`.
    public func timestamptz(_ column: Int) throws(PostgresError) -> Int64 {
        let type = oid(column)
        guard type == 1184 || type == 1114, let bytes = raw(column), let base = bytes.baseAddress, bytes.count == 8
        else { throw mismatch(column, "timestamptz") }
        return PostgresEpoch.fromServer(microseconds: base.get(Int64.self, at: 0))
    }

    /// Like ``timestamptz(_:)``, nil for NULL.
    public func timestamptzOrNil(_ column: Int) throws(PostgresError) -> Int64? {
        try present(column, "timestamptz") ? try timestamptz(column) : nil
    }

    /// Days since 1970-01-01; infinity is `Int32.max`, -infinity is `Int32.min`.
    public func date(_ column: Int) throws(PostgresError) -> Int32 {
        guard oid(column) == 1082, let bytes = raw(column), let base = bytes.baseAddress, bytes.count == 4 else {
            throw mismatch(column, "date")
        }
        return PostgresEpoch.fromServer(days: base.get(Int32.self, at: 0))
    }

    /// Like ``date(_:)``, nil for NULL.
    public func dateOrNil(_ column: Int) throws(PostgresError) -> Int32? {
        try present(column, "date") ? try date(column) : nil
    }

    /// Microseconds of an interval, a day counted as 24 hours; one with months has no length and throws.
    public func interval(_ column: Int) throws(PostgresError) -> Int64 {
        guard oid(column) == 1186, let bytes = raw(column), let base = bytes.baseAddress, bytes.count == 16 else {
            throw mismatch(column, "interval")
        }
        guard base.get(Int32.self, at: 12) == 0 else {
            throw rows.decodingError(column, "an interval with months has no length in microseconds")
        }
        let days = Int64(base.get(Int32.self, at: 8)) * 86_400_000_000
        let (sum, overflow) = base.get(Int64.self, at: 0).addingReportingOverflow(days)
        guard !overflow else { throw rows.decodingError(column, "interval beyond 64 bits") }
        return sum
    }

    /// `uuid`.
    public func uuid(_ column: Int) throws(PostgresError) -> UUID {
        guard oid(column) == 2950, let bytes = raw(column), bytes.count == 16 else { throw mismatch(column, "uuid") }
        return UUID(uuid: bytes.loadUnaligned(as: uuid_t.self))
    }

    /// Like ``uuid(_:)``, nil for NULL.
    public func uuidOrNil(_ column: Int) throws(PostgresError) -> UUID? {
        try present(column, "uuid") ? try uuid(column) : nil
    }
}
