import PlimsollModel
import Postgres

extension Ledger {
    /// How long the reader of a stream may take over one piece of it.
    public static let readerPauseMax = Duration.seconds(60)

    /// Runs `body` in one transaction that reads what one moment has, and hands rows over at their reader's pace. A
    /// connection of the pool is lent meanwhile: the database takes it back from a reader who takes nothing for
    /// `pauseMax`. Throws `.refused` then.
    func stream<R: Sendable>(
        pauseMax: Duration, _ body: @Sendable (isolated Connection) async throws -> R
    ) async throws -> R {
        let milliseconds = max(1, pauseMax.milliseconds)
        do {
            return try await transaction(isolation: .repeatableRead, readOnly: true) { connection in
                _ = try await connection.query(Query(StreamStatements.pauseMax, .text(String(milliseconds))))
                return try await body(connection)
            }
        } catch let error as LedgerError where (error.cause as? PostgresError)?.isIdleTimeout == true {
            throw LedgerError(
                .refused, "nothing of the stream was taken for \(DurationText.readable(pauseMax)), so it was ended",
                remedy: "ask for it again and take it without a pause", cause: error)
        }
    }
}

enum StreamStatements {
    /// In milliseconds, for this transaction.
    static let pauseMax = Statement(
        "stream_pause_max", "select set_config('idle_in_transaction_session_timeout', $1, true)")
}

extension PostgresError {
    /// The session was ended because its transaction stood still (25P03); it may be the COMMIT that finds out.
    fileprivate var isIdleTimeout: Bool {
        sqlState == "25P03" || (cause as? PostgresError)?.sqlState == "25P03"
    }
}
