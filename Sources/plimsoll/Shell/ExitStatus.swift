import GRPCCore

/// What the exit code of every command means. Scripts may rely on it.
enum ExitStatus: Int32, Sendable {
    case done = 0
    case failed = 1
    /// The command line, a file or a configuration is not as it must be.
    case wrongUse = 2
    /// A rule says no: a limit, an agreement, the state that something is in.
    case refused = 3
    case notAuthorized = 4
    case notFound = 5
    /// It exists with other contents, or has changed since it was read.
    case conflict = 6

    /// The one place where a coordinator's answer becomes an exit code.
    init(_ code: RPCError.Code) {
        switch code {
        case .invalidArgument, .outOfRange: self = .wrongUse
        case .failedPrecondition: self = .refused
        case .unauthenticated, .permissionDenied: self = .notAuthorized
        case .notFound: self = .notFound
        case .alreadyExists, .aborted: self = .conflict
        default: self = .failed
        }
    }
}
