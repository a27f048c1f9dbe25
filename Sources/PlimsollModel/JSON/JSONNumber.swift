/// A JSON number, kept as the text it was written in, so that nothing is lost on the way through.
///
/// Two numbers are equal when they mean the same value: 1, 1.0 and 1e0.
public struct JSONNumber: Hashable, Sendable, CustomStringConvertible {
    /// As RFC 8259 section 6 writes it.
    public let text: String

    /// `text` must already be checked by the scanner.
    init(checked text: String) { self.text = text }

    public init(_ value: Int64) { text = String(value) }
    public init(_ value: Int) { text = String(value) }

    /// Nil when `value` is infinite or not a number, which JSON cannot say.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = String(decoding: CanonicalJSON.number(value), as: UTF8.self)
    }

    /// The nearest double; infinite when the number is too large for one.
    public var double: Double { Double(text) ?? (text.hasPrefix("-") ? -.infinity : .infinity) }

    /// The value as a whole number; nil when it has a fraction or is out of range. `2.0` and `2e0` are 2.
    public var int64: Int64? {
        if let exact = Int64(text) { return exact }
        guard text.utf8.contains(where: { $0 == Byte.dot || $0 | 0x20 == Byte.e }) else { return nil }
        let value = double
        // Beyond 2^53 a double does not tell neighbouring whole numbers apart.
        guard value.magnitude <= 9_007_199_254_740_992, value.rounded(.towardZero) == value else { return nil }
        return Int64(value)
    }

    public var description: String { text }

    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        if left.text == right.text { return true }
        switch (left.int64, right.int64) {
        case (let left?, let right?): return left == right
        case (nil, nil): return left.double == right.double
        default: return false
        }
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(double) }
}
