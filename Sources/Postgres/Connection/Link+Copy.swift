internal import CLibPQ

extension Link {
    /// Starts a COPY and checks that the server goes the same way.
    func beginCopy(_ sql: String, _ direction: ExecStatusType, file: String, line: Int) throws(PostgresError) {
        try leavePipelineMode()
        guard PQsendQuery(handle, sql) == 1 else { throw lost() }
        try flush()
        guard let result = try nextResult() else { throw lost() }
        let status = PQresultStatus(result)
        defer { PQclear(result) }
        if status == direction { return }
        if status == PGRES_FATAL_ERROR {
            let error = failure(result, statement: .unprepared(sql), queryIndex: nil, file: file, line: line)
            if !isBroken { try skipResults() }
            throw error
        }
        if status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH {
            throw broken(.usage, "a COPY in the other direction")
        }
        try skipResults()
        throw PostgresError(.usage, "not a COPY", statement: .unprepared(sql), file: file, line: line)
    }

    /// Sends bytes of a COPY FROM STDIN; waits while the server does not keep up.
    func putCopyData(_ bytes: [UInt8]) throws(PostgresError) {
        var offset = 0
        while offset < bytes.count {
            let count = min(bytes.count - offset, Link.Limits.unflushedBytesMax)
            let status = bytes.withUnsafeBytes { buffer in
                PQputCopyData(
                    handle, (buffer.baseAddress.map { $0 + offset })?.assumingMemoryBound(to: CChar.self),
                    Int32(truncatingIfNeeded: count))
            }
            switch status {
            case 1:
                offset += count
                // What libpq could not send yet it keeps: wait here, so that its buffer stays small.
                try flush()
            case 0:
                try wait(write: true)
                consume()
            default: throw lost()
            }
        }
    }

    /// Ends a COPY FROM STDIN; with a reason, the server gives it up with an error. Returns the rows taken.
    func endCopyIn(failing reason: String?, _ sql: String, file: String, line: Int) throws(PostgresError) -> Int {
        while true {
            let status = PQputCopyEnd(handle, reason)
            if status == 1 { break }
            if status < 0 { throw lost() }
            try wait(write: true)
            consume()
        }
        try flush()
        return try finishCopy(sql, file: file, line: line)
    }

    /// About `bytesMax` bytes of a COPY TO STDOUT in whole rows; empty at its end.
    func getCopyData(bytesMax: Int) throws(PostgresError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(bytesMax + 1024)
        while bytes.count < bytesMax {
            var row: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(handle, &row, 1)
            if count > 0, let row {
                bytes.append(contentsOf: UnsafeRawBufferPointer(start: row, count: Int(count)))
                PQfreemem(row)
            } else if count == 0 {
                if !bytes.isEmpty, bytes.count >= bytesMax / 2 { break }
                try wait()
                if PQconsumeInput(handle) == 0 { throw lost() }
            } else {
                break
            }
        }
        return bytes
    }

    /// Reads the end of a COPY. Returns its number of rows.
    func finishCopy(_ sql: String, file: String, line: Int) throws(PostgresError) -> Int {
        var rows = 0
        var error: PostgresError?
        while let result = try nextResult() {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK: rows = Rows.affected(result)
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: throw broken(.protocol, "COPY did not end")
            default:
                let failed = failure(result, statement: .unprepared(sql), queryIndex: nil, file: file, line: line)
                if error == nil { error = failed }
                if isBroken { throw failed }
            }
        }
        if let error { throw error }
        if PQstatus(handle) == CONNECTION_BAD { throw lost() }
        return rows
    }

    private func skipResults() throws(PostgresError) {
        while let result = try nextResult() { PQclear(result) }
    }
}
