/// Why a private cluster could not be found, started or stopped. All of it is for the operator who runs the command.
public struct ClusterError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: String, Sendable, Hashable {
        /// No PostgreSQL server programs were found.
        case postgresNotFound
        /// What was found is older than ``PostgresInstallation/majorMin``.
        case postgresTooOld
        /// The directory was made by another major version than the one that was found.
        case versionMismatch
        /// Another process runs this cluster, or a postmaster that is not ours runs in its directory.
        case alreadyRunning
        /// The directory cannot be made, or the user that the server runs as cannot reach it.
        case directory
        /// `initdb` failed; the message has its output.
        case initdb
        /// The server ended, or did not accept connections in time; the message has the end of its log.
        case start
        /// The server did not end even when killed.
        case stop
        /// A program could not be started.
        case spawn
    }

    /// The kind of failure.
    public let code: Code
    /// What happened and what to do about it.
    public let message: String
    /// The process that is in the way (`alreadyRunning`).
    public let processID: Int32?
    /// The error beneath, if any.
    public let cause: (any Error)?

    init(_ code: Code, _ message: String, processID: Int32? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.processID = processID
        self.cause = cause
    }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }
}
