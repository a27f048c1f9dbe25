/// One SQL text with a name. A named statement is prepared once per connection, on first use, inside the same round
/// trip; a name stands for one text and one list of parameter types in the whole process.
public struct Statement: Sendable, Hashable {
    /// nil: parsed each time.
    public let name: String?
    /// One SQL command.
    public let sql: String
    /// True for COMMIT and END, whose lost answer leaves the outcome unknown.
    let isCommit: Bool

    /// A statement prepared under `name` (at most 63 bytes of it count for the server).
    public init(_ name: String, _ sql: String) {
        self.init(name: name, sql: sql)
    }

    private init(name: String?, sql: String) {
        self.name = name
        self.sql = sql
        self.isCommit = Statement.startsWithCommit(sql)
    }

    /// A statement that is parsed each time it is used: transaction control, DDL, one-off queries.
    public static func unprepared(_ sql: String) -> Statement {
        Statement(name: nil, sql: sql)
    }

    private static func startsWithCommit(_ sql: String) -> Bool {
        let word = sql.utf8.drop { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0D) }
            .prefix { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }.map { $0 | 0x20 }
        return word == Array("commit".utf8) || word == Array("end".utf8)
    }

    /// Same name and same text.
    public static func == (a: Statement, b: Statement) -> Bool { a.name == b.name && a.sql == b.sql }

    /// Name and text.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(sql)
    }
}

/// A statement with the values of its parameters.
public struct Query: Sendable {
    /// What to run.
    public let statement: Statement
    /// In the order of `$1`, `$2`, ...; at most ``Query/bindsMax``.
    public let binds: [Bind]

    /// The protocol counts parameters in 16 bits.
    public static let bindsMax = 65_535

    /// A query with its values in order.
    public init(_ statement: Statement, _ binds: [Bind] = []) {
        self.statement = statement
        self.binds = binds
    }

    /// A query with its values in order.
    public init(_ statement: Statement, _ binds: Bind...) {
        self.statement = statement
        self.binds = binds
    }
}
