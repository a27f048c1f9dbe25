/// Why a file could not be read or written. Faults of single rows are `ImportProblem`s, not errors.
public struct ExchangeError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// There is no such file.
        case missing
        /// The operating system refused a read or a write.
        case file
        /// Something is already where the export should go.
        case occupied
        /// A manifest that does not say what manifests say.
        case manifest
    }

    public let code: Code
    /// One sentence for people.
    public let message: String
    /// What lies beneath; nil when nothing does.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}
