public import FoundationEssentials

// Arrays of one dimension: ndim, hasnull, element type, length, lower bound, then each element with its length
// (array_recv in PostgreSQL's arrayfuncs.c). One pass computes the size, one pass writes: no element allocates.

/// Sizes of PostgreSQL's binary array format.
enum ArrayWire {
    static let emptyHeader = 12
    static let header = 20

    @inline(__always)
    static func putHeader(_ target: UnsafeMutableRawPointer, element: PostgresType, count: Int, hasNull: Bool) {
        target.put((count == 0 ? 0 : 1) as Int32, at: 0)
        target.put((hasNull ? 1 : 0) as Int32, at: 4)
        target.put(element.oid, at: 8)
        if count > 0 {
            target.put(Int32(truncatingIfNeeded: count), at: 12)
            target.put(1 as Int32, at: 16)
        }
    }

    @inline(__always)
    static func size(count: Int, payload: Int) -> Int {
        count == 0 ? emptyHeader : header + 4 * count + payload
    }
}

extension Bind {
    @inline(__always)
    private static func fixed<S, T: FixedWidthInteger & BitwiseCopyable>(
        _ values: [S], _ type: PostgresType, of element: PostgresType, _ convert: (S) -> T
    ) -> Bind {
        let width = MemoryLayout<T>.size
        let count = values.count
        let buffer = WireBuffer.make(count: ArrayWire.size(count: count, payload: count * width)) { target in
            ArrayWire.putHeader(target, element: element, count: count, hasNull: false)
            var offset = ArrayWire.header
            values.withUnsafeBufferPointer { source in
                for value in source {
                    target.put(Int32(truncatingIfNeeded: width), at: offset)
                    target.put(convert(value), at: offset &+ 4)
                    offset &+= 4 &+ width
                }
            }
        }
        return Bind(type: type, storage: .buffer(buffer))
    }

    @inline(__always)
    private static func fixedOptional<S, T: FixedWidthInteger & BitwiseCopyable>(
        _ values: [S?], _ type: PostgresType, of element: PostgresType, _ convert: (S) -> T
    ) -> Bind {
        let width = MemoryLayout<T>.size
        let count = values.count
        var present = 0
        for value in values where value != nil { present &+= 1 }
        let buffer = WireBuffer.make(count: ArrayWire.size(count: count, payload: present * width)) { target in
            ArrayWire.putHeader(target, element: element, count: count, hasNull: present < count)
            var offset = ArrayWire.header
            values.withUnsafeBufferPointer { source in
                for value in source {
                    if let value {
                        target.put(Int32(truncatingIfNeeded: width), at: offset)
                        target.put(convert(value), at: offset &+ 4)
                        offset &+= 4 &+ width
                    } else {
                        target.put(-1 as Int32, at: offset)
                        offset &+= 4
                    }
                }
            }
        }
        return Bind(type: type, storage: .buffer(buffer))
    }

    @inline(__always)
    private static func variable<S>(
        _ values: [S], _ type: PostgresType, of element: PostgresType, count size: (S) -> Int?,
        copy: (S, UnsafeMutableRawPointer) -> Void
    ) -> Bind {
        var payload = 0
        var hasNull = false
        for value in values {
            if let bytes = size(value) { payload &+= bytes } else { hasNull = true }
        }
        let buffer = WireBuffer.make(count: ArrayWire.size(count: values.count, payload: payload)) { target in
            ArrayWire.putHeader(target, element: element, count: values.count, hasNull: hasNull)
            var offset = ArrayWire.header
            for value in values {
                guard let bytes = size(value) else {
                    target.put(-1 as Int32, at: offset)
                    offset &+= 4
                    continue
                }
                target.put(Int32(truncatingIfNeeded: bytes), at: offset)
                copy(value, target + offset + 4)
                offset &+= 4 &+ bytes
            }
        }
        return Bind(type: type, storage: .buffer(buffer))
    }

    @inline(__always)
    private static func copy(_ value: String, to target: UnsafeMutableRawPointer) {
        var value = value
        value.withUTF8 { if let source = $0.baseAddress { target.copyMemory(from: source, byteCount: $0.count) } }
    }

    @inline(__always)
    private static func copy(_ value: [UInt8], to target: UnsafeMutableRawPointer) {
        value.withUnsafeBytes {
            if let source = $0.baseAddress { target.copyMemory(from: source, byteCount: $0.count) }
        }
    }

    /// `bigint[]` without NULLs.
    public static func int8Array(_ values: [Int64]) -> Bind { fixed(values, .int8Array, of: .int8) { $0 } }
    /// `bigint[]`; a nil element is NULL.
    public static func int8Array(_ values: [Int64?]) -> Bind { fixedOptional(values, .int8Array, of: .int8) { $0 } }
    /// `integer[]` without NULLs.
    public static func int4Array(_ values: [Int32]) -> Bind { fixed(values, .int4Array, of: .int4) { $0 } }
    /// `integer[]`; a nil element is NULL.
    public static func int4Array(_ values: [Int32?]) -> Bind { fixedOptional(values, .int4Array, of: .int4) { $0 } }
    /// `smallint[]` without NULLs.
    public static func int2Array(_ values: [Int16]) -> Bind { fixed(values, .int2Array, of: .int2) { $0 } }
    /// `smallint[]`; a nil element is NULL.
    public static func int2Array(_ values: [Int16?]) -> Bind { fixedOptional(values, .int2Array, of: .int2) { $0 } }
    /// `boolean[]` without NULLs.
    public static func boolArray(_ values: [Bool]) -> Bind {
        fixed(values, .boolArray, of: .bool) { $0 ? 1 : 0 as UInt8 }
    }
    /// `boolean[]`; a nil element is NULL.
    public static func boolArray(_ values: [Bool?]) -> Bind {
        fixedOptional(values, .boolArray, of: .bool) { $0 ? 1 : 0 as UInt8 }
    }
    /// `double precision[]` without NULLs.
    public static func float8Array(_ values: [Double]) -> Bind {
        fixed(values, .float8Array, of: .float8) { $0.bitPattern }
    }
    /// `double precision[]`; a nil element is NULL.
    public static func float8Array(_ values: [Double?]) -> Bind {
        fixedOptional(values, .float8Array, of: .float8) { $0.bitPattern }
    }

    /// Microseconds since 1970-01-01 00:00 UTC each; the ends of `Int64` are the infinities.
    public static func timestamptzArray(_ values: [Int64]) -> Bind {
        fixed(values, .timestamptzArray, of: .timestamptz) { PostgresEpoch.toServer(microseconds: $0) }
    }
    /// `timestamptz[]`; a nil element is NULL.
    public static func timestamptzArray(_ values: [Int64?]) -> Bind {
        fixedOptional(values, .timestamptzArray, of: .timestamptz) { PostgresEpoch.toServer(microseconds: $0) }
    }

    /// Days since 1970-01-01 each.
    public static func dateArray(_ values: [Int32]) -> Bind {
        fixed(values, .dateArray, of: .date) { PostgresEpoch.toServer(days: $0) }
    }
    /// `date[]`; a nil element is NULL.
    public static func dateArray(_ values: [Int32?]) -> Bind {
        fixedOptional(values, .dateArray, of: .date) { PostgresEpoch.toServer(days: $0) }
    }

    /// `text[]` without NULLs.
    public static func textArray(_ values: [String]) -> Bind {
        variable(values, .textArray, of: .text, count: { $0.utf8.count }, copy: { copy($0, to: $1) })
    }
    /// `text[]`; a nil element is NULL.
    public static func textArray(_ values: [String?]) -> Bind {
        variable(values, .textArray, of: .text, count: { $0?.utf8.count }) { value, target in
            if let value { copy(value, to: target) }
        }
    }
    /// `bytea[]` without NULLs.
    public static func byteaArray(_ values: [[UInt8]]) -> Bind {
        variable(values, .byteaArray, of: .bytea, count: { $0.count }, copy: { copy($0, to: $1) })
    }
    /// `bytea[]`; a nil element is NULL.
    public static func byteaArray(_ values: [[UInt8]?]) -> Bind {
        variable(values, .byteaArray, of: .bytea, count: { $0?.count }) { value, target in
            if let value { copy(value, to: target) }
        }
    }

    /// JSON documents as UTF-8.
    public static func jsonArray(_ values: [[UInt8]]) -> Bind {
        variable(values, .jsonArray, of: .json, count: { $0.count }, copy: { copy($0, to: $1) })
    }
    /// `json[]`; a nil element is NULL.
    public static func jsonArray(_ values: [[UInt8]?]) -> Bind {
        variable(values, .jsonArray, of: .json, count: { $0?.count }) { value, target in
            if let value { copy(value, to: target) }
        }
    }

    /// `uuid[]` without NULLs.
    public static func uuidArray(_ values: [UUID]) -> Bind {
        variable(values, .uuidArray, of: .uuid, count: { _ in 16 }) { value, target in
            withUnsafeBytes(of: value.uuid) { bytes in
                if let source = bytes.baseAddress { target.copyMemory(from: source, byteCount: 16) }
            }
        }
    }
}
