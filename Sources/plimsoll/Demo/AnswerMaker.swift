import PlimsollModel

/// Makes an answer that keeps to a schema, the same for the same seed. Pure.
struct AnswerMaker {
    private var state: UInt64

    init(seed: String) {
        state = 0xcbf2_9ce4_8422_2325  // FNV-1a
        for byte in seed.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    /// A value that the schema accepts. Schemas are of the closed subset that projects may have.
    mutating func make(_ schema: JSONValue) -> JSONValue {
        if let constant = schema["const"] { return constant }
        if let choices = schema["enum"]?.arrayValue, !choices.isEmpty { return choices[below(choices.count)] }
        switch schema["type"]?.stringValue {
        case "integer": return .number(JSONNumber(integer(schema)))
        case "number": return .number(JSONNumber(integer(schema)))
        case "boolean": return .bool(below(2) == 0)
        case "array": return array(schema)
        case "object": return object(schema)
        case "null": return .null
        default: return .string(text(schema))
        }
    }

    private mutating func integer(_ schema: JSONValue) -> Int {
        let least = Int((schema["minimum"]?.doubleValue ?? 0).rounded(.up))
        let most = Int((schema["maximum"]?.doubleValue ?? Double(least + 100)).rounded(.down))
        // Small numbers look more like answers than any number in a wide range.
        let low = least < 0 && most > 0 ? 0 : least
        return low + below(max(1, min(most - low + 1, 100)))
    }

    private mutating func array(_ schema: JSONValue) -> JSONValue {
        let items = schema["items"] ?? ["type": "string"]
        let least = schema["minItems"]?.intValue ?? 0
        let most = schema["maxItems"]?.intValue ?? least + 2
        let count = least + below(max(1, min(most - least + 1, 3)))
        let unique = schema["uniqueItems"]?.boolValue ?? false
        var values: [JSONValue] = []
        // A small set of choices may need several draws until enough are different.
        for _ in 0..<(count * 20) where values.count < count {
            let value = make(items)
            if !unique || !values.contains(value) { values.append(value) }
        }
        return .array(values)
    }

    private mutating func object(_ schema: JSONValue) -> JSONValue {
        let required = Set((schema["required"]?.arrayValue ?? []).compactMap(\.stringValue))
        var object = JSONObject()
        for member in schema["properties"]?.objectValue?.members ?? [] {
            if required.contains(member.key) || below(2) == 0 { object[member.key] = make(member.value) }
        }
        return .object(object)
    }

    private static let sentences = [
        "Looks right to me.", "I would try the simple way first and measure.", "One case is missing: the empty list.",
        "Start from both ends and meet in the middle.", "I got stuck at the last step and say where.",
    ]

    private mutating func text(_ schema: JSONValue) -> String {
        let least = schema["minLength"]?.intValue ?? 0
        let most = schema["maxLength"]?.intValue ?? 8_000
        var text = Self.sentences[below(Self.sentences.count)]
        while text.count < least { text += " " + Self.sentences[below(Self.sentences.count)] }
        return String(text.prefix(most))
    }

    /// xorshift64*, which needs no more than that nobody mistakes it for chance.
    private mutating func below(_ limit: Int) -> Int {
        if state == 0 { state = 1 }
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Int((state &* 0x2545_f491_4f6c_dd1d) >> 33) % max(1, limit)
    }
}
