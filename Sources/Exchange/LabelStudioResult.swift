import PlimsollModel

/// How an answer looks as a Label Studio `result` list, and back.
///
/// An object has one entry a member, named by `from_name`; anything else has one entry named `answer`. In an entry a
/// string of an enum and a list of strings are `choices`, other strings `textarea`, numbers `number`; all else is kept
/// as JSON in a `textarea`.
enum LabelStudioResult {
    static let answerName = "answer"
    static let taskName = "task"

    /// - Parameter schema: the project's answer schema, which tells choices from text; nil takes every string for text.
    static func entries(_ answer: JSONValue, schema: JSONValue?) -> JSONValue {
        guard case .object(let object) = answer else { return [entry(answerName, answer, schema)] }
        return .array(object.members.map { entry($0.key, $0.value, schema?["properties"]?[$0.key]) })
    }

    private static func entry(_ name: String, _ value: JSONValue, _ schema: JSONValue?) -> JSONValue {
        let type: String
        let content: JSONValue
        switch value {
        case .string where schema?["enum"] != nil:
            (type, content) = ("choices", ["choices": [value]])
        case .string:
            (type, content) = ("textarea", ["text": [value]])
        case .number:
            (type, content) = ("number", ["number": value])
        case .array(let elements) where !elements.isEmpty && elements.allSatisfy { $0.kind == .string }:
            (type, content) = ("choices", ["choices": value])
        default:
            (type, content) = ("textarea", ["text": [.string(value.description)]])
        }
        return [
            "from_name": .string(name), "to_name": .string(taskName), "type": .string(type), "value": content,
        ]
    }

    /// The answer that a result list means; nil when it says nothing. One `from_name` gives its value alone, several
    /// give an object. One choice is a string, several are a list.
    static func answer(_ result: JSONValue) -> JSONValue? {
        guard let entries = result.arrayValue else { return nil }
        var answer = JSONObject()
        for entry in entries {
            guard let value = entry["value"].flatMap(content) else { continue }
            answer[entry["from_name"]?.stringValue ?? answerName] = value
        }
        return answer.count > 1 ? .object(answer) : answer.members.first?.value
    }

    private static func content(_ value: JSONValue) -> JSONValue? {
        for name in ["choices", "text"] {
            if let list = value[name]?.arrayValue { return list.count == 1 ? list[0] : .array(list) }
            if let single = value[name] { return single }
        }
        return value["number"] ?? value["rating"] ?? (value.objectValue?.isEmpty == false ? value : nil)
    }
}
