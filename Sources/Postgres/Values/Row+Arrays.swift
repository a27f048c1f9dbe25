public import FoundationEssentials

extension Row {
    /// Walks one array of at most one dimension. `element` gets each element's bytes, nil for NULL, and returns false
    /// when they do not fit.
    @inline(__always)
    private func walk(
        _ column: Int, _ wanted: StaticString, types: (UInt32) -> Bool, start: (Int) -> Void,
        element: (UnsafeRawPointer, Int) -> Bool
    ) throws(PostgresError) {
        guard let bytes = raw(column), let base = bytes.baseAddress, types(oid(column)) else {
            throw mismatch(column, wanted)
        }
        guard bytes.count >= ArrayWire.emptyHeader else { throw rows.decodingError(column, "array cut short") }
        let dimensions = base.get(Int32.self, at: 0)
        if dimensions == 0 { return start(0) }
        guard dimensions == 1, bytes.count >= ArrayWire.header else {
            throw rows.decodingError(column, "array of \(dimensions) dimensions")
        }
        let count = Int(base.get(Int32.self, at: 12))
        // Each element takes at least its length word, which bounds what a broken header could make us allocate.
        guard count >= 0, count <= (bytes.count - ArrayWire.header) / 4 else {
            throw rows.decodingError(column, "array cut short")
        }
        start(count)
        var offset = ArrayWire.header
        for _ in 0..<count {
            guard offset + 4 <= bytes.count else { throw rows.decodingError(column, "array cut short") }
            let length = Int(base.get(Int32.self, at: offset))
            offset += 4
            guard offset + max(length, 0) <= bytes.count else { throw rows.decodingError(column, "array cut short") }
            guard element(base + offset, length) else {
                throw rows.decodingError(column, length < 0 ? "NULL inside \(wanted)" : "bad element in \(wanted)")
            }
            offset += max(length, 0)
        }
    }

    @inline(__always)
    private func fixed<T: FixedWidthInteger & BitwiseCopyable, R>(
        _ column: Int, _ wanted: StaticString, _ array: PostgresType, _ wire: T.Type, _ convert: (T) -> R
    ) throws(PostgresError) -> [R] {
        var values: [R] = []
        try walk(column, wanted, types: { $0 == array.oid }, start: { values.reserveCapacity($0) }) { bytes, length in
            guard length == MemoryLayout<T>.size else { return false }
            values.append(convert(bytes.get(T.self, at: 0)))
            return true
        }
        return values
    }

    @inline(__always)
    private func fixedOptional<T: FixedWidthInteger & BitwiseCopyable, R>(
        _ column: Int, _ wanted: StaticString, _ array: PostgresType, _ wire: T.Type, _ convert: (T) -> R
    ) throws(PostgresError) -> [R?] {
        var values: [R?] = []
        try walk(column, wanted, types: { $0 == array.oid }, start: { values.reserveCapacity($0) }) { bytes, length in
            if length < 0 {
                values.append(nil)
                return true
            }
            guard length == MemoryLayout<T>.size else { return false }
            values.append(convert(bytes.get(T.self, at: 0)))
            return true
        }
        return values
    }

    /// `bigint[]`; a NULL element throws.
    public func int8Array(_ column: Int) throws(PostgresError) -> [Int64] {
        try fixed(column, "bigint[]", .int8Array, Int64.self) { $0 }
    }

    /// `bigint[]` with nil for NULL elements.
    public func int8ArrayWithNulls(_ column: Int) throws(PostgresError) -> [Int64?] {
        try fixedOptional(column, "bigint[]", .int8Array, Int64.self) { $0 }
    }

    /// `integer[]`; a NULL element throws.
    public func int4Array(_ column: Int) throws(PostgresError) -> [Int32] {
        try fixed(column, "integer[]", .int4Array, Int32.self) { $0 }
    }

    /// `smallint[]`; a NULL element throws.
    public func int2Array(_ column: Int) throws(PostgresError) -> [Int16] {
        try fixed(column, "smallint[]", .int2Array, Int16.self) { $0 }
    }

    /// `boolean[]`; a NULL element throws.
    public func boolArray(_ column: Int) throws(PostgresError) -> [Bool] {
        try fixed(column, "boolean[]", .boolArray, UInt8.self) { $0 != 0 }
    }

    /// `double precision[]`; a NULL element throws.
    public func float8Array(_ column: Int) throws(PostgresError) -> [Double] {
        try fixed(column, "double precision[]", .float8Array, UInt64.self) { Double(bitPattern: $0) }
    }

    /// Microseconds since 1970-01-01 00:00 UTC each.
    public func timestamptzArray(_ column: Int) throws(PostgresError) -> [Int64] {
        try fixed(column, "timestamptz[]", .timestamptzArray, Int64.self) { PostgresEpoch.fromServer(microseconds: $0) }
    }

    /// `timestamptz[]` with nil for NULL elements.
    public func timestamptzArrayWithNulls(_ column: Int) throws(PostgresError) -> [Int64?] {
        try fixedOptional(column, "timestamptz[]", .timestamptzArray, Int64.self) {
            PostgresEpoch.fromServer(microseconds: $0)
        }
    }

    /// Days since 1970-01-01 each.
    public func dateArray(_ column: Int) throws(PostgresError) -> [Int32] {
        try fixed(column, "date[]", .dateArray, Int32.self) { PostgresEpoch.fromServer(days: $0) }
    }

    /// `text[]`; a NULL element throws.
    public func textArray(_ column: Int) throws(PostgresError) -> [String] {
        var values: [String] = []
        try walk(column, "text[]", types: Row.isTextArray, start: { values.reserveCapacity($0) }) { bytes, length in
            guard length >= 0 else { return false }
            // Faster than a check, which the server has made: `client_encoding` is UTF8.
            values.append(String(decoding: UnsafeRawBufferPointer(start: bytes, count: length), as: UTF8.self))
            return true
        }
        return values
    }

    /// `text[]` with nil for NULL elements.
    public func textArrayWithNulls(_ column: Int) throws(PostgresError) -> [String?] {
        var values: [String?] = []
        try walk(column, "text[]", types: Row.isTextArray, start: { values.reserveCapacity($0) }) { bytes, length in
            let element = UnsafeRawBufferPointer(start: bytes, count: max(length, 0))
            values.append(length < 0 ? nil : String(decoding: element, as: UTF8.self))
            return true
        }
        return values
    }

    /// Elements of bytea[], json[] or text[] as bytes.
    public func bytesArray(_ column: Int) throws(PostgresError) -> [[UInt8]] {
        var values: [[UInt8]] = []
        try walk(column, "bytea[]", types: Row.isBytesArray, start: { values.reserveCapacity($0) }) { bytes, length in
            guard length >= 0 else { return false }
            values.append([UInt8](UnsafeRawBufferPointer(start: bytes, count: length)))
            return true
        }
        return values
    }

    /// Like ``bytesArray(_:)`` with nil for NULL elements.
    public func bytesArrayWithNulls(_ column: Int) throws(PostgresError) -> [[UInt8]?] {
        var values: [[UInt8]?] = []
        try walk(column, "bytea[]", types: Row.isBytesArray, start: { values.reserveCapacity($0) }) { bytes, length in
            values.append(length < 0 ? nil : [UInt8](UnsafeRawBufferPointer(start: bytes, count: length)))
            return true
        }
        return values
    }

    /// `uuid[]`; a NULL element throws.
    public func uuidArray(_ column: Int) throws(PostgresError) -> [UUID] {
        var values: [UUID] = []
        try walk(column, "uuid[]", types: { $0 == PostgresType.uuidArray.oid }, start: { values.reserveCapacity($0) }) {
            bytes, length in
            guard length == 16 else { return false }
            values.append(UUID(uuid: bytes.loadUnaligned(as: uuid_t.self)))
            return true
        }
        return values
    }

    private static func isTextArray(_ oid: UInt32) -> Bool {
        switch PostgresType(oid: oid) {
        case .textArray, .varcharArray, .nameArray, .jsonArray: true
        default: oid >= PostgresType.firstUserDefined
        }
    }

    private static func isBytesArray(_ oid: UInt32) -> Bool {
        oid == PostgresType.byteaArray.oid || isTextArray(oid)
    }
}
