internal import CLibPQ

extension Connection {
    /// LISTENs on channels, on this connection, until it closes. Meant for a connection that does nothing else; see
    /// ``NotificationListener``.
    public func listen(_ channels: [String]) async throws {
        _ = try await pipeline(channels.map { Query(.unprepared("LISTEN \(Connection.quoteIdentifier($0))")) })
    }

    /// Waits, on the connection's thread, until notifications arrive or `timeout` has passed, then returns them in
    /// order; empty after a timeout. Throws `.connection` when the session is lost, `.cancelled` when the task is.
    public func notifications(timeout: Duration) async throws -> [Notification] {
        try await cancellable { link throws(PostgresError) in
            try link.notifications(timeout: timeout)
        } began: {
        }
    }

    /// An SQL identifier in quotes, safe whatever it holds but NUL.
    public static func quoteIdentifier(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}

extension Link {
    func notifications(timeout: Duration) throws(PostgresError) -> [Notification] {
        let until = Link.now() + UInt64(max(0, timeout.millisecondsRoundedUp)) * 1_000_000
        while true {
            var list: [Notification] = []
            while let notify = PQnotifies(handle) {
                list.append(
                    Notification(
                        channel: String(cString: notify.pointee.relname),
                        payload: notify.pointee.extra.map { String(cString: $0) } ?? ""))
                PQfreemem(notify)
            }
            if !list.isEmpty { return list }
            if interrupt.isRequested { throw PostgresError(.cancelled, "cancelled while listening") }
            guard try waitIdle(until: until) else { return [] }
            if PQconsumeInput(handle) == 0 || PQstatus(handle) == CONNECTION_BAD { throw lost() }
        }
    }
}
