public import GRPCCore

/// Why a worker could not be started, or why it ended for good.
///
/// `message` says what, why and what to do next, and holds no secret.
public struct WorkerError: Error, Sendable {
    /// What went wrong, for code to act on.
    public enum Code: String, Sendable, CaseIterable {
        /// An address, a limit or a name that cannot be used.
        case badConfiguration
        /// The files of the identity are missing, unsafe, or the certificate's time is over.
        case badIdentity
        /// No coordinator could be reached, or the connection broke.
        case unreachable
        /// The coordinator does not accept this certificate, role or person.
        case notAuthorized
        /// The coordinator refused a request by a rule.
        case refused
        /// What was asked for does not exist.
        case notFound
        /// The request meets another state than it assumed.
        case conflict
        /// The two ends do not understand each other.
        case protocolBroken
        /// A certificate that was issued is not one that this worker asked for.
        case badCertificate
        /// The stream or session has ended and takes nothing any more.
        case closed
    }

    public let code: Code
    public let message: String
    /// The error of a library below, where there was one.
    public let cause: (any Error)?
    /// How long the coordinator wants to be left alone. Nil: it did not say.
    public let retryAfter: Duration?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil, retryAfter: Duration? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.retryAfter = retryAfter
    }

    /// What a failed call means for a worker; the coordinator's own words are kept.
    public init(rpc error: RPCError) {
        let pushback = error.metadata[stringValues: Self.retryKey].first { _ in true }.flatMap { Int64($0) }
        self.init(
            Self.code(of: error.code), error.message, cause: error,
            retryAfter: pushback.map { .milliseconds(min(max(0, $0), Self.retryMillisecondsMax)) })
    }

    /// Trailing metadata by which a server says when to try again (gRFC A6).
    private static let retryKey = "grpc-retry-pushback-ms"
    /// No coordinator is obeyed for longer than this.
    private static let retryMillisecondsMax: Int64 = 60_000

    /// Any error as one of this type; one of this type passes unchanged.
    init(wrapping error: any Error) {
        switch error {
        case let error as WorkerError: self = error
        case let error as RPCError: self.init(rpc: error)
        default: self.init(.unreachable, "the connection failed: \(error)", cause: error)
        }
    }

    /// Whether trying again, here or at another coordinator, may help.
    public var isTemporary: Bool { code == .unreachable || code == .conflict }

    private static func code(of code: RPCError.Code) -> Code {
        switch code {
        case .unauthenticated, .permissionDenied: .notAuthorized
        case .failedPrecondition: .refused
        case .notFound: .notFound
        case .alreadyExists, .aborted: .conflict
        case .invalidArgument, .unimplemented, .outOfRange: .protocolBroken
        // `resourceExhausted` carries "come back later"; an internal error may be gone at another one.
        default: .unreachable
        }
    }
}

extension WorkerError: CustomStringConvertible {
    public var description: String { message }
}
