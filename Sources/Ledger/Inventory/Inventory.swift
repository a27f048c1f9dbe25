import PlimsollModel

/// Every column and field about a person: what it is for, how long it is kept, who may read it (P10). The document is
/// `Schema/inventory/inventory.json`; tests compare it with the database and the protocol.
public struct Inventory: Sendable {
    /// A table that says something about people.
    public struct Table: Sendable, Hashable {
        public let name: String
        public let purpose: String
        /// In words.
        public let kept: String
        /// Rows go so many days after this column's time; nil: not by time.
        public let days: Days?
        public let readBy: [String]
        /// The column that says whose row it is; nil: the table names people who acted.
        public let person: String?
        /// The column whose name makes a row that person's own; nil: only `person` does.
        public let own: String?
        /// Columns with the name of somebody who acted.
        public let actors: [String]
        /// Columns with the number of somebody who acted.
        public let actorNumbers: [String]
        /// What an erasure does with it; nil: it has no rows of an erased person.
        public let erasure: String?
        public let columns: [Column]
        /// Columns that say nothing about a person.
        public let plain: [String]

        public var columnNames: [String] { columns.map(\.name) + plain }
    }

    public struct Column: Sendable, Hashable {
        public let name: String
        public let what: String
    }

    public struct Days: Sendable, Hashable {
        public let after: String
        public let count: Int
    }

    /// A message of the protocol: its fields about a person, and the others.
    public struct Message: Sendable, Hashable {
        public let name: String
        public let purpose: String
        public let kept: String
        public let fields: [String]
        public let plain: [String]
    }

    public let tables: [Table]
    /// Tables that say nothing about people, with their columns.
    public let otherTables: [String: [String]]
    public let messages: [Message]
    public let otherMessages: [String: [String]]

    /// That of this build. Throws `.fault` when it cannot be read.
    public static func shipped() throws -> Inventory {
        do {
            return try Inventory(JSONValue.parse(PackageResources.inventory_json))
        } catch {
            throw LedgerError(.fault, "the inventory of this build cannot be read", cause: error)
        }
    }

    init(_ document: JSONValue) throws {
        tables = try Self.members(document, "tables").map { name, value in try Table(name, value) }
        messages = try Self.members(document, "messages").map { name, value in
            Message(
                name: name, purpose: try text(value, "purpose"), kept: try text(value, "kept"),
                fields: try list(value, "fields"), plain: try list(value, "plain"))
        }
        otherTables = try Self.lists(document, "tables_without_people")
        otherMessages = try Self.lists(document, "messages_without_people")
    }

    private static func members(_ document: JSONValue, _ name: String) throws -> [(String, JSONValue)] {
        guard let object = document[name]?.objectValue else { throw missing(name) }
        return object.members.map { ($0.key, $0.value) }
    }

    private static func lists(_ document: JSONValue, _ name: String) throws -> [String: [String]] {
        let members = try members(document, name).map { key, value in
            (key, value.arrayValue?.compactMap(\.stringValue) ?? [])
        }
        return Dictionary(members) { first, _ in first }
    }
}

extension Inventory.Table {
    fileprivate init(_ name: String, _ value: JSONValue) throws {
        self.name = name
        purpose = try text(value, "purpose")
        kept = try text(value, "kept")
        if let limit = value["days"] {
            guard let count = limit["count"]?.intValue else { throw missing("\(name).days.count") }
            days = Inventory.Days(after: try text(limit, "after"), count: count)
        } else {
            days = nil
        }
        readBy = try list(value, "read_by")
        person = value["person"]?.stringValue
        own = value["own"]?.stringValue
        actors = try list(value, "actor")
        actorNumbers = try list(value, "actor_number")
        erasure = value["erasure"]?.stringValue
        columns = (value["columns"]?.objectValue?.members ?? []).map {
            Inventory.Column(name: $0.key, what: $0.value.stringValue ?? "")
        }
        plain = try list(value, "plain")
    }
}

private func missing(_ name: String) -> LedgerError {
    LedgerError(.fault, "the inventory lacks \(name)")
}

private func text(_ value: JSONValue, _ name: String) throws -> String {
    guard let found = value[name]?.stringValue, !found.isEmpty else { throw missing(name) }
    return found
}

/// Nothing where there is none.
private func list(_ value: JSONValue, _ name: String) throws -> [String] {
    guard let found = value[name] else { return [] }
    guard let items = found.arrayValue else { throw missing(name) }
    return items.compactMap(\.stringValue)
}
