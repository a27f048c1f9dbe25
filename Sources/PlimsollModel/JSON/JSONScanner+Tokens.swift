extension JSONScanner {
    /// The next value, which must be a string, checked to its closing quote.
    public mutating func scanString() throws(JSONError) -> JSONText {
        skipWhitespace()
        guard offset < bytes.count else { throw fault(.cutShort, "the text ends where a string should start") }
        guard bytes[offset] == Byte.quote else { throw fault(.wrongKind, "a string was expected") }
        offset += 1
        let start = offset
        var hasEscapes = false
        while true {
            skipPlainText()
            guard offset < bytes.count else { throw fault(.cutShort, "the text ends inside a string") }
            let byte = bytes[offset]
            if byte == Byte.quote {
                offset += 1
                return JSONText(range: start..<(offset - 1), hasEscapes: hasEscapes)
            } else if byte == Byte.backslash {
                hasEscapes = true
                try skipEscape()
            } else if byte >= 0x80 {
                try skipUTF8()
            } else {
                throw fault(.controlCharacter, "\(shown(byte)) must be escaped inside a string")
            }
        }
    }

    /// Moves on to the next byte that is a quote, a backslash, a control character or not ASCII; eight at a time.
    private mutating func skipPlainText() {
        guard let base = bytes.baseAddress else { return }
        let raw = UnsafeRawPointer(base)
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while offset + 8 <= bytes.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let quotes = word ^ (ones &* UInt64(Byte.quote))
            let backslashes = word ^ (ones &* UInt64(Byte.backslash))
            // A byte below n borrows from its high bit: (x - n) & ~x. Borrows can also mark bytes above a marked one,
            // never below, so the lowest mark is right; bytes from 0x80 on are marked by `word` itself.
            let marks =
                ((word &- ones &* UInt64(Byte.space)) & ~word | (quotes &- ones) & ~quotes
                    | (backslashes &- ones) & ~backslashes | word) & highs
            if marks != 0 {
                offset += marks.trailingZeroBitCount / 8
                return
            }
            offset += 8
        }
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte < Byte.space || byte >= 0x80 || byte == Byte.quote || byte == Byte.backslash { return }
            offset += 1
        }
    }

    private mutating func skipEscape() throws(JSONError) {
        let start = offset
        guard offset + 1 < bytes.count else {
            offset = bytes.count
            throw fault(.cutShort, "the text ends inside an escape")
        }
        switch bytes[offset + 1] {
        case Byte.quote, Byte.backslash, Byte.slash, Byte.b, Byte.f, Byte.n, Byte.r, Byte.t:
            offset += 2
        case Byte.u:
            offset += 2
            let unit = try skipHex()
            if unit == 0 { throw fault(.nul, "U+0000 cannot be stored", at: start) }
            if (0xDC00..<0xE000).contains(unit) { throw loneSurrogate(at: start) }
            guard (0xD800..<0xDC00).contains(unit) else { return }
            guard offset + 1 < bytes.count else {
                if offset == bytes.count || bytes[offset] == Byte.backslash {
                    offset = bytes.count
                    throw fault(.cutShort, "the text ends inside an escape")
                }
                throw loneSurrogate(at: start)
            }
            guard bytes[offset] == Byte.backslash, bytes[offset + 1] == Byte.u else { throw loneSurrogate(at: start) }
            offset += 2
            guard (0xDC00..<0xE000).contains(try skipHex()) else { throw loneSurrogate(at: start) }
        default:
            throw fault(.badEscape, "`\\` must be followed by one of \"\\/bfnrtu", at: start)
        }
    }

    private mutating func skipHex() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard offset < bytes.count else { throw fault(.cutShort, "the text ends inside an escape") }
            guard let digit = Self.hexValue(bytes[offset]) else {
                throw fault(.badEscape, "`\\u` needs four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    private func loneSurrogate(at start: Int) -> JSONError {
        fault(.loneSurrogate, "half of a surrogate pair stands alone", at: start)
    }

    /// One scalar of two to four bytes, as table 3-7 of the Unicode standard allows it.
    private mutating func skipUTF8() throws(JSONError) {
        let length = UTF8Check.sequenceLength(bytes, at: offset)
        guard length > 0 else {
            if UTF8Check.isCutShort(bytes, at: offset) { throw fault(.cutShort, "the text ends inside a character") }
            throw fault(.badUTF8, "\(shown(bytes[offset])) is not part of well-formed UTF-8")
        }
        offset += length
    }

    /// The next value, which must be a number by RFC 8259 section 6; its size is not looked at.
    public mutating func scanNumber() throws(JSONError) -> JSONNumberText {
        skipWhitespace()
        let start = offset
        if offset < bytes.count, bytes[offset] == Byte.minus { offset += 1 }
        guard offset < bytes.count else { throw fault(.cutShort, "the text ends inside a number") }
        if bytes[offset] == Byte.zero {
            offset += 1
            if offset < bytes.count, Self.isDigit(bytes[offset]) {
                throw fault(.badNumber, "a number must not start with a needless zero", at: start)
            }
        } else {
            try skipDigits()
        }
        var isInteger = true
        if offset < bytes.count, bytes[offset] == Byte.dot {
            isInteger = false
            offset += 1
            try skipDigits()
        }
        if offset < bytes.count, bytes[offset] | 0x20 == Byte.e {
            isInteger = false
            offset += 1
            if offset < bytes.count, bytes[offset] == Byte.plus || bytes[offset] == Byte.minus { offset += 1 }
            try skipDigits()
        }
        return JSONNumberText(range: start..<offset, isInteger: isInteger)
    }

    private mutating func skipDigits() throws(JSONError) {
        guard offset < bytes.count else { throw fault(.cutShort, "the text ends inside a number") }
        guard Self.isDigit(bytes[offset]) else { throw fault(.badNumber, "a digit was expected in the number") }
        while offset < bytes.count, Self.isDigit(bytes[offset]) { offset += 1 }
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- Byte.zero <= 9 }
}

/// Well-formed UTF-8, RFC 3629 section 4.
public enum UTF8Check {
    /// How long the well-formed sequence at `index` is, 1 to 4; 0 when there is none.
    public static func sequenceLength(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
        let first = bytes[index]
        if first < 0x80 { return 1 }
        let left = bytes.count - index
        func isTail(_ position: Int) -> Bool { bytes[index + position] & 0xC0 == 0x80 }
        switch first {
        case 0xC2...0xDF:
            return left >= 2 && isTail(1) ? 2 : 0
        case 0xE0...0xEF:
            guard left >= 3, isTail(1), isTail(2) else { return 0 }
            if first == 0xE0 && bytes[index + 1] < 0xA0 { return 0 }
            if first == 0xED && bytes[index + 1] > 0x9F { return 0 }
            return 3
        case 0xF0...0xF4:
            guard left >= 4, isTail(1), isTail(2), isTail(3) else { return 0 }
            if first == 0xF0 && bytes[index + 1] < 0x90 { return 0 }
            if first == 0xF4 && bytes[index + 1] > 0x8F { return 0 }
            return 4
        default:
            return 0
        }
    }

    /// Whether the bytes from `index` to the end could become well-formed if more followed.
    static func isCutShort(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
        let rest = bytes[index...]
        guard rest.count < 4 else { return false }
        // Whatever may follow, one of these tails completes a sequence that can be completed at all.
        for tail: [UInt8] in [[0x80, 0x80, 0x80], [0xA0, 0x80, 0x80], [0x90, 0x80, 0x80]] {
            let whole = Array(rest) + tail
            let length = whole.withUnsafeBufferPointer { sequenceLength($0, at: 0) }
            if length > rest.count { return true }
        }
        return false
    }
}
