extension CanonicalJSON {
    /// Whole numbers of at most this many digits are the same as text and as double.
    private static let exactDigitsMax = 15

    static func appendNumber(_ scanner: inout JSONScanner, to result: inout [UInt8]) throws(JSONError) {
        let text = try scanner.scanNumber()
        let digits = scanner.bytes[text.range]
        if text.isInteger, digits.count <= exactDigitsMax {
            let isNegativeZero =
                digits.count == 2 && digits[text.range.lowerBound] == Byte.minus && digits.last == Byte.zero
            if isNegativeZero { result.append(Byte.zero) } else { result.append(contentsOf: digits) }
            return
        }
        let value = scanner.number(text).double
        guard value.isFinite else {
            throw scanner.fault(.numberRange, "the number is too large", at: text.range.lowerBound)
        }
        result.append(contentsOf: number(value))
    }

    /// A finite double as ECMAScript's Number::toString writes it (ECMA-262 section 6.1.6.1.20).
    static func number(_ value: Double) -> [UInt8] {
        if value == 0 { return [Byte.zero] }
        // Swift's description has the shortest digits that read back as the same double; only the layout differs.
        var digits: [UInt8] = []
        var pointAfter: Int?
        var exponent = 0
        var text = Substring(value.magnitude.description)
        if let mark = text.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            exponent = Int(text[text.index(after: mark)...]) ?? 0
            text = text[..<mark]
        }
        for byte in text.utf8 {
            if byte == Byte.dot { pointAfter = digits.count } else { digits.append(byte) }
        }
        // value = 0.d1d2d3... times ten to the power n.
        var n = (pointAfter ?? digits.count) + exponent
        let zeros = digits.prefix { $0 == Byte.zero }.count
        digits.removeFirst(zeros)
        n -= zeros
        while digits.last == Byte.zero { digits.removeLast() }

        var result: [UInt8] = value < 0 ? [Byte.minus] : []
        let count = digits.count
        if count <= n, n <= 21 {
            result += digits + repeatElement(Byte.zero, count: n - count)
        } else if 0 < n, n <= 21 {
            result += digits[..<n] + [Byte.dot] + digits[n...]
        } else if -6 < n, n <= 0 {
            result += [Byte.zero, Byte.dot] + repeatElement(Byte.zero, count: -n) + digits
        } else {
            result.append(digits[0])
            if count > 1 { result += [Byte.dot] + digits[1...] }
            result += [Byte.e, n > 0 ? Byte.plus : Byte.minus] + Array(String((n - 1).magnitude).utf8)
        }
        return result
    }
}
