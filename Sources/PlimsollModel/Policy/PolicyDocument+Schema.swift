extension PolicyDocument {
    /// The JSON Schema (draft 2020-12) of policy documents, made from the tables that the parser reads.
    /// `Schema/policy/policy.schema.json` is this text.
    public static var jsonSchema: String {
        let properties: JSONValue = [
            "format": ["const": .number(JSONNumber(format)), "description": "The format of the document."],
            "name": [
                "type": "string", "pattern": .string("^[a-z0-9-]{1,\(nameLengthMax)}$"),
                "description": "What the document is called in lists.",
            ],
            "limits": section(
                PolicyField<WorkloadLimits>.limits.map { ($0.key, $0.schema(noneAllowed: true)) },
                "Limits of one person. What is not named has the shipped default."),
            "oversight": section(
                PolicyField<OversightLimits>.oversight.map { ($0.key, $0.schema(noneAllowed: true)) },
                "Limits about groups and tasks. What is not named has the shipped default."),
            "ceiling": section(
                PolicyField<WorkloadLimits>.limits.map { ($0.key, $0.schema(noneAllowed: false)) },
                "How far an individual raise, agreed by two parties, may go. What is not named cannot be raised."),
        ]
        let document: JSONValue = [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Plimsoll workload policy",
            "description": .string(
                "For editors. The program also refuses keys that are named twice or left empty, values outside the "
                    + "bounds that the descriptions name, and limits that do not fit together."),
            "type": "object",
            "additionalProperties": false,
            "properties": properties,
        ]
        return String(decoding: document.encode(pretty: true), as: UTF8.self) + "\n"
    }

    private static func section(_ fields: [(String, JSONValue)], _ note: String) -> JSONValue {
        var properties = JSONObject()
        for (key, schema) in fields { properties[key] = schema }
        return [
            "type": "object", "description": .string(note), "additionalProperties": false,
            "properties": .object(properties),
        ]
    }
}

extension PolicyField {
    fileprivate func schema(noneAllowed: Bool) -> JSONValue {
        var options: [JSONValue] = []
        switch kind {
        case .count(let range):
            options.append([
                "type": "integer", "minimum": .number(JSONNumber(range.lowerBound)),
                "maximum": .number(JSONNumber(range.upperBound)),
            ])
        case .duration(let range):
            options.append(["type": "string", "pattern": "^((0|[1-9][0-9]{0,9})[smhd]|0)$"])
            if range.lowerBound == .zero { options.append(["const": 0]) }
        case .hours:
            options.append([
                "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
            ])
        }
        if noneAllowed, mayBeNone {
            options.append(["const": "none"])
            options.append(["type": "null"])
        }
        var text = note
        if case .duration(let range) = kind, range.lowerBound > .zero {
            text += " At least \(DurationText.format(range.lowerBound))."
        }
        return ["description": .string(text), "anyOf": .array(options)]
    }
}
