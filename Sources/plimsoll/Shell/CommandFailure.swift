import Exchange
import GRPCCore
import Gateway
import Identity
import Ledger
import PlimsollModel
import Postgres
import PrivateCluster
import WorkerKit

/// Why a command could not do what was asked: what, why and what next, and the exit code.
struct CommandFailure: Error, CustomStringConvertible {
    let status: ExitStatus
    /// What went wrong and why; without a full stop at the end.
    let message: String
    /// What to do next; nil when the message says it.
    let next: String?
    let cause: (any Error)?

    init(_ status: ExitStatus, _ message: String, next: String? = nil, cause: (any Error)? = nil) {
        self.status = status
        self.message = message
        self.next = next
        self.cause = cause
    }

    /// What is printed on stderr.
    var description: String { next.map { "\(message)\n  next: \($0)" } ?? message }

    /// Any error as one of this type, with the exit code that fits. Errors that are not known here say what they say
    /// of themselves.
    init(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as RPCError: self.init(remote: error)
        case let error as IdentityError: self.init(error.exitStatus, error.message, next: error.next, cause: error)
        case let error as ModelError: self.init(.wrongUse, error.description, cause: error)
        case let error as ExchangeError: self.init(error.exitStatus, error.description, cause: error)
        case let error as LedgerError: self.init(error.exitStatus, error.message, next: error.remedy, cause: error)
        case let error as ClusterError: self.init(error.exitStatus, error.message, cause: error)
        case let error as GatewayError: self.init(error.exitStatus, error.message, cause: error)
        case let error as WorkerError: self.init(error.exitStatus, error.message, next: error.next, cause: error)
        case let error as PostgresError:
            self.init(
                .failed, "the database does not answer as it must: \(error.reason)",
                next: "see that PostgreSQL runs and that the configuration names it", cause: error)
        case is CancellationError: self.init(.failed, "stopped before it was done", cause: error)
        default: self.init(.failed, String(describing: error), cause: error)
        }
    }

    /// What a coordinator answered, with the hint that fits its code.
    private init(remote error: RPCError) {
        let next: String? =
            switch error.code {
            case .unavailable: "see whether the coordinator runs (`plimsoll doctor`), then try again"
            case .unauthenticated:
                "look at the certificate with `plimsoll doctor`; `plimsoll cert renew` gets a new one before it ends"
            case .permissionDenied:
                "use an identity of the right role (`--identity`), or ask an operator for `plimsoll role grant`"
            case .deadlineExceeded: "try again; `plimsoll queue status` shows whether the coordinator keeps up"
            case .resourceExhausted: "wait a moment, then try again"
            default: nil
            }
        let message = error.message.isEmpty ? "the coordinator answered \(error.code)" : error.message
        self.init(ExitStatus(error.code), message, next: next, cause: error)
    }
}

extension PostgresError {
    /// In libpq's or the server's own words, which are for whoever runs the command; the description is without them.
    var reason: String {
        let words = message.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.isEmpty ? description : words
    }
}

extension IdentityError {
    /// Files and names are the caller's to mend; what a certificate may not do is a matter of authorization.
    fileprivate var exitStatus: ExitStatus {
        switch code {
        case .fileMissing: .notFound
        case .fileExists: .conflict
        case .expired, .notYetValid, .otherAuthority, .missingUsage, .badSignature: .notAuthorized
        case .fileFailed: .failed
        default: .wrongUse
        }
    }
}

extension IdentityError {
    /// For what the message does not say already.
    fileprivate var next: String? {
        switch code {
        case .fileMissing:
            "name a folder with key.pem, cert.pem and ca.pem (authorities: ca.key and ca.pem), or a name that is in the "
                + "data folder; `plimsoll cert request NAME` begins a new identity"
        case .expired: "ask an operator for a new token, then: plimsoll cert request NAME --token TOKEN"
        default: nil
        }
    }
}

extension WorkerError {
    fileprivate var exitStatus: ExitStatus {
        switch code {
        case .badConfiguration: .wrongUse
        case .notAuthorized, .badIdentity, .badCertificate: .notAuthorized
        case .refused: .refused
        case .notFound: .notFound
        case .conflict: .conflict
        case .unreachable, .protocolBroken, .closed: .failed
        }
    }

    /// For what the message does not say already.
    fileprivate var next: String? {
        code == .badIdentity ? "`plimsoll cert request NAME` makes a request for a new certificate" : nil
    }
}

extension ExchangeError {
    fileprivate var exitStatus: ExitStatus {
        switch code {
        case .missing: .notFound
        case .occupied: .conflict
        case .file, .manifest: .failed
        }
    }
}

extension LedgerError {
    fileprivate var exitStatus: ExitStatus {
        switch code {
        case .invalid: .wrongUse
        case .notFound: .notFound
        case .conflict, .stale: .conflict
        case .refused: .refused
        case .busy, .unavailable, .schema, .fault: .failed
        }
    }
}

extension ClusterError {
    fileprivate var exitStatus: ExitStatus {
        switch code {
        case .postgresNotFound: .notFound
        case .alreadyRunning: .conflict
        default: .failed
        }
    }
}

extension GatewayError {
    fileprivate var exitStatus: ExitStatus {
        switch code {
        case .badCredentials, .badMessage: .wrongUse
        case .unauthenticated, .notAllowed: .notAuthorized
        case .notFound: .notFound
        case .conflict: .conflict
        case .refused: .refused
        default: .failed
        }
    }
}
