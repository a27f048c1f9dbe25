import PlimsollModel
import Postgres

extension Ledger {
    /// Session settings of every connection in the coordinator's role. Its queries are short; compiling one (`jit`)
    /// costs more than running it.
    public static let sessionSettings: [(String, String)] = [
        ("search_path", "plimsoll"), ("timezone", "UTC"), ("synchronous_commit", "on"), ("jit", "off"),
    ]

    /// Runs `body` in one transaction of a pooled connection; 40001 and 40P01 run it again, so it must have no effect
    /// outside the database. Throws `LedgerError`.
    func transaction<R: Sendable>(
        isolation: TransactionIsolation = .readCommitted, readOnly: Bool = false,
        _ body: @Sendable (isolated Connection) async throws -> R
    ) async throws -> R {
        do {
            return try await pool.withConnection { connection in
                try await connection.transaction(isolation: isolation, readOnly: readOnly, body)
            }
        } catch {
            throw LedgerError.translating(error)
        }
    }

    /// Runs one query outside any transaction. Throws `LedgerError`.
    func read(_ query: Query) async throws -> Rows {
        do {
            return try await pool.withConnection { connection in try await connection.query(query) }
        } catch {
            throw LedgerError.translating(error)
        }
    }

    /// Wakes coordinators up, in a transaction of its own: a NOTIFY inside a data transaction would serialise all
    /// commits. A lost wake-up costs one slow poll, so failures are swallowed.
    func notify(_ channel: WakeUp, _ payload: String = "") async {
        // Whatever the wake-up was for is committed; the poll behind it finds it.
        _ = try? await read(Query(NotifyStatements.notify, .text(channel.rawValue), .text(payload)))
    }
}

/// The channels on which coordinators listen.
public enum WakeUp: String, Sendable, CaseIterable {
    /// The epoch moved on. No payload.
    case epoch = "plimsoll_epoch"
    /// Something about a person changed. Payload: the person's id.
    case person = "plimsoll_person"
    /// A lane has new spans. Payload: the lane's id; empty: several, look at all.
    case lane = "plimsoll_lane"
}

enum NotifyStatements {
    static let notify = Statement("notify", "select pg_notify($1, $2)")
}
