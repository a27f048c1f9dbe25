import PlimsollModel

/// Finds the fields of one CSV record.
struct CSVSplitter {
    struct Field {
        /// Contents without the quotes around them.
        let range: Range<Int>
        /// True when the contents hold doubled quotes.
        let hasDoubledQuotes: Bool

        func text(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
            guard hasDoubledQuotes else { return [UInt8](bytes[range]) }
            var result: [UInt8] = []
            result.reserveCapacity(range.count)
            var index = range.lowerBound
            while index < range.upperBound {
                result.append(bytes[index])
                // Inside quotes a quote is always doubled; the second one is not text.
                index += bytes[index] == CSVSplitter.quote ? 2 : 1
            }
            return result
        }
    }

    private(set) var fields: [Field] = []
    /// The first fault of the record; nil when it is well formed.
    private(set) var fault: CSVFault?
    /// Line feeds that belong to the record, the one at its end included.
    private(set) var linesPassed = 0
    /// True for a line without anything in it.
    private(set) var isBlank = false

    static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// Splits the record at the front of `bytes` and returns its length with the line end; nil when it is not all
    /// there.
    mutating func split(_ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool) -> Int? {
        fields.removeAll(keepingCapacity: true)
        fault = nil
        linesPassed = 0
        isBlank = false
        var index = 0
        while true {
            let start = index
            if index < bytes.count, bytes[index] == Self.quote {
                guard let after = splitQuoted(bytes, from: index, isLast: isLast) else { return nil }
                index = after
            } else {
                while index < bytes.count, !Self.endsField(bytes[index]) {
                    if bytes[index] >= 0x80 {
                        guard let next = pass(bytes, at: index, isLast: isLast) else { return nil }
                        index = next
                        continue
                    }
                    check(bytes, at: index)
                    if bytes[index] == Self.quote { note(index, "a quote inside a field that does not start with one") }
                    index += 1
                }
                fields.append(Field(range: start..<index, hasDoubledQuotes: false))
            }
            guard index < bytes.count else { return isLast ? index : nil }
            switch bytes[index] {
            case Self.comma:
                index += 1
            case Self.lineFeed:
                linesPassed += 1
                isBlank = index == 0
                return index + 1
            default:
                // A carriage return, as `endsField` knows nothing else.
                guard index + 1 < bytes.count || isLast else { return nil }
                guard index + 1 < bytes.count, bytes[index + 1] == Self.lineFeed else {
                    note(index, "a carriage return without a line feed", isFatal: true)
                    return bytes.count
                }
                linesPassed += 1
                isBlank = index == 0
                return index + 2
            }
        }
    }

    /// From the opening quote to the byte after the field; nil when more must be read.
    private mutating func splitQuoted(_ bytes: UnsafeBufferPointer<UInt8>, from open: Int, isLast: Bool) -> Int? {
        var index = open + 1
        var hasDoubledQuotes = false
        while true {
            guard index < bytes.count else {
                if !isLast { return nil }
                note(open, "cut short: the file ends inside a field in quotes that starts here", isFatal: true)
                fields.append(Field(range: (open + 1)..<index, hasDoubledQuotes: false))
                return index
            }
            let byte = bytes[index]
            if byte == Self.quote {
                guard index + 1 < bytes.count || isLast else { return nil }
                guard index + 1 < bytes.count, bytes[index + 1] == Self.quote else { break }
                hasDoubledQuotes = true
                index += 2
            } else if byte >= 0x80 {
                guard let next = pass(bytes, at: index, isLast: isLast) else { return nil }
                index = next
            } else {
                if byte == Self.lineFeed { linesPassed += 1 }
                check(bytes, at: index)
                index += 1
            }
        }
        fields.append(Field(range: (open + 1)..<index, hasDoubledQuotes: hasDoubledQuotes))
        index += 1
        if index < bytes.count, !Self.endsField(bytes[index]) {
            note(index, "text follows the closing quote of a field")
            while index < bytes.count, !Self.endsField(bytes[index]) { index += 1 }
        }
        return index
    }

    /// Past one character that is not ASCII; nil when more must be read.
    private mutating func pass(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int, isLast: Bool) -> Int? {
        let length = UTF8Check.sequenceLength(bytes, at: index)
        if length > 0 { return index + length }
        if !isLast, bytes.count - index < 4 { return nil }
        note(index, "byte 0x\(String(bytes[index], radix: 16, uppercase: true)) is not UTF-8")
        return index + 1
    }

    private mutating func check(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) {
        if bytes[index] == 0 { note(index, "U+0000 cannot be stored") }
    }

    private mutating func note(_ offset: Int, _ message: String, isFatal: Bool = false) {
        if fault == nil || isFatal { fault = CSVFault(offset: offset, message: message, isFatal: isFatal) }
    }

    private static func endsField(_ byte: UInt8) -> Bool {
        byte == comma || byte == lineFeed || byte == carriageReturn
    }
}
