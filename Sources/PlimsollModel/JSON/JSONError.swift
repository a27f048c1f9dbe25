/// Why a piece of text is not JSON as this project accepts it, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What sort of fault it is, for callers that act on it.
    public enum Code: String, Sendable, CaseIterable {
        /// The text ends before the value does.
        case cutShort
        /// A byte that no rule of RFC 8259 allows at this place.
        case unexpected
        /// Something follows the one value that was expected.
        case trailing
        /// An escape that RFC 8259 section 7 does not know.
        case badEscape
        /// Half of a surrogate pair without its other half.
        case loneSurrogate
        /// U+0000, which PostgreSQL cannot keep in text or jsonb.
        case nul
        /// A raw control character inside a string.
        case controlCharacter
        /// Bytes that are not UTF-8 (RFC 3629).
        case badUTF8
        /// A number that does not follow RFC 8259 section 6.
        case badNumber
        /// A number no IEEE 754 double can hold.
        case numberRange
        /// One object names a member twice.
        case duplicateKey
        /// Deeper nesting than the limit.
        case tooDeep
        /// Another kind of value than the caller asked for.
        case wrongKind
    }

    public let code: Code
    /// One sentence for people, without the position.
    public let message: String
    /// Where the fault is, in bytes from the start.
    public let offset: Int
    /// 1-based; a line ends with a line feed.
    public let line: Int
    /// 1-based, in Unicode scalars.
    public let column: Int

    public init(code: Code, message: String, offset: Int, line: Int, column: Int) {
        self.code = code
        self.message = message
        self.offset = offset
        self.line = line
        self.column = column
    }

    public var description: String { "line \(line), column \(column): \(message)" }
}
