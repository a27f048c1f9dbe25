public import Postgres

/// The database as the rest of the house sees it. Every SQL statement of Plimsoll is in this target, each as a named
/// constant or file beside the function that runs it.
public struct Ledger: Sendable {
    /// Connections in the coordinator's role, for everything but flushes, which have connections of their own.
    public let pool: Pool

    public init(pool: Pool) {
        self.pool = pool
    }
}
