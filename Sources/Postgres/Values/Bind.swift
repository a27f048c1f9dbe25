public import FoundationEssentials

/// A value sent to the server, in binary format.
///
/// Numbers need no allocation, texts and arrays exactly one. An optional that is nil is SQL NULL of that type.
public struct Bind: Sendable {
    enum Storage: Sendable {
        case null
        /// Up to eight bytes, already in network order from the lowest address on.
        case inline(UInt64, count: Int32)
        case buffer(WireBuffer)
    }

    /// The type that the server is told.
    public let type: PostgresType
    let storage: Storage

    @inline(__always)
    init(type: PostgresType, storage: Storage) {
        self.type = type
        self.storage = storage
    }

    /// True for SQL NULL.
    public var isNull: Bool {
        if case .null = storage { true } else { false }
    }

    /// Bytes that this value takes on the wire, without its length word.
    var byteCount: Int {
        switch storage {
        case .null: 0
        case .inline(_, let count): Int(count)
        case .buffer(let buffer): buffer.count
        }
    }

    /// SQL NULL of a type.
    public static func null(_ type: PostgresType) -> Bind { Bind(type: type, storage: .null) }

    @inline(__always)
    static func integer<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, _ type: PostgresType) -> Bind {
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { $0.storeBytes(of: value.bigEndian, as: T.self) }
        return Bind(type: type, storage: .inline(word, count: Int32(MemoryLayout<T>.size)))
    }

    static func bytes(_ value: [UInt8], _ type: PostgresType) -> Bind {
        Bind(type: type, storage: .buffer(value.withUnsafeBytes { WireBuffer.make(copying: $0) }))
    }

    static func string(_ value: String, _ type: PostgresType) -> Bind {
        var value = value
        return Bind(
            type: type, storage: .buffer(value.withUTF8 { WireBuffer.make(copying: UnsafeRawBufferPointer($0)) }))
    }

    /// `bigint`.
    public static func int8(_ value: Int64) -> Bind { integer(value, .int8) }
    /// `bigint`; nil is NULL.
    public static func int8(_ value: Int64?) -> Bind { value.map { integer($0, .int8) } ?? .null(.int8) }
    /// `integer`.
    public static func int4(_ value: Int32) -> Bind { integer(value, .int4) }
    /// `integer`; nil is NULL.
    public static func int4(_ value: Int32?) -> Bind { value.map { integer($0, .int4) } ?? .null(.int4) }
    /// `smallint`.
    public static func int2(_ value: Int16) -> Bind { integer(value, .int2) }
    /// `smallint`; nil is NULL.
    public static func int2(_ value: Int16?) -> Bind { value.map { integer($0, .int2) } ?? .null(.int2) }
    /// `boolean`.
    public static func bool(_ value: Bool) -> Bind { integer(value ? 1 : 0 as UInt8, .bool) }
    /// `boolean`; nil is NULL.
    public static func bool(_ value: Bool?) -> Bind { value.map { .bool($0) } ?? .null(.bool) }
    /// `double precision`.
    public static func float8(_ value: Double) -> Bind { integer(value.bitPattern, .float8) }
    /// `double precision`; nil is NULL.
    public static func float8(_ value: Double?) -> Bind { value.map { .float8($0) } ?? .null(.float8) }

    /// UTF-8 text. A NUL character is refused by the server (22021).
    public static func text(_ value: String) -> Bind { string(value, .text) }
    /// `text`; nil is NULL.
    public static func text(_ value: String?) -> Bind { value.map { string($0, .text) } ?? .null(.text) }
    /// `bytea`.
    public static func bytea(_ value: [UInt8]) -> Bind { bytes(value, .bytea) }
    /// `bytea`; nil is NULL.
    public static func bytea(_ value: [UInt8]?) -> Bind { value.map { bytes($0, .bytea) } ?? .null(.bytea) }

    /// A JSON document as UTF-8; the server checks it (22P02).
    public static func json(_ value: [UInt8]) -> Bind { bytes(value, .json) }
    /// `json`; nil is NULL.
    public static func json(_ value: [UInt8]?) -> Bind { value.map { bytes($0, .json) } ?? .null(.json) }
    /// `json`.
    public static func json(_ value: String) -> Bind { string(value, .json) }
    /// `json`; nil is NULL.
    public static func json(_ value: String?) -> Bind { value.map { string($0, .json) } ?? .null(.json) }

    /// `uuid`.
    public static func uuid(_ value: UUID) -> Bind {
        Bind(type: .uuid, storage: .buffer(withUnsafeBytes(of: value.uuid) { WireBuffer.make(copying: $0) }))
    }
    /// `uuid`; nil is NULL.
    public static func uuid(_ value: UUID?) -> Bind { value.map { .uuid($0) } ?? .null(.uuid) }

    /// Microseconds since 1970-01-01 00:00 UTC; `Int64.max` is infinity, `Int64.min` is -infinity.
    public static func timestamptz(microseconds value: Int64) -> Bind {
        integer(PostgresEpoch.toServer(microseconds: value), .timestamptz)
    }
    /// `timestamptz`; nil is NULL.
    public static func timestamptz(microseconds value: Int64?) -> Bind {
        value.map { .timestamptz(microseconds: $0) } ?? .null(.timestamptz)
    }

    /// Days since 1970-01-01; `Int32.max` is infinity, `Int32.min` is -infinity.
    public static func date(days value: Int32) -> Bind { integer(PostgresEpoch.toServer(days: value), .date) }
    /// `date`; nil is NULL.
    public static func date(days value: Int32?) -> Bind { value.map { .date(days: $0) } ?? .null(.date) }

    /// An exact span of time: no days, no months.
    public static func interval(microseconds value: Int64) -> Bind {
        Bind(
            type: .interval,
            storage: .buffer(
                WireBuffer.make(count: 16) {
                    $0.put(value, at: 0)
                    $0.put(0 as Int64, at: 8)
                }))
    }
    /// `interval`; nil is NULL.
    public static func interval(microseconds value: Int64?) -> Bind {
        value.map { .interval(microseconds: $0) } ?? .null(.interval)
    }
}
