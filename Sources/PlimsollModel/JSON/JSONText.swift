/// A string inside scanned JSON: where its contents lie, without the quotes.
public struct JSONText: Sendable, Hashable {
    /// Offsets between the quotes, escapes as they stand.
    public let range: Range<Int>
    /// False: the bytes at `range` are the string's UTF-8 as it is.
    public let hasEscapes: Bool
}

/// A number inside scanned JSON.
public struct JSONNumberText: Sendable, Hashable {
    public let range: Range<Int>
    /// True without fraction and exponent.
    public let isInteger: Bool
}

extension JSONScanner {
    /// The text as a Swift string.
    public func decode(_ text: JSONText) -> String {
        text.hasEscapes
            ? String(decoding: decodedBytes(text), as: UTF8.self)
            : String(decoding: UnsafeBufferPointer(rebasing: bytes[text.range]), as: UTF8.self)
    }

    /// The text as UTF-8 with its escapes resolved.
    public func decodedBytes(_ text: JSONText) -> [UInt8] {
        guard text.hasEscapes else { return copy(text.range) }
        var result: [UInt8] = []
        result.reserveCapacity(text.range.count)
        appendDecoded(text, to: &result)
        return result
    }

    /// Appends the text as UTF-8 with its escapes resolved.
    public func appendDecoded(_ text: JSONText, to result: inout [UInt8]) {
        guard text.hasEscapes else {
            result.append(contentsOf: bytes[text.range])
            return
        }
        var index = text.range.lowerBound
        while index < text.range.upperBound {
            let byte = bytes[index]
            guard byte == Byte.backslash else {
                result.append(byte)
                index += 1
                continue
            }
            let escape = bytes[index + 1]
            index += 2
            switch escape {
            case Byte.b: result.append(0x08)
            case Byte.f: result.append(0x0C)
            case Byte.n: result.append(Byte.lineFeed)
            case Byte.r: result.append(Byte.carriageReturn)
            case Byte.t: result.append(Byte.tab)
            case Byte.u:
                var scalar = hex(at: index)
                index += 4
                if (0xD800..<0xDC00).contains(scalar) {
                    // The scan has made sure that the other half follows: `\uDC00`.
                    scalar = 0x10000 + ((scalar - 0xD800) << 10) + (hex(at: index + 2) - 0xDC00)
                    index += 6
                }
                Self.appendUTF8(scalar, to: &result)
            default: result.append(escape)
            }
        }
    }

    /// Whether the text, with its escapes resolved, is `word`. Nothing is allocated when it has no escapes.
    public func isEqual(_ text: JSONText, _ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        if text.hasEscapes {
            let decoded = decodedBytes(text)
            return decoded.count == length && decoded.indices.allSatisfy { decoded[$0] == word.utf8Start[$0] }
        }
        guard text.range.count == length else { return false }
        let start = text.range.lowerBound
        for index in 0..<length where bytes[start + index] != word.utf8Start[index] { return false }
        return true
    }

    /// Whether the text, with its escapes resolved, is `other` as UTF-8.
    public func isEqual(_ text: JSONText, _ other: [UInt8]) -> Bool {
        if text.hasEscapes { return decodedBytes(text) == other }
        guard text.range.count == other.count else { return false }
        return other.indices.allSatisfy { bytes[text.range.lowerBound + $0] == other[$0] }
    }

    /// Whether two texts mean the same string.
    func isSame(_ left: JSONText, _ right: JSONText) -> Bool {
        if left.hasEscapes || right.hasEscapes { return decodedBytes(left) == decodedBytes(right) }
        let count = left.range.count
        guard count == right.range.count else { return false }
        let leftStart = left.range.lowerBound
        let rightStart = right.range.lowerBound
        for index in 0..<count where bytes[leftStart + index] != bytes[rightStart + index] { return false }
        return true
    }

    /// Four checked hexadecimal digits.
    private func hex(at start: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in start..<(start + 4) { value = value << 4 | UInt32(Self.hexValue(bytes[index]) ?? 0) }
        return value
    }

    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    private static func appendUTF8(_ scalar: UInt32, to result: inout [UInt8]) {
        switch scalar {
        case 0..<0x80:
            result.append(UInt8(scalar))
        case 0x80..<0x800:
            result.append(UInt8(0xC0 | scalar >> 6))
            result.append(UInt8(0x80 | scalar & 0x3F))
        case 0x800..<0x10000:
            result.append(UInt8(0xE0 | scalar >> 12))
            result.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            result.append(UInt8(0x80 | scalar & 0x3F))
        default:
            result.append(UInt8(0xF0 | scalar >> 18))
            result.append(UInt8(0x80 | scalar >> 12 & 0x3F))
            result.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            result.append(UInt8(0x80 | scalar & 0x3F))
        }
    }
}
