/// Turns a schema document into shapes and refuses what is outside the subset, with path and reason.
enum AnswerSchemaReader {
    /// Which keywords go with which types.
    private static let keywords: [(name: String, types: AnswerTypes)] = [
        ("minLength", .string), ("maxLength", .string), ("minimum", [.number, .integer]),
        ("maximum", [.number, .integer]), ("items", .array), ("minItems", .array), ("maxItems", .array),
        ("uniqueItems", .array), ("properties", .object), ("required", .object), ("additionalProperties", .object),
    ]
    private static let general: Set<String> = ["type", "enum", "const", "title", "description"]

    static func shape(_ value: JSONValue, path: String, depth: Int) throws(ModelError) -> AnswerShape {
        guard depth <= AnswerSchema.depthMax else {
            throw fault("nested deeper than \(AnswerSchema.depthMax) levels", path)
        }
        guard let schema = value.objectValue else { throw fault("a schema is an object", path) }
        var draft = AnswerShapeDraft()
        draft.title = try text(schema, "title", path)
        draft.description = try text(schema, "description", path)
        draft.types = try types(schema, path)
        try readChoices(schema, path, &draft)
        try refuseOthers(schema, path, draft)
        if draft.choices == nil {
            try readText(schema, path, &draft)
            try readNumber(schema, path, &draft)
            if draft.types.contains(.array) { try readArray(schema, path, depth, &draft) }
            if draft.types.contains(.object) { try readObject(schema, path, depth, &draft) }
        }
        return AnswerShape(draft)
    }

    private static func types(_ schema: JSONObject, _ path: String) throws(ModelError) -> AnswerTypes {
        guard let value = schema["type"] else {
            guard schema["enum"] != nil || schema["const"] != nil else {
                throw fault("type is missing: without it, anything at all would be an answer", path)
            }
            return []
        }
        let place = path + "/type"
        let names = value.arrayValue ?? [value]
        if names.isEmpty { throw fault("type names no type", place) }
        var types: AnswerTypes = []
        for name in names {
            guard let found = AnswerTypes.names.first(where: { $0.name == name.stringValue }) else {
                let known = AnswerTypes.names.map(\.name).joined(separator: ", ")
                throw fault("type is one of \(known), not \(name)", place)
            }
            if types.contains(found.type) { throw fault("type names \(found.name) twice", place) }
            types.insert(found.type)
        }
        return types
    }

    private static func readChoices(
        _ schema: JSONObject, _ path: String, _ draft: inout AnswerShapeDraft
    ) throws(ModelError) {
        var values: [JSONValue] = []
        var place = path + "/const"
        if let constant = schema["const"] {
            if schema["enum"] != nil { throw fault("enum and const exclude each other", path) }
            values = [constant]
        } else if let list = schema["enum"] {
            place = path + "/enum"
            guard let elements = list.arrayValue, (1...AnswerSchema.choicesMax).contains(elements.count) else {
                throw fault("enum is a list of 1 to \(AnswerSchema.choicesMax) values", place)
            }
            values = elements
        } else {
            return
        }
        var seen: Set<[UInt8]> = []
        for (index, value) in values.enumerated() {
            let text: [UInt8]
            do {
                text = try CanonicalJSON.canonicalize(value.encode())
            } catch {
                throw ModelError(.badSchema, "the value cannot be kept: \(error)", path: place, cause: error)
            }
            if !seen.insert(text).inserted { throw fault("enum has \(value) twice", "\(place)/\(index)") }
            if schema["type"] != nil, !matches(value, draft.types) {
                throw fault("\(value) is not of type \(draft.types.described)", place)
            }
            draft.choiceTexts.append(text)
            draft.types.formUnion(AnswerTypes.of(value.kind))
        }
        draft.choices = values
    }

    private static func matches(_ value: JSONValue, _ types: AnswerTypes) -> Bool {
        if let number = value.numberValue {
            return types.contains(.number) || types.contains(.integer) && number.double == number.double.rounded()
        }
        return !types.intersection(AnswerTypes.of(value.kind)).isEmpty
    }

    /// Each keyword that is left must be known and must mean something for the types.
    private static func refuseOthers(
        _ schema: JSONObject, _ path: String, _ draft: AnswerShapeDraft
    ) throws(ModelError) {
        for key in schema.keys where !general.contains(key) {
            if key == "$schema", path.isEmpty, schema[key]?.stringValue != nil { continue }
            let place = path + "/" + pointer(key)
            guard let keyword = keywords.first(where: { $0.name == key }) else {
                throw fault("\(key) is outside the documented subset of JSON Schema", place)
            }
            if draft.choices != nil { throw fault("\(key) says nothing beside enum or const", place) }
            if keyword.types.intersection(draft.types).isEmpty {
                throw fault("\(key) says nothing about type \(draft.types.described)", place)
            }
        }
    }

    private static func readText(
        _ schema: JSONObject, _ path: String, _ draft: inout AnswerShapeDraft
    ) throws(ModelError) {
        draft.minLength = try count(schema, "minLength", path)
        draft.maxLength = try count(schema, "maxLength", path)
        if let least = draft.minLength, let most = draft.maxLength, least > most {
            throw fault("minLength is above maxLength", path + "/minLength")
        }
    }

    private static func readNumber(
        _ schema: JSONObject, _ path: String, _ draft: inout AnswerShapeDraft
    ) throws(ModelError) {
        draft.minimum = try bound(schema, "minimum", path)
        draft.maximum = try bound(schema, "maximum", path)
        if let least = draft.minimum, let most = draft.maximum, least > most {
            throw fault("minimum is above maximum", path + "/minimum")
        }
    }

    private static func readArray(
        _ schema: JSONObject, _ path: String, _ depth: Int, _ draft: inout AnswerShapeDraft
    ) throws(ModelError) {
        guard let items = schema["items"] else {
            throw fault("an array needs items, else its elements could be anything", path)
        }
        draft.items = try shape(items, path: path + "/items", depth: depth + 1)
        draft.minItems = try count(schema, "minItems", path)
        draft.maxItems = try count(schema, "maxItems", path)
        if let least = draft.minItems, let most = draft.maxItems, least > most {
            throw fault("minItems is above maxItems", path + "/minItems")
        }
        if let unique = schema["uniqueItems"] {
            guard let flag = unique.boolValue else {
                throw fault("uniqueItems is true or false", path + "/uniqueItems")
            }
            draft.uniqueItems = flag
        }
    }

    private static func readObject(
        _ schema: JSONObject, _ path: String, _ depth: Int, _ draft: inout AnswerShapeDraft
    ) throws(ModelError) {
        guard schema["additionalProperties"] == .bool(false) else {
            throw fault("an object needs additionalProperties: false, so that nothing unlisted slips in", path)
        }
        guard let properties = schema["properties"]?.objectValue,
            (1...AnswerSchema.propertiesMax).contains(properties.count)
        else {
            throw fault("an object needs properties, 1 to \(AnswerSchema.propertiesMax) of them", path)
        }
        let required = try requiredNames(schema, properties, path)
        for member in properties.members {
            let inner = try shape(member.value, path: path + "/properties/" + pointer(member.key), depth: depth + 1)
            let key = Array(member.key.utf8)
            draft.properties.append(
                AnswerShape.Property(name: member.key, shape: inner, isRequired: required.contains(key), key: key))
        }
    }

    private static func requiredNames(
        _ schema: JSONObject, _ properties: JSONObject, _ path: String
    ) throws(ModelError) -> Set<[UInt8]> {
        guard let value = schema["required"] else { return [] }
        let place = path + "/required"
        guard let names = value.arrayValue else { throw fault("required is a list of names", place) }
        var result: Set<[UInt8]> = []
        for name in names {
            guard let text = name.stringValue else { throw fault("required is a list of names, not \(name)", place) }
            if properties[text] == nil { throw fault("required names “\(text)”, which is no property", place) }
            if !result.insert(Array(text.utf8)).inserted { throw fault("required names “\(text)” twice", place) }
        }
        return result
    }

    private static func text(_ schema: JSONObject, _ key: String, _ path: String) throws(ModelError) -> String? {
        guard let value = schema[key] else { return nil }
        guard let text = value.stringValue else { throw fault("\(key) is a string", "\(path)/\(key)") }
        return text
    }

    private static func count(_ schema: JSONObject, _ key: String, _ path: String) throws(ModelError) -> Int? {
        guard let value = schema[key] else { return nil }
        guard let count = value.intValue, count >= 0 else {
            throw fault("\(key) is a whole number from 0", "\(path)/\(key)")
        }
        return count
    }

    private static func bound(_ schema: JSONObject, _ key: String, _ path: String) throws(ModelError) -> Double? {
        guard let value = schema[key] else { return nil }
        guard let bound = value.doubleValue, bound.isFinite else { throw fault("\(key) is a number", "\(path)/\(key)") }
        return bound
    }

    /// A name as a step of a JSON pointer (RFC 6901 section 3).
    static func pointer(_ name: String) -> String {
        name.replacing("~", with: "~0").replacing("/", with: "~1")
    }

    private static func fault(_ message: String, _ path: String) -> ModelError {
        ModelError(.badSchema, message, path: path)
    }
}
