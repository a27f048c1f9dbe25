internal import CLibPQ
internal import Logging

/// Takes the server's notices, which libpq would otherwise print to standard error.
final class NoticeSink {
    private let logger: Logger
    /// The server ended the session while nothing was asked of it.
    private(set) var sawFatal = false

    init(_ logger: Logger) { self.logger = logger }

    static let receive: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?) -> Void = { argument, result in
        guard let argument, let result else { return }
        let sink = Unmanaged<NoticeSink>.fromOpaque(argument).takeUnretainedValue()
        let severity = Link.field(result, DIAG_SEVERITY)
        if severity == "FATAL" || severity == "PANIC" { sink.sawFatal = true }
        sink.logger.debug(
            "notice from PostgreSQL",
            metadata: [
                "sqlstate": .string(Link.field(result, DIAG_SQLSTATE) ?? ""),
                "message": .string(Link.field(result, DIAG_MESSAGE) ?? ""),
            ])
    }
}
