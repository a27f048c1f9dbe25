/// A PostgreSQL type by its object id, as `pg_type` has it; built-in ids never change.
public struct PostgresType: Sendable, Hashable {
    /// The object id.
    public let oid: UInt32

    /// A type by object id, for types that a deployment defines itself.
    public init(oid: UInt32) { self.oid = oid }

    /// `bool`.
    public static let bool = PostgresType(oid: 16)
    /// `bytea`.
    public static let bytea = PostgresType(oid: 17)
    /// `name`.
    public static let name = PostgresType(oid: 19)
    /// `int8`.
    public static let int8 = PostgresType(oid: 20)
    /// `int2`.
    public static let int2 = PostgresType(oid: 21)
    /// `int4`.
    public static let int4 = PostgresType(oid: 23)
    /// `text`.
    public static let text = PostgresType(oid: 25)
    /// `oid`.
    public static let oid = PostgresType(oid: 26)
    /// `json`.
    public static let json = PostgresType(oid: 114)
    /// `xml`.
    public static let xml = PostgresType(oid: 142)
    /// `float4`.
    public static let float4 = PostgresType(oid: 700)
    /// `float8`.
    public static let float8 = PostgresType(oid: 701)
    /// `unknown`.
    public static let unknown = PostgresType(oid: 705)
    /// `bpchar`.
    public static let bpchar = PostgresType(oid: 1042)
    /// `varchar`.
    public static let varchar = PostgresType(oid: 1043)
    /// `date`.
    public static let date = PostgresType(oid: 1082)
    /// `timestamp`.
    public static let timestamp = PostgresType(oid: 1114)
    /// `timestamptz`.
    public static let timestamptz = PostgresType(oid: 1184)
    /// `interval`.
    public static let interval = PostgresType(oid: 1186)
    /// `uuid`.
    public static let uuid = PostgresType(oid: 2950)
    /// `jsonb`.
    public static let jsonb = PostgresType(oid: 3802)

    /// `bool[]`.
    public static let boolArray = PostgresType(oid: 1000)
    /// `bytea[]`.
    public static let byteaArray = PostgresType(oid: 1001)
    /// `name[]`.
    public static let nameArray = PostgresType(oid: 1003)
    /// `int2[]`.
    public static let int2Array = PostgresType(oid: 1005)
    /// `int4[]`.
    public static let int4Array = PostgresType(oid: 1007)
    /// `text[]`.
    public static let textArray = PostgresType(oid: 1009)
    /// `varchar[]`.
    public static let varcharArray = PostgresType(oid: 1015)
    /// `int8[]`.
    public static let int8Array = PostgresType(oid: 1016)
    /// `float8[]`.
    public static let float8Array = PostgresType(oid: 1022)
    /// `timestamptz[]`.
    public static let timestamptzArray = PostgresType(oid: 1185)
    /// `date[]`.
    public static let dateArray = PostgresType(oid: 1182)
    /// `json[]`.
    public static let jsonArray = PostgresType(oid: 199)
    /// `uuid[]`.
    public static let uuidArray = PostgresType(oid: 2951)

    /// First object id that `initdb` does not hand out: enums, domains and extension types start here.
    static let firstUserDefined: UInt32 = 16384

    /// True where the binary format is the text itself.
    var isTextual: Bool {
        switch self {
        case .text, .varchar, .bpchar, .name, .json, .xml, .unknown: true
        default: oid >= PostgresType.firstUserDefined
        }
    }
}

/// PostgreSQL counts time from 2000-01-01, we from 1970-01-01.
enum PostgresEpoch {
    /// Microseconds between the two.
    static let microseconds: Int64 = 946_684_800_000_000
    /// Days between the two.
    static let days: Int32 = 10_957

    /// Infinities and what would overflow stay at the ends, which are PostgreSQL's infinities.
    @inline(__always)
    static func toServer(microseconds: Int64) -> Int64 {
        if microseconds == .max { return .max }
        let (value, overflow) = microseconds.subtractingReportingOverflow(PostgresEpoch.microseconds)
        return overflow ? .min : value
    }

    @inline(__always)
    static func fromServer(microseconds: Int64) -> Int64 {
        if microseconds == .min { return .min }
        let (value, overflow) = microseconds.addingReportingOverflow(PostgresEpoch.microseconds)
        return overflow ? .max : value
    }

    @inline(__always)
    static func toServer(days: Int32) -> Int32 {
        if days == .max { return .max }
        let (value, overflow) = days.subtractingReportingOverflow(PostgresEpoch.days)
        return overflow ? .min : value
    }

    @inline(__always)
    static func fromServer(days: Int32) -> Int32 {
        if days == .min { return .min }
        let (value, overflow) = days.addingReportingOverflow(PostgresEpoch.days)
        return overflow ? .max : value
    }
}
