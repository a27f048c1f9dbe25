/// What went wrong in the pure model, and where in the document that was read.
public struct ModelError: Error, Sendable, CustomStringConvertible {
    /// The sort of failure, for code that decides by it.
    public enum Code: String, Sendable {
        /// A name that is in no table of time zones.
        case unknownZone = "unknown-zone"
        /// A time that says nothing, or two things, in its zone.
        case badTime = "bad-time"
        /// A policy document that cannot be used.
        case badPolicy = "bad-policy"
        /// An answer schema outside the documented subset.
        case badSchema = "bad-schema"
    }

    public let code: Code
    /// What is wrong and what would be right, in one sentence; no secrets, no names of people.
    public let message: String
    /// Line in the document, from 1; nil when there is no document or the place is unknown.
    public let line: Int?
    /// Column in that line, from 1; nil as for `line`.
    public let column: Int?
    /// JSON pointer into the document (RFC 6901; empty for the whole); nil when there is none.
    public let path: String?
    /// Further problems of the same document, in its order.
    public let others: [ModelError]
    /// The failure underneath; nil when this is the first.
    public let cause: (any Error)?

    public init(
        _ code: Code, _ message: String, line: Int? = nil, column: Int? = nil, path: String? = nil,
        others: [ModelError] = [], cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.path = path
        self.others = others
        self.cause = cause
    }

    /// The same with further problems of its document.
    func with(_ others: [ModelError]) -> ModelError {
        ModelError(code, message, line: line, column: column, path: path, others: others, cause: cause)
    }

    /// Each problem on a line of its own, with its place.
    public var description: String { ([placed] + others.map(\.placed)).joined(separator: "\n") }

    private var placed: String {
        if let line, let column { return "line \(line), column \(column): \(message)" }
        if let path { return path.isEmpty ? "at the top: \(message)" : "at \(path): \(message)" }
        return message
    }
}
