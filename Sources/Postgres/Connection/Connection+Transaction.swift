internal import Logging

/// What one transaction sees of the others.
public enum TransactionIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

/// How often a transaction is tried again after 40001 and 40P01.
public struct RetryLimits: Sendable {
    /// Attempts in all, at least 1.
    public var attemptsMax: Int
    /// Upper bound of the first pause; doubled each time, the pause itself random below it.
    public var pause: Duration
    /// No pause is longer.
    public var pauseMax: Duration

    /// Limits by value; see the properties.
    public init(attemptsMax: Int, pause: Duration, pauseMax: Duration) {
        self.attemptsMax = attemptsMax
        self.pause = pause
        self.pauseMax = pauseMax
    }

    /// Five attempts, at most 10, 20, 40 and 80 ms apart.
    public static let defaults = RetryLimits(attemptsMax: 5, pause: .milliseconds(10), pauseMax: .milliseconds(200))
    /// One attempt.
    public static let none = RetryLimits(attemptsMax: 1, pause: .zero, pauseMax: .zero)

    /// The random pause before attempt `attempt` (2 or later).
    func pause(before attempt: Int) -> Duration {
        let bound = min(pauseMax, pause * (1 << min(max(attempt - 2, 0), 16)))
        return bound * Double.random(in: 0..<1)
    }
}

extension Connection {
    private static let commit = Query(.unprepared("COMMIT"))
    private static let rollback = Query(.unprepared("ROLLBACK"))

    /// Runs `body` between BEGIN and COMMIT, on the connection's own thread: queries in it cost no hop.
    ///
    /// BEGIN travels with the first queries; a body that sends none costs no round trip at all. After
    /// ``pipelineAndCommit(_:file:line:)`` nothing more is sent. An error of the body rolls back and is thrown; 40001
    /// and 40P01 run the body again, within `retries`. A lost answer to COMMIT throws `.commitInDoubt`, a COMMIT that
    /// the server turned into a rollback `.transactionAborted`.
    public func transaction<R: Sendable>(
        isolation: TransactionIsolation = .readCommitted, readOnly: Bool = false, retries: RetryLimits = .defaults,
        file: String = #fileID, line: Int = #line,
        _ body: @Sendable (isolated Connection) async throws -> R
    ) async throws -> R {
        guard !isInTransactionBody, transactionStatus != .inTransaction, transactionStatus != .inError else {
            throw PostgresError(.usage, "a transaction inside a transaction", file: file, line: line)
        }
        isInTransactionBody = true
        defer { isInTransactionBody = false }
        let begin = Statement.unprepared(
            isolation == .readCommitted && !readOnly
                ? "BEGIN" : "BEGIN ISOLATION LEVEL \(isolation.rawValue)\(readOnly ? " READ ONLY" : "")")
        var attempt = 1
        while true {
            do {
                pendingBegin = begin
                hasBodyCommitted = false
                let value = try await body(self)
                try commitIfOpen(file: file, line: line)
                return value
            } catch {
                pendingBegin = nil
                rollbackIfOpen()
                guard let failure = error as? PostgresError, failure.isRetryable, attempt < retries.attemptsMax else {
                    throw error
                }
                attempt += 1
                logger.debug("transaction tried again", metadata: ["attempt": "\(attempt)"])
                try await Task.sleep(for: retries.pause(before: attempt))
            }
        }
    }

    /// Like ``pipeline(_:file:line:)`` with COMMIT at its end, in the same round trip: the last call of a
    /// transaction's body.
    public func pipelineAndCommit(
        _ queries: [Query], file: String = #fileID, line: Int = #line
    ) async throws -> [Rows] {
        guard isInTransactionBody else {
            throw PostgresError(.usage, "commit outside a transaction", file: file, line: line)
        }
        var rows = try await pipeline(queries + [Self.commit], file: file, line: line)
        rows.removeLast()
        hasBodyCommitted = true
        return rows
    }

    private func commitIfOpen(file: String, line: Int) throws(PostgresError) {
        if pendingBegin != nil {
            pendingBegin = nil
            return
        }
        if hasBodyCommitted { return }
        switch transactionStatus {
        case .idle: return
        case .inTransaction, .inError:
            _ = try shielded { link throws(PostgresError) in
                try link.pipeline([Self.commit], begin: nil, file: file, line: line)
            }
        case .active, .unknown:
            throw PostgresError(.closed, "the connection was closed inside a transaction", file: file, line: line)
        }
    }

    private func rollbackIfOpen() {
        switch transactionStatus {
        case .idle, .unknown: return
        case .active, .inTransaction, .inError:
            do {
                _ = try shielded { link throws(PostgresError) in
                    link.limitWaiting()
                    return try link.pipeline([Self.rollback], begin: nil, file: #fileID, line: #line)
                }
            } catch {
                // The body's own error is what the caller must see; the server rolls back when the session ends.
                link = nil
            }
        }
    }
}
