/// Any JSON value as a tree, for documents that are read as a whole. Streams use `JSONScanner`.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    public var kind: JSONKind {
        switch self {
        case .null: .null
        case .bool: .bool
        case .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        }
    }

    public var isNull: Bool { self == .null }
    /// Nil when it is no boolean; the others likewise.
    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var numberValue: JSONNumber? { if case .number(let value) = self { value } else { nil } }
    public var intValue: Int? { numberValue?.int64.flatMap { Int(exactly: $0) } }
    public var doubleValue: Double? { numberValue?.double }
    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// The member of an object; nil when this is no object or has no such member.
    public subscript(_ key: String) -> JSONValue? { objectValue?[key] }
}

/// The members of a JSON object in the order in which they were written. Order does not count for equality.
public struct JSONObject: Sendable {
    public struct Member: Hashable, Sendable {
        public let key: String
        public var value: JSONValue

        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// Each key once.
    public private(set) var members: [Member] = []
    /// Where a key is in `members`. Keys are told apart by their scalars, not by their look (é is not e and an accent).
    private var places: [[UInt8]: Int] = [:]

    public init() {}

    public var keys: [String] { members.map(\.key) }
    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }

    /// Nil when there is no such member; setting nil removes it, which costs a walk over the rest.
    public subscript(_ key: String) -> JSONValue? {
        get { places[Array(key.utf8)].map { members[$0].value } }
        set {
            let bytes = Array(key.utf8)
            switch (places[bytes], newValue) {
            case (let place?, let value?):
                members[place].value = value
            case (let place?, nil):
                members.remove(at: place)
                places[bytes] = nil
                for index in place..<members.count { places[Array(members[index].key.utf8)] = index }
            case (nil, let value?):
                places[bytes] = members.count
                members.append(Member(key: key, value: value))
            case (nil, nil):
                break
            }
        }
    }
}

extension JSONObject: Hashable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
        // Order must not count, so the members' hashes are added up.
        var sum = 0
        for member in members {
            var inner = Hasher()
            inner.combine(Array(member.key.utf8))
            inner.combine(member.value)
            sum &+= inner.finalize()
        }
        hasher.combine(sum)
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// A key that is named twice keeps its last value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }

    /// Members in this order; a key that is named twice keeps its last value.
    public init(_ elements: [(String, JSONValue)]) {
        for (key, value) in elements { self[key] = value }
    }
}
