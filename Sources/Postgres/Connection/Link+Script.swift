internal import CLibPQ

extension Link {
    /// Runs any number of commands by the simple protocol and drops their results.
    func script(_ sql: String, file: String, line: Int) throws(PostgresError) {
        try leavePipelineMode()
        defer { settleCancel() }
        guard PQsendQuery(handle, sql) == 1 else { throw lost() }
        try flush()
        var error: PostgresError?
        while let result = try nextResult() {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
            case PGRES_FATAL_ERROR, PGRES_NONFATAL_ERROR, PGRES_BAD_RESPONSE:
                let failed = failure(
                    result, statement: .unprepared(sql), queryIndex: nil, file: file, line: line)
                if error == nil { error = failed }
                if isBroken { throw failed }
            default: throw broken(.usage, "COPY inside a script")
            }
        }
        if let error { throw error }
        if PQstatus(handle) == CONNECTION_BAD { throw lost() }
    }
}
