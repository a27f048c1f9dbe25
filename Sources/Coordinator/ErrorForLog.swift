import Ledger

extension Error {
    /// What a log may have of an error: kind, SQLSTATE, statement. No values, because a log names no person together
    /// with a time.
    var forLog: String {
        guard let error = self as? LedgerError, let cause = error.cause else { return "\(self)" }
        return "\(error.message) (\(cause))"
    }
}
