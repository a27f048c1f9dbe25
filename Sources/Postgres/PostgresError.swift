/// What went wrong between us and PostgreSQL.
///
/// `description` is safe to show: no SQL, no values, no host. `debugDescription` has everything and is for logs that
/// only operators read.
public struct PostgresError: Error, Sendable {
    /// The kind of failure, for code that decides what to do next.
    public enum Code: String, Sendable, Hashable {
        /// No connection could be made, or it was lost; see ``PostgresError/outcomeUnknown``.
        case connection
        /// The server answered with an error; see ``PostgresError/sqlState``.
        case server
        /// The connection was lost after COMMIT was sent and before its answer came.
        case commitInDoubt
        /// COMMIT was answered with ROLLBACK: an earlier error of the transaction had been swallowed.
        case transactionAborted
        /// A column was read as a type it does not have, or NULL where a value was asked for.
        case decoding
        /// The task was cancelled; the statement did not take effect unless `outcomeUnknown` says so.
        case cancelled
        /// The pool is closed or closing.
        case poolClosed
        /// No connection became free within the pool's acquire timeout, or too many are waiting already.
        case poolTimeout
        /// The server or libpq did something that this driver does not understand.
        case `protocol`
        /// The caller used the driver wrongly, such as two SQL texts under one statement name.
        case usage
        /// The connection was closed by us before this call.
        case closed
    }

    /// All fields, behind one reference so that throwing stays cheap.
    private final class Details: Sendable {
        let code: Code
        let message: String
        let sqlState: String?
        let constraint: String?
        let schema: String?
        let table: String?
        let column: String?
        let detail: String?
        let hint: String?
        let context: String?
        let statementName: String?
        let sql: String?
        let queryIndex: Int?
        let outcomeUnknown: Bool
        let isFatal: Bool
        let cause: (any Error)?
        let file: String
        let line: Int

        init(
            code: Code, message: String, fields: ServerFields, statementName: String?, sql: String?, queryIndex: Int?,
            outcomeUnknown: Bool, cause: (any Error)?, file: String, line: Int
        ) {
            self.code = code
            self.message = message
            self.sqlState = fields.sqlState
            self.constraint = fields.constraint
            self.schema = fields.schema
            self.table = fields.table
            self.column = fields.column
            self.detail = fields.detail
            self.hint = fields.hint
            self.context = fields.context
            self.isFatal = fields.isFatal
            self.statementName = statementName
            self.sql = sql
            self.queryIndex = queryIndex
            self.outcomeUnknown = outcomeUnknown
            self.cause = cause
            self.file = file
            self.line = line
        }
    }

    /// The fields of an ErrorResponse (PostgreSQL manual, section 55.8).
    struct ServerFields: Sendable {
        var sqlState: String?
        var constraint: String?
        var schema: String?
        var table: String?
        var column: String?
        var detail: String?
        var hint: String?
        var context: String?
        var isFatal = false
    }

    private let details: Details

    init(
        _ code: Code, _ message: String, fields: ServerFields = ServerFields(), statement: Statement? = nil,
        queryIndex: Int? = nil, outcomeUnknown: Bool = false, cause: (any Error)? = nil, file: String = #fileID,
        line: Int = #line
    ) {
        details = Details(
            code: code, message: message, fields: fields, statementName: statement?.name, sql: statement?.sql,
            queryIndex: queryIndex, outcomeUnknown: outcomeUnknown, cause: cause, file: file, line: line)
    }

    /// The kind of failure.
    public var code: Code { details.code }
    /// The server's or the driver's text. May hold values of the failing statement: for operators' logs only.
    public var message: String { details.message }
    /// Five characters (PostgreSQL manual, appendix A); nil when the server did not say.
    public var sqlState: String? { details.sqlState }
    /// Name of the violated constraint, where there is one.
    public var constraint: String? { details.constraint }
    /// Schema of the table concerned, where there is one.
    public var schema: String? { details.schema }
    /// Table concerned, where there is one.
    public var table: String? { details.table }
    /// Column concerned, where there is one.
    public var column: String? { details.column }
    /// The server's DETAIL; holds values.
    public var detail: String? { details.detail }
    /// The server's HINT.
    public var hint: String? { details.hint }
    /// The server's CONTEXT, such as the stack of PL/pgSQL.
    public var context: String? { details.context }
    /// Name of the failing ``Statement``; nil for an unprepared one.
    public var statementName: String? { details.statementName }
    /// Position of the failing query in its pipeline, from 0; nil outside pipelines.
    public var queryIndex: Int? { details.queryIndex }
    /// True when the server may or may not have committed what was sent.
    public var outcomeUnknown: Bool { details.outcomeUnknown }
    /// The error beneath, if any.
    public var cause: (any Error)? { details.cause }
    /// The caller's file.
    public var file: String { details.file }
    /// The caller's line.
    public var line: Int { details.line }

    /// Serialization failure or deadlock: the transaction had no effect and may be tried again.
    public var isRetryable: Bool { sqlState == "40001" || sqlState == "40P01" }
    /// The server accepts no writes: a standby, or a primary that was demoted.
    public var isReadOnlyServer: Bool { sqlState == "25006" }
    /// The server is shutting down, crashed or starting up (57P01 to 57P03).
    public var isShutdown: Bool { sqlState == "57P01" || sqlState == "57P02" || sqlState == "57P03" }
    /// There is no connection any more (class 08, or libpq noticed by itself).
    public var isConnectionLost: Bool {
        code == .connection || code == .commitInDoubt || (sqlState?.hasPrefix("08") ?? false)
    }

    /// The server has closed, or is about to close, the session.
    var isFatal: Bool { details.isFatal }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
    /// One line without SQL, values or hosts.
    public var description: String {
        var text = "database error: \(code.rawValue)"
        if let sqlState { text += " \(sqlState)" }
        if let constraint { text += ", constraint \(constraint)" }
        if let statementName { text += ", statement \(statementName)" }
        if let queryIndex { text += ", query \(queryIndex)" }
        return text
    }

    /// Everything known, with SQL and the server's words.
    public var debugDescription: String {
        var text = description + ": " + message
        if let detail { text += "\n  detail: \(detail)" }
        if let hint { text += "\n  hint: \(hint)" }
        if let context { text += "\n  context: \(context)" }
        if let table { text += "\n  table: \(schema.map { $0 + "." } ?? "")\(table)" }
        if let column { text += "\n  column: \(column)" }
        if let sql = details.sql { text += "\n  sql: \(sql)" }
        if let cause { text += "\n  cause: \(String(reflecting: cause))" }
        return text + "\n  at \(file):\(line)"
    }
}
