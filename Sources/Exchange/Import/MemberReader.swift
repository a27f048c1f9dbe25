import PlimsollModel

/// Reads the members of a task that were already scanned, each with its own rules and precise refusals.
struct MemberReader {
    var scanner: JSONScanner
    let limits: ImportLimits

    /// A key: a string or a whole number.
    mutating func key(_ range: Range<Int>) throws(JSONError) -> String {
        scanner.seek(range.lowerBound)
        let key: String
        switch try scanner.nextKind() {
        case .string: key = scanner.decode(try scanner.scanString())
        case .number:
            let number = try scanner.scanNumber()
            guard number.isInteger else {
                throw scanner.fault(.wrongKind, "a key must be a string or a whole number", at: range.lowerBound)
            }
            key = scanner.number(number).text
        default:
            throw scanner.fault(.wrongKind, "a key must be a string or a whole number", at: range.lowerBound)
        }
        if let fault = MemberRules.keyFault(key, limits) {
            throw scanner.fault(.unexpected, fault, at: range.lowerBound)
        }
        return key
    }

    mutating func kind(_ range: Range<Int>) throws(JSONError) -> String {
        scanner.seek(range.lowerBound)
        guard try scanner.nextKind() == .string else {
            throw scanner.fault(.wrongKind, "`kind` must be a string", at: range.lowerBound)
        }
        let kind = scanner.decode(try scanner.scanString())
        if let fault = MemberRules.kindFault(kind, limits) {
            throw scanner.fault(.unexpected, fault, at: range.lowerBound)
        }
        return kind
    }

    mutating func integer(_ range: Range<Int>, _ name: String, in allowed: ClosedRange<Int>) throws(JSONError) -> Int {
        scanner.seek(range.lowerBound)
        var value: Int64?
        if try scanner.nextKind() == .number { value = scanner.number(try scanner.scanNumber()).int64 }
        guard let value, let whole = Int(exactly: value), allowed.contains(whole) else {
            throw scanner.fault(
                .wrongKind, MemberRules.integerFault(name, in: allowed), at: range.lowerBound)
        }
        return whole
    }

    /// Whole seconds, or text with a unit.
    mutating func effort(_ range: Range<Int>) throws(JSONError) -> Int {
        scanner.seek(range.lowerBound)
        var seconds: Int?
        switch try scanner.nextKind() {
        case .number: seconds = scanner.number(try scanner.scanNumber()).int64.flatMap { Int(exactly: $0) }
        case .string: seconds = MemberRules.seconds(scanner.decode(try scanner.scanString()))
        default: break
        }
        guard let seconds, TaskRecord.effortSecondsRange.contains(seconds) else {
            throw scanner.fault(.wrongKind, MemberRules.effortFault, at: range.lowerBound)
        }
        return seconds
    }

    /// The value's text without white space, within the size that payloads and answers may have.
    func json(_ range: Range<Int>, isCompact: Bool, _ name: String) throws(JSONError) -> [UInt8] {
        let bytes = isCompact ? scanner.copy(range) : scanner.copyCompact(range)
        guard bytes.count <= limits.payloadBytesMax else {
            throw scanner.fault(
                .unexpected, MemberRules.sizeFault(name, bytes.count, limits.payloadBytesMax), at: range.lowerBound)
        }
        return bytes
    }
}

/// The rules that hold for a task's members in every format, and how their refusals are worded.
enum MemberRules {
    static func keyFault(_ key: String, _ limits: ImportLimits) -> String? {
        if key.utf8.isEmpty { return "a key must not be empty" }
        if key.utf8.count > limits.keyBytesMax {
            return "a key must have at most \(limits.keyBytesMax) bytes, this one has \(key.utf8.count)"
        }
        return nil
    }

    static func kindFault(_ kind: String, _ limits: ImportLimits) -> String? {
        let isPlain = !kind.utf8.contains { $0 < 0x20 || $0 == 0x7F }
        if !kind.utf8.isEmpty, kind.utf8.count <= limits.kindBytesMax, isPlain { return nil }
        return "`kind` must be a text of 1 to \(limits.kindBytesMax) bytes in one line"
    }

    static func integerFault(_ name: String, in allowed: ClosedRange<Int>) -> String {
        "`\(name)` must be a whole number from \(allowed.lowerBound) to \(allowed.upperBound)"
    }

    static let effortFault = """
        `effort` must be \(TaskRecord.effortSecondsRange.lowerBound) to \(TaskRecord.effortSecondsRange.upperBound) \
        seconds, as a whole number or as text like "90s", "5m", "1h"
        """

    static func sizeFault(_ name: String, _ bytes: Int, _ most: Int) -> String {
        "`\(name)` has \(bytes) bytes, at most \(most) are allowed"
    }

    /// "300", "90s", "5m", "1h" in seconds; nil for anything else.
    static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? Substring(text) : text.dropLast()
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(digits) else {
            return nil
        }
        let (seconds, isTooMuch) = number.multipliedReportingOverflow(by: unit ?? 1)
        return isTooMuch ? nil : seconds
    }
}
