import Coordinator
public import GRPCCore
import Identity

/// The one place where errors become statuses of gRPC.
extension GatewayError {
    /// Trailing metadata that tells a client when to try again, in milliseconds (gRFC A6).
    public static let retryKey = "grpc-retry-pushback-ms"

    /// What the peer is told.
    public var status: RPCError {
        var metadata: Metadata = [:]
        if let retryAfter {
            metadata.addString(String(retryAfter.wireMilliseconds), forKey: Self.retryKey)
        }
        return RPCError(code: code.status, message: message, metadata: metadata, cause: cause)
    }

    /// Any error as one of ours. What is not meant for peers becomes `internalFault` with a fixed text.
    public init(of error: any Error) {
        switch error {
        case let error as GatewayError: self = error
        case let error as any GatewayErrorConvertible: self = error.gatewayError
        case let end as StreamEnd: self.init(end)
        case let error as IdentityError: self.init(error)
        case is CancellationError: self.init(.callEnded, "the call has ended")
        default: self.init(.internalFault, "something failed here; the coordinator's log says what", cause: error)
        }
    }

    /// What reading from or writing to a peer failed with. Mostly the peer has gone and hears nothing of this.
    init(ofTransport error: any Error) {
        switch (error as? RPCError)?.code {
        case .resourceExhausted?: self.init(.limitExceeded, "a message is larger than allowed", cause: error)
        case .invalidArgument?: self.init(.badMessage, "a message cannot be read", cause: error)
        default: self.init(.callEnded, "the call has ended", cause: error)
        }
    }

    private init(_ end: StreamEnd) {
        switch end.code {
        case .roleNotGranted, .denied: self.init(.notAllowed, end.message)
        case .tooManyStreams: self.init(.limitExceeded, end.message, retryAfter: RetryDelay.crowded)
        case .limitExceeded: self.init(.limitExceeded, end.message)
        case .noSuchProject: self.init(.notFound, end.message)
        case .notReady: self.init(.notReady, end.message, retryAfter: RetryDelay.notReady)
        case .superseded: self.init(.callEnded, end.message)
        case .drained: self.init(.notReady, end.message, retryAfter: RetryDelay.going)
        }
    }

    private init(_ error: IdentityError) {
        switch error.code {
        case .fileMissing, .fileExists, .fileUnsafe, .fileFailed, .keyMismatch, .authorityNotValid:
            self.init(.internalFault, "something failed here; the coordinator's log says what", cause: error)
        default: self.init(.badMessage, error.message, cause: error)
        }
    }
}

/// After how long to try again.
enum RetryDelay {
    /// Another process of the same person has to go first.
    static let crowded = Duration.seconds(5)
    /// The coordinator joins again, or its database comes back.
    static let notReady = Duration.seconds(1)
    /// At another coordinator there is nothing to wait for.
    static let going = Duration.zero
}

extension GatewayError.Code {
    var status: RPCError.Code {
        switch self {
        case .cannotBind, .badCredentials, .internalFault: .internalError
        case .unauthenticated: .unauthenticated
        case .notAllowed: .permissionDenied
        case .limitExceeded: .resourceExhausted
        case .badMessage: .invalidArgument
        case .unknownRevision, .refused: .failedPrecondition
        case .tooLate: .deadlineExceeded
        case .notFound: .notFound
        case .conflict: .aborted
        case .notReady: .unavailable
        case .callEnded: .cancelled
        }
    }
}
