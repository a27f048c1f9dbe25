internal import CLibPQ

extension Link {
    static func field(_ result: OpaquePointer, _ code: Int) -> String? {
        PQresultErrorField(result, Int32(code)).map { String(cString: $0) }
    }

    /// The connection is gone, by libpq's own account.
    func lost(
        _ statement: Statement? = nil, queryIndex: Int? = nil, outcomeUnknown: Bool = false
    ) -> PostgresError {
        isBroken = true
        let message = PQerrorMessage(handle).map { String(cString: $0) } ?? "connection lost"
        return PostgresError(
            .connection, message.isEmpty ? "connection lost" : message, statement: statement, queryIndex: queryIndex,
            outcomeUnknown: outcomeUnknown)
    }

    /// We give the connection up.
    func broken(_ code: PostgresError.Code, _ message: String, outcomeUnknown: Bool = false) -> PostgresError {
        isBroken = true
        return PostgresError(code, message, outcomeUnknown: outcomeUnknown)
    }

    /// The error of a failed result; notes what it says about the session.
    func failure(
        _ result: OpaquePointer, statement: Statement?, queryIndex: Int?, file: String, line: Int
    ) -> PostgresError {
        var fields = PostgresError.ServerFields()
        fields.sqlState = Link.field(result, DIAG_SQLSTATE)
        fields.constraint = Link.field(result, DIAG_CONSTRAINT)
        fields.schema = Link.field(result, DIAG_SCHEMA)
        fields.table = Link.field(result, DIAG_TABLE)
        fields.column = Link.field(result, DIAG_COLUMN)
        fields.detail = Link.field(result, DIAG_DETAIL)
        fields.hint = Link.field(result, DIAG_HINT)
        fields.context = Link.field(result, DIAG_CONTEXT)
        let severity = Link.field(result, DIAG_SEVERITY)
        fields.isFatal = severity == "FATAL" || severity == "PANIC"
        let message =
            Link.field(result, DIAG_MESSAGE)
            ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
        // Without an SQLSTATE the message is libpq's own: the connection failed.
        let isOurs = fields.sqlState == nil
        if fields.isFatal || PQstatus(handle) == CONNECTION_BAD { isBroken = true }
        if fields.sqlState == "26000" || (fields.sqlState == "0A000" && message.contains("cached plan")) {
            mustDeallocate = true
        }
        let wasCancelled = fields.sqlState == "57014" && cancelDeadline != nil
        return PostgresError(
            wasCancelled ? .cancelled : isOurs && isBroken ? .connection : .server, message, fields: fields,
            statement: statement, queryIndex: queryIndex, file: file, line: line)
    }
}
