internal import CLibPQ

extension Link {

    private static let deallocateAll = Statement.unprepared("DEALLOCATE ALL")

    /// Sends all queries with one sync and gathers one ``Rows`` each. `begin` goes in front, in the same round trip.
    func pipeline(
        _ queries: [Query], begin: Statement?, file: String, line: Int
    ) throws(PostgresError) -> [Rows] {
        try validate(queries, file: file, line: line)
        try enterPipelineMode()
        var run = PipelineRun(
            queries: queries, file: file, line: line,
            isAutocommit: begin == nil && PQtransactionStatus(handle) == PQTRANS_IDLE)
        run.steps.reserveCapacity(queries.count + 2)
        run.rows.reserveCapacity(queries.count)
        run.commitIndex = queries.firstIndex { $0.statement.isCommit }
        cancelReachesServer = run.commitIndex == nil
        defer {
            settleCancel()
            cancelReachesServer = true
        }
        do {
            try send(&run, begin: begin)
            while true {
                try collect(&run)
                if run.isSyncSeen || isBroken { break }
                try wait()
                consume()
            }
        } catch {
            if run.isDone { return run.rows }
            // What the server said before it was lost explains more than the loss.
            throw ending(run, run.error ?? error)
        }
        if let error = run.error { throw isBroken ? ending(run, error) : error }
        guard run.rows.count == queries.count else { throw ending(run, lost()) }
        return run.rows
    }

    private func validate(_ queries: [Query], file: String, line: Int) throws(PostgresError) {
        for index in queries.indices {
            let query = queries[index]
            guard query.binds.count <= Query.bindsMax else {
                throw PostgresError(
                    .usage, "more than \(Query.bindsMax) parameters", statement: query.statement, queryIndex: index,
                    file: file, line: line)
            }
            for bind in query.binds where bind.byteCount > Int(Int32.max) {
                throw PostgresError(
                    .usage, "a parameter of more than 2 GiB", statement: query.statement, queryIndex: index,
                    file: file, line: line)
            }
        }
    }

    // MARK: Sending

    private func send(_ run: inout PipelineRun, begin: Statement?) throws(PostgresError) {
        var unflushed = 0
        if mustDeallocate {
            mustDeallocate = false
            prepared.removeAll()
            try sendPlain(Link.deallocateAll)
            run.steps.append(.deallocate)
        }
        if let begin {
            try sendPlain(begin)
            run.steps.append(.begin)
        }
        for index in run.queries.indices {
            let query = run.queries[index]
            unflushed += try sendOne(query, index, &run)
            if unflushed >= Limits.unflushedBytesMax {
                unflushed = 0
                try flushCollecting(&run)
            }
        }
        guard PQpipelineSync(handle) == 1 else { throw lost() }
        run.isSyncSent = true
        try flushCollecting(&run)
    }

    private func flushCollecting(_ run: inout PipelineRun) throws(PostgresError) {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                try wait(write: true)
                consume()
                try collect(&run)
                if isBroken { throw run.error ?? lost() }
            default: throw lost()
            }
        }
    }

    private func sendPlain(_ statement: Statement) throws(PostgresError) {
        guard PQsendQueryParams(handle, statement.sql, 0, nil, nil, nil, nil, 1) == 1 else { throw lost(statement) }
    }

    /// Hands one query to libpq; returns about how many bytes that was.
    private func sendOne(_ query: Query, _ index: Int, _ run: inout PipelineRun) throws(PostgresError) -> Int {
        let statement = query.statement
        let count = query.binds.count
        reserveBinds(count)
        var bytes = 64
        for position in 0..<count {
            let bind = query.binds[position]
            types[position] = bind.type.oid
            switch bind.storage {
            case .null:
                values[position] = nil
                lengths[position] = 0
            case .inline(let word, let length):
                words[position] = word
                values[position] = UnsafeRawPointer(words + position).assumingMemoryBound(to: CChar.self)
                lengths[position] = length
                bytes += 12
            case .buffer(let buffer):
                values[position] = buffer.address.assumingMemoryBound(to: CChar.self)
                lengths[position] = Int32(truncatingIfNeeded: buffer.count)
                bytes += buffer.count + 4
            }
        }
        let parameters = Int32(truncatingIfNeeded: count)
        // The buffers that `values` points into live in `query.binds`.
        return try withExtendedLifetime(query) { () throws(PostgresError) -> Int in
            guard let name = statement.name else {
                guard PQsendQueryParams(handle, statement.sql, parameters, types, values, lengths, formats, 1) == 1
                else { throw lost(statement, queryIndex: index) }
                run.steps.append(.query(index))
                return bytes + statement.sql.utf8.count
            }
            if let known = prepared[name] {
                try check(known, query, index, run)
            } else {
                guard PQsendPrepare(handle, name, statement.sql, parameters, types) == 1 else {
                    throw lost(statement, queryIndex: index)
                }
                run.steps.append(.prepare(query: index))
                prepared[name] = Prepared(
                    sql: statement.sql, types: Array(UnsafeBufferPointer(start: types, count: count)))
                bytes += statement.sql.utf8.count
            }
            guard PQsendQueryPrepared(handle, name, parameters, values, lengths, formats, 1) == 1 else {
                throw lost(statement, queryIndex: index)
            }
            run.steps.append(.query(index))
            return bytes
        }
    }

    /// A name must stand for one text and one list of types. Found out here, half of the pipeline may be on its way
    /// already, so the connection is given up: this is a mistake in the program, not an event.
    private func check(
        _ known: Prepared, _ query: Query, _ index: Int, _ run: PipelineRun
    ) throws(PostgresError) {
        var fits = known.sql == query.statement.sql && known.types.count == query.binds.count
        if fits {
            for position in known.types.indices where known.types[position] != types[position] { fits = false }
        }
        guard fits else {
            isBroken = true
            throw PostgresError(
                .usage, "one statement name for two texts or two lists of parameter types",
                statement: query.statement, queryIndex: index, file: run.file, line: run.line)
        }
    }
}
