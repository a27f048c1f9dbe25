/// Why the gateway could not start, or refused a call.
///
/// `message` reaches the peer: it says what, why and what next, and names no SQL, no host and no other person.
/// `cause` is for the log alone.
public struct GatewayError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for code to act on.
    public enum Code: String, Sendable, CaseIterable {
        // Starting
        /// The address cannot be listened on.
        case cannotBind
        /// Certificate, key or trust cannot be used.
        case badCredentials

        // Calls
        /// No certificate, or one that names nobody of this deployment.
        case unauthenticated
        /// A known caller who may not do this.
        case notAllowed
        /// A limit of this configuration or of the protocol.
        case limitExceeded
        /// A message that the protocol does not allow.
        case badMessage
        /// A revision of the protocol that is not spoken here.
        case unknownRevision
        /// A message that never came.
        case tooLate
        /// Nothing under this name.
        case notFound
        /// Something under this name already, or it changed in between.
        case conflict
        /// Right in form, but the state of things does not allow it.
        case refused
        /// Not now: going, or the database is away.
        case notReady
        /// The other side has ended the call.
        case callEnded
        /// A fault of ours.
        case internalFault
    }

    public let code: Code
    public let message: String
    /// When to try again; nil where trying again would not help.
    public let retryAfter: Duration?
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, retryAfter: Duration? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.cause = cause
    }

    public var description: String { "\(code.rawValue): \(message)" }
}

/// An error of another target that knows how a peer is told of it. Conform in the gateway, where both are known.
public protocol GatewayErrorConvertible: Error {
    var gatewayError: GatewayError { get }
}
