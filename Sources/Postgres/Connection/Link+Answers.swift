internal import CLibPQ

extension Link {
    /// Takes every answer that has arrived. Each step is answered by exactly one result; the nulls that libpq puts
    /// between them mean nothing to us.
    func collect(_ run: inout PipelineRun) throws(PostgresError) {
        var nulls = 0
        while run.answered < run.steps.count || (run.isSyncSent && !run.isSyncSeen) {
            if PQisBusy(handle) != 0 { return }
            guard let result = PQgetResult(handle) else {
                nulls += 1
                if nulls < 2 { continue }
                if PQstatus(handle) == CONNECTION_BAD { throw lost() }
                return
            }
            nulls = 0
            try take(result, &run)
            if isBroken { return }
        }
    }

    private func take(_ result: OpaquePointer, _ run: inout PipelineRun) throws(PostgresError) {
        let status = PQresultStatus(result)
        if status == PGRES_PIPELINE_SYNC {
            PQclear(result)
            run.isSyncSeen = true
            return
        }
        guard run.answered < run.steps.count else {
            // An error at the sync itself: a deferred constraint, or a serialization failure of an implicit commit.
            defer { PQclear(result) }
            if run.isDone { return }
            let error = failure(result, statement: nil, queryIndex: nil, file: run.file, line: run.line)
            if run.error == nil { run.error = error }
            return
        }
        let step = run.steps[run.answered]
        let index = step.queryIndex
        let statement = index.map { run.queries[$0].statement }
        if status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY {
            run.answered += 1
            guard case .query(let index) = step else { return PQclear(result) }
            let rows = Rows(result, statement: statement)
            run.rows.append(rows)
            if index == run.commitIndex { try noteCommit(rows, &run) }
            return
        }
        defer { PQclear(result) }
        run.answered += 1
        switch status {
        case PGRES_PIPELINE_ABORTED:
            break
        case PGRES_FATAL_ERROR, PGRES_NONFATAL_ERROR, PGRES_BAD_RESPONSE:
            let error = failure(result, statement: statement, queryIndex: index, file: run.file, line: run.line)
            // The server's error before COMMIT's turn, FATAL or not, says that COMMIT was not reached. At its turn a
            // FATAL does not say which side of it the server got to. libpq's own "connection lost" never says.
            if let commit = run.commitIndex, error.sqlState != nil {
                let isBefore = index.map { $0 < commit } ?? true
                if isBefore || !error.isFatal { run.isCommitAnswered = true }
            }
            if run.error == nil { run.error = error }
        default:
            // COPY cannot run inside a pipeline: neither side could go on.
            throw broken(.usage, "a statement that a pipeline cannot run (COPY?)")
        }
        switch step {
        case .prepare(let index): run.queries[index].statement.name.map { _ = prepared.removeValue(forKey: $0) }
        case .deallocate: mustDeallocate = true
        case .begin, .query: break
        }
    }

    private func noteCommit(_ rows: Rows, _ run: inout PipelineRun) throws(PostgresError) {
        run.isCommitAnswered = true
        run.isCommitted = rows.commandTag == "COMMIT"
        if rows.commandTag == "ROLLBACK", run.error == nil {
            run.error = PostgresError(
                .transactionAborted, "COMMIT was answered with ROLLBACK",
                statement: run.queries[run.commitIndex ?? 0].statement,
                queryIndex: run.commitIndex, file: run.file, line: run.line)
        }
    }

    // MARK: Endings

    /// What a lost connection means for the caller: was a COMMIT under way?
    func ending(_ run: PipelineRun, _ error: PostgresError) -> PostgresError {
        let wasCommitSent =
            run.commitIndex.map { commit in
                run.steps.contains { if case .query(commit) = $0 { true } else { false } }
            } ?? false
        let statement = error.queryIndex.map { run.queries[$0].statement }
        if wasCommitSent && !run.isCommitAnswered {
            return PostgresError(
                .commitInDoubt, "the connection was lost before COMMIT was answered", statement: statement,
                queryIndex: run.commitIndex, outcomeUnknown: true, cause: error, file: run.file, line: run.line)
        }
        if run.isAutocommit && run.commitIndex == nil && run.isSyncSent && error.sqlState == nil
            && error.code != .usage && error.code != .protocol
        {
            return PostgresError(
                error.code, error.message, statement: statement, queryIndex: error.queryIndex, outcomeUnknown: true,
                cause: error.cause, file: run.file, line: run.line)
        }
        return error
    }
}
