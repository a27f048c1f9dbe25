/// The JSON types that an answer, or a part of one, may have.
public struct AnswerTypes: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let string = AnswerTypes(rawValue: 1)
    /// Any number, whole ones included.
    public static let number = AnswerTypes(rawValue: 2)
    public static let integer = AnswerTypes(rawValue: 4)
    public static let boolean = AnswerTypes(rawValue: 8)
    public static let array = AnswerTypes(rawValue: 16)
    public static let object = AnswerTypes(rawValue: 32)
    public static let null = AnswerTypes(rawValue: 64)

    static let names: [(name: String, type: AnswerTypes)] = [
        ("string", .string), ("number", .number), ("integer", .integer), ("boolean", .boolean), ("array", .array),
        ("object", .object), ("null", .null),
    ]

    /// For messages: "string or null".
    var described: String {
        Self.names.filter { contains($0.type) }.map(\.name).joined(separator: " or ")
    }

    /// What a scanned value may count as; numbers are told apart later.
    static func of(_ kind: JSONKind) -> AnswerTypes {
        switch kind {
        case .null: .null
        case .bool: .boolean
        case .number: [.number, .integer]
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }
}

/// One node of a compiled answer schema, for checking answers and for building a form.
public final class AnswerShape: Sendable {
    /// A member of an object.
    public struct Property: Sendable {
        public let name: String
        public let shape: AnswerShape
        public let isRequired: Bool
        /// `name` as UTF-8.
        let key: [UInt8]
    }

    public let title: String?
    public let description: String?
    public let types: AnswerTypes
    /// The values of `enum`, or the one of `const`; nil: any value of the types.
    public let choices: [JSONValue]?
    /// Unicode scalars of a string; nil: no bound. The other bounds likewise.
    public let minLength: Int?
    public let maxLength: Int?
    public let minimum: Double?
    public let maximum: Double?
    public let minItems: Int?
    public let maxItems: Int?
    public let uniqueItems: Bool
    /// The shape of each element; nil unless arrays are allowed.
    public let items: AnswerShape?
    /// The members in the schema's order; empty unless objects are allowed.
    public let properties: [Property]

    /// `choices` in canonical form.
    let choiceTexts: [[UInt8]]
    /// A bit for each required property.
    let requiredMask: UInt64

    init(_ draft: AnswerShapeDraft) {
        title = draft.title
        description = draft.description
        types = draft.types
        choices = draft.choices
        minLength = draft.minLength
        maxLength = draft.maxLength
        minimum = draft.minimum
        maximum = draft.maximum
        minItems = draft.minItems
        maxItems = draft.maxItems
        uniqueItems = draft.uniqueItems
        items = draft.items
        properties = draft.properties
        choiceTexts = draft.choiceTexts
        requiredMask = draft.properties.enumerated().reduce(0) { $1.element.isRequired ? $0 | 1 << $1.offset : $0 }
    }
}

/// The same while it is read.
struct AnswerShapeDraft {
    var title: String?
    var description: String?
    var types: AnswerTypes = []
    var choices: [JSONValue]?
    var choiceTexts: [[UInt8]] = []
    var minLength: Int?
    var maxLength: Int?
    var minimum: Double?
    var maximum: Double?
    var minItems: Int?
    var maxItems: Int?
    var uniqueItems = false
    var items: AnswerShape?
    var properties: [AnswerShape.Property] = []
}
