import PlimsollModel
import Postgres

extension EpochLock {
    /// How long a command waits for flushes: no longer than one may last (statement timeout 5 s), with a second to
    /// spare.
    public static let waitSeconds = 6
    /// How long a transaction that others wait for may stand still between two statements: a process that freezes in the
    /// middle of one lets go before those who wait give up.
    static let idleSeconds = 4
}

enum EpochStatements {
    /// Holders of the lock end within this time, or we give up and nothing has changed.
    static let patience = Statement(
        "epoch_patience",
        """
        select set_config('lock_timeout', '\(EpochLock.waitSeconds)s', true),
            set_config('idle_in_transaction_session_timeout', '\(EpochLock.idleSeconds)s', true)
        """)
    /// Waits for every flush that decided by the old state. Lock order: 1.
    static let lock = Statement("epoch_lock", "select pg_advisory_xact_lock(\(EpochLock.key))")
    /// Index: epoch_pkey, backwards. Under the exclusive lock, so that versions have no gaps and no race.
    static let advance = Statement(
        "epoch_advance",
        "insert into epoch (version, cause) select coalesce(max(version), 0) + 1, $1 from epoch returning version")
    /// Index: epoch_pkey, backwards.
    static let current = Statement("epoch_current", "select coalesce(max(version), 0) from epoch")
}

extension Ledger {
    /// Runs `body` while no flush is under way and makes its effect a new version of the epoch: a lease that commits
    /// after this returned was decided by the new state. Waits at most `EpochLock.waitSeconds` for flushes, then
    /// throws `.busy` with nothing changed. The body must be short: all grants wait for it.
    func withEpoch<R: Sendable>(
        cause: String, _ body: @Sendable (isolated Connection) async throws -> R
    ) async throws -> R {
        let result = try await transaction { connection in
            _ = try await connection.pipeline([Query(EpochStatements.patience), Query(EpochStatements.lock)])
            let result = try await body(connection)
            _ = try await connection.query(Query(EpochStatements.advance, .text(cause)))
            return result
        }
        await notify(.epoch)
        return result
    }

    /// The present version of the deployment's shared state.
    public func epochVersion() async throws -> Int64 {
        try await read(Query(EpochStatements.current))[0].int8(0)
    }
}
