/// One text for each JSON value, so that equal answers have equal hashes (RFC 8785).
///
/// Members are sorted by UTF-16 code units, there is no white space, strings have the shortest escapes, numbers the
/// shortest ECMAScript form. As RFC 8785 takes numbers for IEEE 754 doubles, whole numbers beyond 2^53 are rounded.
public enum CanonicalJSON {
    /// The canonical text of one JSON value. Throws `JSONError`: what `JSONScanner` refuses, and `numberRange` for
    /// numbers that no double can hold. Costs a few hundred nanoseconds for a small answer.
    public static func canonicalize(_ bytes: [UInt8], depthMax: Int = JSONScanner.depthMax) throws -> [UInt8] {
        try JSONScanner.withScanner(bytes, depthMax: depthMax) { scanner in
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count)
            try appendValue(&scanner, to: &result)
            try scanner.expectEnd()
            return result
        }
    }

    /// Appends the canonical text of the scanner's next value, for callers that are in the middle of a scan.
    public static func appendValue(_ scanner: inout JSONScanner, to result: inout [UInt8]) throws(JSONError) {
        switch try scanner.nextKind() {
        case .null, .bool:
            result.append(contentsOf: scanner.bytes[try scanner.skipValue()])
        case .number:
            try appendNumber(&scanner, to: &result)
        case .string:
            appendText(try scanner.scanString(), scanner, to: &result)
        case .array:
            try scanner.enter()
            result.append(Byte.openBracket)
            var isFirst = true
            while try scanner.nextElement(isFirst: isFirst) {
                if !isFirst { result.append(Byte.comma) }
                isFirst = false
                try appendValue(&scanner, to: &result)
            }
            result.append(Byte.closeBracket)
        case .object:
            try appendObject(&scanner, to: &result)
        }
    }

    private struct Member {
        let key: JSONText
        /// Where `"key":value` lies in the result.
        let place: Range<Int>
    }

    /// Writes the members as they come and moves them only when they came out of order.
    private static func appendObject(_ scanner: inout JSONScanner, to result: inout [UInt8]) throws(JSONError) {
        var keys = try scanner.openObject()
        result.append(Byte.openBrace)
        let start = result.count
        var members: [Member] = []
        var isSorted = true
        while let key = try scanner.nextKey(&keys) {
            if let last = members.last {
                result.append(Byte.comma)
                if isSorted, precedes(key, last.key, scanner) { isSorted = false }
            }
            let place = result.count
            appendText(key, scanner, to: &result)
            result.append(Byte.colon)
            try appendValue(&scanner, to: &result)
            members.append(Member(key: key, place: place..<result.count))
        }
        if !isSorted {
            let reader = scanner
            members.sort { precedes($0.key, $1.key, reader) }
            var sorted: [UInt8] = []
            sorted.reserveCapacity(result.count - start)
            for member in members {
                if !sorted.isEmpty { sorted.append(Byte.comma) }
                sorted.append(contentsOf: result[member.place])
            }
            result.replaceSubrange(start..., with: sorted)
        }
        result.append(Byte.closeBrace)
    }

    private static func appendText(_ text: JSONText, _ scanner: JSONScanner, to result: inout [UInt8]) {
        if text.hasEscapes {
            appendQuoted(scanner.decodedBytes(text), to: &result)
        } else {
            // What RFC 8259 lets stand unescaped needs no escape here either.
            result.append(Byte.quote)
            result.append(contentsOf: UnsafeBufferPointer(rebasing: scanner.bytes[text.range]))
            result.append(Byte.quote)
        }
    }

    /// Appends a string in quotes with the escapes of RFC 8785 section 3.2.2.2.
    public static func appendQuoted(_ text: String, to result: inout [UInt8]) {
        var text = text
        text.withUTF8 { appendQuoted($0, to: &result) }
    }

    /// The same for UTF-8 that is known to be well-formed.
    public static func appendQuoted(_ text: [UInt8], to result: inout [UInt8]) {
        text.withUnsafeBufferPointer { appendQuoted($0, to: &result) }
    }

    /// The same for UTF-8 that is known to be well-formed, without a copy.
    public static func appendQuoted(_ text: UnsafeBufferPointer<UInt8>, to result: inout [UInt8]) {
        result.append(Byte.quote)
        // Most text needs no escapes, so runs between them are copied whole.
        var copied = 0
        for index in 0..<text.count {
            let byte = text[index]
            guard byte < Byte.space || byte == Byte.quote || byte == Byte.backslash else { continue }
            result.append(contentsOf: UnsafeBufferPointer(rebasing: text[copied..<index]))
            copied = index + 1
            appendEscape(byte, to: &result)
        }
        result.append(contentsOf: UnsafeBufferPointer(rebasing: text[copied...]))
        result.append(Byte.quote)
    }

    private static func appendEscape(_ byte: UInt8, to result: inout [UInt8]) {
        result.append(Byte.backslash)
        switch byte {
        case Byte.quote, Byte.backslash: result.append(byte)
        case 0x08: result.append(Byte.b)
        case Byte.tab: result.append(Byte.t)
        case Byte.lineFeed: result.append(Byte.n)
        case 0x0C: result.append(Byte.f)
        case Byte.carriageReturn: result.append(Byte.r)
        default:
            func digit(_ value: UInt8) -> UInt8 { value < 10 ? Byte.zero + value : 0x61 + value - 10 }
            result.append(contentsOf: [Byte.u, Byte.zero, Byte.zero, digit(byte >> 4), digit(byte & 15)])
        }
    }

    private static func precedes(_ left: JSONText, _ right: JSONText, _ scanner: JSONScanner) -> Bool {
        if left.hasEscapes || right.hasEscapes {
            return precedes(scanner.decodedBytes(left), scanner.decodedBytes(right))
        }
        return precedes(scanner.bytes[left.range], scanner.bytes[right.range])
    }

    /// Whether UTF-8 `left` sorts before `right` by UTF-16 code units (RFC 8785 section 3.2.3).
    static func precedes(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Bool {
        // UTF-8 sorts by scalars; UTF-16 differs only where U+E000...U+FFFF (lead bytes 0xEE and 0xEF) meets a
        // surrogate pair (0xF0 and above), which comes first there. Bytes that differ first are lead bytes of both or
        // tails of both.
        func rank(_ byte: UInt8) -> UInt8 { byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte }
        return left.lexicographicallyPrecedes(right) { rank($0) < rank($1) }
    }
}
