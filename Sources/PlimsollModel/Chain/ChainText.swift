/// What the chain hashes and signs: a title with its version, then one line a field, `name value`, in a fixed order.
///
/// Text, so that anybody can compute a hash again with a shell; written byte by byte, because an audit does it some
/// hundred thousand times a second. Names are fixed, numbers and hashes cannot hold a line feed, and at most one field,
/// the last one but hashes, is free text: so two different records never have one text.
struct ChainText {
    private(set) var bytes: [UInt8]

    init(_ title: StaticString) {
        bytes = []
        bytes.reserveCapacity(256)
        append(title)
        bytes.append(Byte.lineFeed)
    }

    mutating func line(_ name: StaticString, _ value: Int64) {
        begin(name)
        appendDecimal(value)
        bytes.append(Byte.lineFeed)
    }

    mutating func line(_ name: StaticString, hex value: [UInt8]) {
        begin(name)
        Hex.append(value, to: &bytes)
        bytes.append(Byte.lineFeed)
    }

    mutating func line(_ name: StaticString, text value: String) {
        begin(name)
        bytes.append(contentsOf: value.utf8)
        bytes.append(Byte.lineFeed)
    }

    private mutating func begin(_ name: StaticString) {
        append(name)
        bytes.append(Byte.space)
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func appendDecimal(_ value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(Byte.zero + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }
}
