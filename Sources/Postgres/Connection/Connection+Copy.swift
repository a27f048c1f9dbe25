internal import CLibPQ

extension Connection {
    /// Size of the pieces that ``copyOut(_:file:line:_:)`` hands over, about.
    public static let copyChunkBytes = 64 * 1024

    /// Runs `COPY ... FROM STDIN` with the pieces of a sequence, in the format that the SQL names; returns the rows
    /// taken. A slow server slows the sequence down. When the sequence throws or the task is cancelled, the COPY is
    /// given up with no row taken. Nothing else may be sent on this connection meanwhile.
    public func copyIn<Chunks: AsyncSequence & Sendable>(
        _ sql: String, chunks: Chunks, file: String = #fileID, line: Int = #line
    ) async throws -> Int where Chunks.Element == [UInt8] {
        let link = try await beginCopy(sql, PGRES_COPY_IN, file: file, line: line)
        defer { endCopy(link) }
        do {
            for try await chunk in chunks {
                try await duringCopy(link) { link throws(PostgresError) in try link.putCopyData(chunk) }
            }
            // A cancelled sequence may simply end: half of the rows must not count as all of them.
            try Task.checkCancellation()
        } catch {
            giveUp(link, sql)
            throw error
        }
        return try await duringCopy(link) { link throws(PostgresError) in
            try link.endCopyIn(failing: nil, sql, file: file, line: line)
        }
    }

    /// Runs `COPY ... FROM STDIN` with all bytes at once; returns the rows taken.
    public func copyIn(
        _ sql: String, bytes: [UInt8], file: String = #fileID, line: Int = #line
    ) async throws -> Int {
        let link = try await beginCopy(sql, PGRES_COPY_IN, file: file, line: line)
        defer { endCopy(link) }
        do {
            return try await duringCopy(link) { link throws(PostgresError) in
                try link.putCopyData(bytes)
                return try link.endCopyIn(failing: nil, sql, file: file, line: line)
            }
        } catch {
            if error.code == .cancelled, !link.isBroken, PQtransactionStatus(link.handle) == PQTRANS_ACTIVE {
                giveUp(link, sql)
            }
            throw error
        }
    }

    /// Runs `COPY ... TO STDOUT` and hands over pieces of about ``copyChunkBytes`` in whole rows; the server waits
    /// while `receive` is busy. When `receive` throws, the COPY is cancelled. Returns the rows sent.
    public func copyOut(
        _ sql: String, file: String = #fileID, line: Int = #line,
        _ receive: @Sendable ([UInt8]) async throws -> Void
    ) async throws -> Int {
        let link = try await beginCopy(sql, PGRES_COPY_OUT, file: file, line: line)
        defer { endCopy(link) }
        do {
            while true {
                let bytes = try await duringCopy(link) { link throws(PostgresError) in
                    try link.getCopyData(bytesMax: Self.copyChunkBytes)
                }
                if bytes.isEmpty { break }
                try await receive(bytes)
            }
        } catch {
            if !link.isBroken, PQtransactionStatus(link.handle) == PQTRANS_ACTIVE { drain(link, sql) }
            throw error
        }
        return try await duringCopy(link) { link throws(PostgresError) in
            try link.finishCopy(sql, file: file, line: line)
        }
    }

    private func beginCopy(
        _ sql: String, _ direction: ExecStatusType, file: String, line: Int
    ) async throws -> Link {
        try await sendPendingBegin()
        let link = try usableLink()
        defer { if link.isBroken { self.link = nil } }
        try await duringCopy(link) { link throws(PostgresError) in
            try link.beginCopy(sql, direction, file: file, line: line)
        }
        isCopying = true
        return link
    }

    private func endCopy(_ link: Link) {
        isCopying = false
        if link.isBroken { self.link = nil }
    }

    /// One step of a COPY, which cancelling the task stops.
    private func duringCopy<R>(
        _ link: Link, _ body: (Link) throws(PostgresError) -> R
    ) async throws(PostgresError) -> R {
        if Task.isCancelled { throw PostgresError(.cancelled, "cancelled during COPY") }
        if link.isBroken { throw PostgresError(.closed, "the connection was lost during COPY") }
        let result: Result<R, PostgresError> = await withTaskCancellationHandler {
            defer { link.settleCancel() }
            do throws(PostgresError) { return .success(try self.onThread(link, body)) } catch { return .failure(error) }
        } onCancel: { [interrupt] in
            interrupt.request()
        }
        interrupt.reset()
        return try result.get()
    }

    /// Ends a COPY FROM STDIN so that it takes no row.
    private func giveUp(_ link: Link, _ sql: String) {
        if link.isBroken || PQtransactionStatus(link.handle) != PQTRANS_ACTIVE { return }
        link.limitWaiting()
        defer { link.settleCancel() }
        do {
            _ = try link.endCopyIn(failing: "given up by the client", sql, file: #fileID, line: #line)
            // The server took it as a success: we no longer know what is in the table.
            link.isBroken = true
        } catch {
            // Expected: the server answers a given-up COPY with 57014; the caller gets the reason for giving up.
        }
    }

    /// Cancels a COPY TO STDOUT and reads what is left of it.
    private func drain(_ link: Link, _ sql: String) {
        link.limitWaiting()
        interrupt.sendCancel()
        defer {
            link.settleCancel()
            interrupt.reset()
        }
        do {
            while try !link.getCopyData(bytesMax: Self.copyChunkBytes).isEmpty {}
            _ = try link.finishCopy(sql, file: #fileID, line: #line)
        } catch {
            // Expected: 57014. If the server did not stop in time the link is marked broken and closed.
        }
    }
}
