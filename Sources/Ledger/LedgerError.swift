import Postgres

/// What went wrong in the ledger, in words that may be shown to whoever asked: no SQL, no host, nobody else's data.
public struct LedgerError: Error, Sendable, CustomStringConvertible {
    /// The sort of failure, for code that decides by it. One place maps it to a gRPC status.
    public enum Code: String, Sendable, CaseIterable {
        /// What was asked for makes no sense as it stands; asking again changes nothing.
        case invalid
        /// The named thing does not exist.
        case notFound = "not-found"
        /// It clashes with what is there: exists already, or is in another state.
        case conflict
        /// What the caller saw is no longer so; look again, then ask again.
        case stale
        /// A rule says no.
        case refused
        /// Others hold what is needed; the same call may succeed in a moment.
        case busy
        /// The database cannot be reached or does not take writes now.
        case unavailable
        /// The database is not set up as this build needs it.
        case schema
        /// A fault of ours or of the database that nobody can mend by asking differently.
        case fault
    }

    public let code: Code
    /// What happened and why, in one sentence.
    public let message: String
    /// What to do next; nil when there is nothing to do but to ask again.
    public let remedy: String?
    /// The failure underneath, for operators' logs.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, remedy: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.cause = cause
    }

    public var description: String { remedy.map { "\(message); \($0)" } ?? message }
}

extension LedgerError {
    /// The same failure in the ledger's words. Errors that are no `PostgresError` pass unchanged.
    static func translating(_ error: any Error) -> any Error {
        guard let error = error as? PostgresError else { return error }
        switch error.sqlState {
        case "55P03":
            return LedgerError(.busy, "another change was under way for too long", cause: error)
        case "57014":
            return LedgerError(.busy, "the database stopped the statement at its time limit", cause: error)
        case "22P02", "22P05", "22021":
            return LedgerError(.invalid, "a value is no valid text or JSON", cause: error)
        case "23514":
            // Checks have names; what has none is a row that no partition takes.
            guard let check = error.constraint else {
                return LedgerError(
                    .unavailable, "history has no partition of this day yet; nothing was changed",
                    remedy: "try again in a moment; where it lasts, plimsoll doctor tells operators what to do",
                    cause: error)
            }
            return LedgerError(.invalid, "a value is out of its range (\(check))", cause: error)
        case "23505":
            return LedgerError(.conflict, "it exists already", cause: error)
        case "42501":
            return LedgerError(
                .schema, "the database role lacks a right that the shipped schema gives it",
                remedy: "run plimsoll migrate as the owner", cause: error)
        case "53100":
            return LedgerError(
                .unavailable, "the database's disk is full; nothing was changed",
                remedy: "make room where PostgreSQL keeps its data, then try again", cause: error)
        default: break
        }
        if error.isRetryable {
            return LedgerError(.busy, "too many changes met; nothing was changed", cause: error)
        }
        if error.isConnectionLost || error.isShutdown || error.isReadOnlyServer || error.code == .poolTimeout
            || error.code == .poolClosed
        {
            return LedgerError(.unavailable, "the database cannot be reached or takes no writes now", cause: error)
        }
        if error.code == .cancelled { return CancellationError() }
        return LedgerError(.fault, "the database refused a statement of ours", cause: error)
    }
}
