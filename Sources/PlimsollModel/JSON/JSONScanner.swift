/// What a JSON value is, seen from its first byte.
public enum JSONKind: String, Sendable {
    case null, bool, number, string, array, object
}

/// Reads JSON text once, from front to back, and refuses whatever RFC 8259 or our storage does not allow.
///
/// Beyond the grammar it refuses: the same member twice in an object, U+0000, unpaired surrogates, bytes that are not
/// UTF-8 and nesting deeper than the limit. It makes no tree: values are told by their offsets, so a caller copies only
/// what it keeps. The cost is about one nanosecond a byte.
///
/// A scanner points into memory that it does not own and is valid only inside the closure of `withScanner`.
public struct JSONScanner {
    /// Arrays and objects inside each other, at most.
    public static let depthMax = 64
    /// Up to this many members an object's keys are compared one by one, above that by a set.
    static let keysComparedMax = 16

    let bytes: UnsafeBufferPointer<UInt8>
    let depthLimit: Int
    /// Where the next byte is read.
    public internal(set) var offset = 0
    /// White space met so far outside strings, in bytes: none between two points means that the text is compact there.
    public internal(set) var whitespaceBytes = 0
    var depth = 0
    /// Keys of the objects that are open now, innermost last; one storage for the whole scan.
    var openKeys: [JSONText] = []

    /// `bytes` must outlive the scanner.
    public init(_ bytes: UnsafeBufferPointer<UInt8>, depthMax: Int = JSONScanner.depthMax) {
        self.bytes = bytes
        self.depthLimit = depthMax
    }

    /// Runs `body` with a scanner over `bytes`; the scanner must not leave the closure.
    public static func withScanner<Result>(
        _ bytes: [UInt8], depthMax: Int = JSONScanner.depthMax, _ body: (inout JSONScanner) throws -> Result
    ) throws -> Result {
        try bytes.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(buffer, depthMax: depthMax)
            return try body(&scanner)
        }
    }

    /// Throws unless `bytes` are exactly one JSON value, with white space around it at most.
    public static func validate(_ bytes: [UInt8], depthMax: Int = JSONScanner.depthMax) throws(JSONError) {
        do {
            try withScanner(bytes, depthMax: depthMax) { scanner in
                _ = try scanner.skipValue()
                try scanner.expectEnd()
            }
        } catch let error as JSONError {
            throw error
        } catch {
            // The closure above throws nothing else.
            throw JSONError(code: .unexpected, message: "\(error)", offset: 0, line: 1, column: 1)
        }
    }

    /// The kind of the next value; nothing is consumed but white space.
    public mutating func nextKind() throws(JSONError) -> JSONKind {
        skipWhitespace()
        guard offset < bytes.count else { throw fault(.cutShort, "the text ends where a value should start") }
        switch bytes[offset] {
        case Byte.quote: return .string
        case Byte.openBrace: return .object
        case Byte.openBracket: return .array
        case Byte.minus, Byte.zero...Byte.nine: return .number
        case Byte.t, Byte.f: return .bool
        case Byte.n: return .null
        default: throw unexpectedByte("a value")
        }
    }

    /// Checks the next value to its end and returns where it lies.
    @discardableResult
    public mutating func skipValue() throws(JSONError) -> Range<Int> {
        let kind = try nextKind()
        let start = offset
        switch kind {
        case .string: _ = try scanString()
        case .object: try skipObject()
        case .array: try skipArray()
        case .number: _ = try scanNumber()
        case .bool: _ = try scanBool()
        case .null: try scanNull()
        }
        return start..<offset
    }

    /// `true` or `false`.
    public mutating func scanBool() throws(JSONError) -> Bool {
        skipWhitespace()
        if offset < bytes.count, bytes[offset] == Byte.t {
            try scanWord("true")
            return true
        }
        try scanWord("false")
        return false
    }

    /// `null`.
    public mutating func scanNull() throws(JSONError) {
        skipWhitespace()
        try scanWord("null")
    }

    /// Throws when anything but white space is left.
    public mutating func expectEnd() throws(JSONError) {
        skipWhitespace()
        guard offset == bytes.count else {
            throw fault(.trailing, "\(shown(bytes[offset])) follows the end of the value")
        }
    }

    /// RFC 8259 section 2: space, tab, line feed, carriage return, nothing else.
    public mutating func skipWhitespace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case Byte.space, Byte.lineFeed, Byte.carriageReturn, Byte.tab:
                offset += 1
                whitespaceBytes += 1
            default: return
            }
        }
    }

    /// Goes back to the start of a value that was checked before, to read it in another way.
    public mutating func seek(_ offset: Int) {
        self.offset = min(max(offset, 0), bytes.count)
    }

    /// The byte at an offset that was scanned before; nil beyond the text.
    public func byte(at offset: Int) -> UInt8? { bytes.indices.contains(offset) ? bytes[offset] : nil }

    /// A copy of the bytes at `range`, as `skipValue` returned it.
    public func copy(_ range: Range<Int>) -> [UInt8] { [UInt8](UnsafeBufferPointer(rebasing: bytes[range])) }

    /// A copy of the checked value at `range` without the white space around its tokens.
    public func copyCompact(_ range: Range<Int>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        var isInString = false
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            index += 1
            if isInString {
                result.append(byte)
                if byte == Byte.backslash {
                    result.append(bytes[index])
                    index += 1
                } else if byte == Byte.quote {
                    isInString = false
                }
                continue
            }
            switch byte {
            case Byte.space, Byte.lineFeed, Byte.carriageReturn, Byte.tab: continue
            case Byte.quote: isInString = true
            default: break
            }
            result.append(byte)
        }
        return result
    }

    private mutating func scanWord(_ word: StaticString) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount {
            guard offset < bytes.count else { throw fault(.cutShort, "the text ends inside `\(word)`") }
            guard bytes[offset] == word.utf8Start[index] else { throw unexpectedByte("`\(word)`") }
            offset += 1
        }
    }
}

/// The bytes that mean something to JSON.
enum Byte {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let quote: UInt8 = 0x22
    static let plus: UInt8 = 0x2B
    static let comma: UInt8 = 0x2C
    static let minus: UInt8 = 0x2D
    static let dot: UInt8 = 0x2E
    static let slash: UInt8 = 0x2F
    static let zero: UInt8 = 0x30
    static let nine: UInt8 = 0x39
    static let colon: UInt8 = 0x3A
    static let openBracket: UInt8 = 0x5B
    static let backslash: UInt8 = 0x5C
    static let closeBracket: UInt8 = 0x5D
    static let b: UInt8 = 0x62
    static let e: UInt8 = 0x65
    static let f: UInt8 = 0x66
    static let n: UInt8 = 0x6E
    static let r: UInt8 = 0x72
    static let t: UInt8 = 0x74
    static let u: UInt8 = 0x75
    static let openBrace: UInt8 = 0x7B
    static let closeBrace: UInt8 = 0x7D
}
