import PlimsollModel

/// A form made from an answer schema: one item for each thing to be filled in, nested objects laid out flat.
struct AnswerForm: Sendable, Equatable {
    /// What kind of thing an item is.
    enum Field: Sendable, Equatable {
        /// One of several values.
        case choice([JSONValue])
        /// Several of several values, at least and at most so many.
        case choices([JSONValue], min: Int, max: Int)
        case number(isInteger: Bool, min: Double?, max: Double?)
        case text(min: Int, max: Int?)
        /// Anything else: written as JSON in the editor.
        case json
    }

    struct Item: Sendable, Equatable {
        /// The names from the answer's top to this item; empty when the answer is the item.
        let path: [String]
        let title: String
        let help: String
        let field: Field
        /// Whether an answer without it is not complete, where the object around it is there.
        let isRequired: Bool
        /// How many names at the end of `path` are inside of objects that may be left out as a whole.
        let optionalParent: [String]?

        /// JSON pointer (RFC 6901) to the item.
        var pointer: String {
            path.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
        }
    }

    let items: [Item]
    /// What the schema says must be there with a single possible value, by path.
    private let constants: [(path: [String], value: JSONValue)]

    /// The deepest nesting that is laid out; what is deeper is written as JSON.
    static let depthMax = 8

    /// A schema that cannot be read gives one item in which the answer is written as JSON.
    init(schema text: String) {
        var builder = Builder()
        if let schema = try? JSONValue.parse(text), schema.objectValue != nil {
            builder.add(schema, path: [], title: "answer", isRequired: true, optionalParent: nil)
        } else {
            builder.items = [
                Item(
                    path: [], title: "answer", help: "the schema cannot be read", field: .json, isRequired: true,
                    optionalParent: nil)
            ]
        }
        items = builder.items
        constants = builder.constants
    }

    static func == (left: AnswerForm, right: AnswerForm) -> Bool { left.items == right.items }

    /// The answer that these values make. Items without a value are left out.
    func answer(_ values: [Int: JSONValue]) -> JSONValue {
        var root: JSONValue?
        for (index, item) in items.enumerated() {
            guard let value = values[index] else { continue }
            root = Self.put(value, at: item.path[...], in: root)
        }
        for constant in constants { root = Self.put(constant.value, at: constant.path[...], in: root) }
        return root ?? .object(JSONObject())
    }

    /// What hinders sending, by item: missing and out of bounds. The coordinator decides in the end; this spares a
    /// round trip.
    func problems(_ values: [Int: JSONValue]) -> [Int: String] {
        var result: [Int: String] = [:]
        for (index, item) in items.enumerated() {
            guard let value = values[index] else {
                if item.isRequired, isWanted(item, values) { result[index] = "needed" }
                continue
            }
            if let problem = Self.problem(value, item.field) { result[index] = problem }
        }
        return result
    }

    /// The item that a pointer of the coordinator's means: the item itself, what is in it, or the first beneath it.
    func index(ofPointer pointer: String) -> Int? {
        items.firstIndex { $0.pointer == pointer }
            ?? items.firstIndex { pointer.hasPrefix($0.pointer + "/") && !$0.path.isEmpty }
            ?? items.firstIndex { $0.pointer.hasPrefix(pointer) }
    }

    private func isWanted(_ item: Item, _ values: [Int: JSONValue]) -> Bool {
        guard let parent = item.optionalParent else { return true }
        return items.indices.contains { values[$0] != nil && items[$0].path.starts(with: parent) }
    }

    private static func problem(_ value: JSONValue, _ field: Field) -> String? {
        switch field {
        case .choices(_, let min, let max):
            let count = value.arrayValue?.count ?? 0
            if count < min { return "at least \(min)" }
            if count > max { return "at most \(max)" }
        case .number(let isInteger, let min, let max):
            guard let number = value.doubleValue else { return "no number" }
            if isInteger, value.intValue == nil { return "a whole number" }
            if let min, number < min { return "at least \(trimmed(min))" }
            if let max, number > max { return "at most \(trimmed(max))" }
        case .text(let min, let max):
            let count = value.stringValue?.unicodeScalars.count ?? 0
            if count < min { return "at least \(min) characters" }
            if let max, count > max { return "\(count) characters, at most \(max)" }
        case .choice, .json: break
        }
        return nil
    }

    static func trimmed(_ number: Double) -> String {
        Int64(exactly: number).map { String($0) } ?? String(number)
    }

    private static func put(_ value: JSONValue, at path: ArraySlice<String>, in tree: JSONValue?) -> JSONValue {
        guard let name = path.first else { return value }
        var object = tree?.objectValue ?? JSONObject()
        object[name] = put(value, at: path.dropFirst(), in: object[name])
        return .object(object)
    }
}

extension AnswerForm {
    /// Walks a schema.
    struct Builder {
        var items: [Item] = []
        var constants: [(path: [String], value: JSONValue)] = []

        mutating func add(
            _ schema: JSONValue, path: [String], title: String, isRequired: Bool, optionalParent: [String]?
        ) {
            if let value = schema["const"] {
                if isRequired, optionalParent == nil { return constants.append((path, value)) }
                return append(.choice([value]), schema, path, title, isRequired, optionalParent)
            }
            if schema["type"]?.stringValue == "object", let members = schema["properties"]?.objectValue,
                path.count < AnswerForm.depthMax
            {
                let required = Set((schema["required"]?.arrayValue ?? []).compactMap(\.stringValue))
                let parent = isRequired ? optionalParent : path
                for member in members.members {
                    add(
                        member.value, path: path + [member.key],
                        title: path.isEmpty ? member.key : "\(title).\(member.key)",
                        isRequired: required.contains(member.key), optionalParent: parent)
                }
                return
            }
            append(Self.field(schema), schema, path, title, isRequired, optionalParent)
        }

        private mutating func append(
            _ field: Field, _ schema: JSONValue, _ path: [String], _ title: String, _ isRequired: Bool,
            _ optionalParent: [String]?
        ) {
            items.append(
                Item(
                    path: path, title: schema["title"]?.stringValue ?? title,
                    help: schema["description"]?.stringValue ?? "", field: field, isRequired: isRequired,
                    optionalParent: optionalParent))
        }

        private static func field(_ schema: JSONValue) -> Field {
            if let options = schema["enum"]?.arrayValue { return .choice(options) }
            switch schema["type"]?.stringValue {
            case "boolean": return .choice([true, false])
            case "null": return .choice([nil])
            case "integer", "number":
                return .number(
                    isInteger: schema["type"]?.stringValue == "integer", min: schema["minimum"]?.doubleValue,
                    max: schema["maximum"]?.doubleValue)
            case "string":
                return .text(min: schema["minLength"]?.intValue ?? 0, max: schema["maxLength"]?.intValue)
            case "array":
                guard let options = schema["items"]?["enum"]?.arrayValue else { return .json }
                return .choices(
                    options, min: schema["minItems"]?.intValue ?? 0,
                    max: schema["maxItems"]?.intValue ?? options.count)
            default: return .json
            }
        }
    }
}
