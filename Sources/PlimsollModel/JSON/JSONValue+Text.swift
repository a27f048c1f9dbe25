extension JSONValue {
    /// Reads exactly one value; the refusals are those of `JSONScanner`.
    public static func parse(_ bytes: [UInt8], depthMax: Int = JSONScanner.depthMax) throws -> JSONValue {
        try JSONScanner.withScanner(bytes, depthMax: depthMax) { scanner in
            let value = try scanner.scanValue()
            try scanner.expectEnd()
            return value
        }
    }

    public static func parse(_ text: String, depthMax: Int = JSONScanner.depthMax) throws -> JSONValue {
        try parse(Array(text.utf8), depthMax: depthMax)
    }

    /// The value as UTF-8 text: compact, or with two spaces a level when `pretty`; members as they are ordered.
    public func encode(pretty: Bool = false) -> [UInt8] {
        var result: [UInt8] = []
        append(to: &result, indent: pretty ? 0 : nil)
        return result
    }

    private func append(to result: inout [UInt8], indent: Int?) {
        switch self {
        case .null: result.append(contentsOf: "null".utf8)
        case .bool(let value): result.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let value): result.append(contentsOf: value.text.utf8)
        case .string(let value): CanonicalJSON.appendQuoted(value, to: &result)
        case .array(let elements):
            Self.appendList(elements, "[", "]", to: &result, indent: indent) { element, inner, result in
                element.append(to: &result, indent: inner)
            }
        case .object(let object):
            Self.appendList(object.members, "{", "}", to: &result, indent: indent) { member, inner, result in
                CanonicalJSON.appendQuoted(member.key, to: &result)
                result.append(Byte.colon)
                if inner != nil { result.append(Byte.space) }
                member.value.append(to: &result, indent: inner)
            }
        }
    }

    private static func appendList<Item>(
        _ items: [Item], _ open: Unicode.Scalar, _ close: Unicode.Scalar, to result: inout [UInt8], indent: Int?,
        _ body: (Item, Int?, inout [UInt8]) -> Void
    ) {
        result.append(UInt8(ascii: open))
        let inner = indent.map { $0 + 1 }
        func newLine(_ level: Int?) {
            guard let level else { return }
            result.append(Byte.lineFeed)
            result.append(contentsOf: repeatElement(Byte.space, count: level * 2))
        }
        for (index, item) in items.enumerated() {
            if index > 0 { result.append(Byte.comma) }
            newLine(inner)
            body(item, inner, &result)
        }
        if !items.isEmpty { newLine(indent) }
        result.append(UInt8(ascii: close))
    }
}

extension JSONValue: CustomStringConvertible {
    public var description: String { String(decoding: encode(), as: UTF8.self) }
}

extension JSONScanner {
    /// The next value as a tree.
    public mutating func scanValue() throws(JSONError) -> JSONValue {
        switch try nextKind() {
        case .null:
            try scanNull()
            return .null
        case .bool: return .bool(try scanBool())
        case .number: return .number(number(try scanNumber()))
        case .string: return .string(decode(try scanString()))
        case .array:
            try enter()
            var elements: [JSONValue] = []
            while try nextElement(isFirst: elements.isEmpty) { elements.append(try scanValue()) }
            return .array(elements)
        case .object:
            var keys = try openObject()
            var object = JSONObject()
            while let key = try nextKey(&keys) { object[decode(key)] = try scanValue() }
            return .object(object)
        }
    }

    /// The number as a value of its own.
    public func number(_ text: JSONNumberText) -> JSONNumber {
        JSONNumber(checked: String(decoding: bytes[text.range], as: UTF8.self))
    }
}
