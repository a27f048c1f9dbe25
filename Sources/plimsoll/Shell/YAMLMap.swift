import PlimsollModel
import Yams

/// A mapping of a YAML (or JSON) file, read member by member; every complaint names file, line and column.
struct YAMLMap {
    private let file: String
    private var pairs: [(key: String, node: Node)]
    private let mark: Mark?
    /// Where in the file this mapping is, for messages: "limits." or nothing.
    private let path: String

    init(text: String, file: String) throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw CommandFailure(.wrongUse, "\(file) is no YAML: \(error)", cause: error)
        }
        guard let root else { throw CommandFailure(.wrongUse, "\(file) is empty") }
        try self.init(root, file: file, path: "")
    }

    private init(_ node: Node, file: String, path: String) throws {
        self.file = file
        self.path = path
        mark = node.mark
        guard let mapping = node.mapping else {
            throw Self.failure(file, node.mark, "\(path.isEmpty ? "the document" : path) must be a mapping of names")
        }
        var pairs: [(String, Node)] = []
        for (key, value) in mapping {
            guard let name = key.string else { throw Self.failure(file, key.mark, "a name must be text") }
            guard !pairs.contains(where: { $0.0 == name }) else {
                throw Self.failure(file, key.mark, "\(path)\(name) is there twice")
            }
            pairs.append((name, value))
        }
        self.pairs = pairs
        self.keyMarks = mapping.reduce(into: [:]) { marks, pair in
            if let name = pair.key.string { marks[name] = pair.key.mark }
        }
    }

    private var keyMarks: [String: Mark]

    /// Refuses members of other names, with the nearest that is allowed.
    func allow(keys: [String]) throws {
        for (key, _) in pairs where !keys.contains(key) {
            throw Self.failure(
                file, keyMarks[key], "\(path)\(key) is not known; known are \(keys.sorted().joined(separator: ", "))")
        }
    }

    /// Names of the members in their order.
    var keys: [String] { pairs.map(\.key) }

    func string(_ key: String) throws -> String? {
        guard let node = node(key) else { return nil }
        guard let text = node.scalar?.string else { throw wrong(key, node, "must be text") }
        return text
    }

    func required(_ key: String) throws -> String {
        guard let text = try string(key), !text.isEmpty else {
            throw Self.failure(file, mark, "\(path)\(key) is missing")
        }
        return text
    }

    func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let node = node(key) else { return nil }
        guard let number = node.int, range.contains(number) else {
            throw wrong(key, node, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func bool(_ key: String) throws -> Bool? {
        guard let node = node(key) else { return nil }
        guard let flag = node.bool else { throw wrong(key, node, "must be true or false") }
        return flag
    }

    /// A text such as 90s, 5m, 4h, 1d.
    func duration(_ key: String) throws -> Duration? {
        guard let node = node(key) else { return nil }
        guard let text = node.scalar?.string, let duration = DurationText.parse(text) else {
            throw wrong(key, node, "must be a duration such as 90s, 5m or 4h")
        }
        return duration
    }

    /// A list of texts; one text alone counts as a list of one.
    func strings(_ key: String) throws -> [String]? {
        guard let node = node(key) else { return nil }
        if let text = node.scalar?.string { return [text] }
        guard let items = node.sequence else { throw wrong(key, node, "must be a list of texts") }
        return try items.map { item in
            guard let text = item.scalar?.string else { throw wrong(key, item, "must be a list of texts") }
            return text
        }
    }

    func map(_ key: String) throws -> YAMLMap? {
        guard let node = node(key) else { return nil }
        return try YAMLMap(node, file: file, path: "\(path)\(key).")
    }

    /// A list of mappings.
    func maps(_ key: String) throws -> [YAMLMap]? {
        guard let node = node(key) else { return nil }
        guard let items = node.sequence else { throw wrong(key, node, "must be a list") }
        return try items.enumerated().map { try YAMLMap($1, file: file, path: "\(path)\(key)[\($0)].") }
    }

    /// An instant such as 2026-03-30T09:55:00+02:00.
    func moment(_ key: String) throws -> Moment? {
        guard let node = node(key) else { return nil }
        guard let text = node.scalar?.string, let moment = Moment(rfc3339: text) else {
            throw wrong(key, node, "must be an instant with its offset, such as 2026-03-30T09:55:00+02:00")
        }
        return moment
    }

    func requiredMoment(_ key: String) throws -> Moment {
        guard let moment = try moment(key) else { throw Self.failure(file, mark, "\(path)\(key) is missing") }
        return moment
    }

    /// A document in place, as its own text; nil where there is none or where it is plain text.
    func document(_ key: String) throws -> String? {
        guard let node = node(key), node.mapping != nil else { return nil }
        do {
            return try Yams.serialize(node: node)
        } catch {
            throw wrong(key, node, "cannot be read: \(error)")
        }
    }

    /// This mapping with what it does not name as in `base`; mappings under `merging` are filled member by member.
    func filled(from base: YAMLMap, merging: Set<String>) throws -> YAMLMap {
        var whole = self
        for (key, node) in base.pairs {
            guard let place = whole.pairs.firstIndex(where: { $0.key == key }) else {
                whole.pairs.append((key, node))
                whole.keyMarks[key] = base.keyMarks[key]
                continue
            }
            guard merging.contains(key), let mine = whole.pairs[place].node.mapping, let theirs = node.mapping else {
                continue
            }
            let names = Set(mine.keys.compactMap(\.string))
            let filled =
                mine.map { ($0.key, $0.value) }
                + theirs.filter { !names.contains($0.key.string ?? "") }.map {
                    ($0.key, $0.value)
                }
            whole.pairs[place].node = Node.mapping(Node.Mapping(filled, mine.tag, mine.style, mine.mark))
        }
        return whole
    }

    /// Any value as JSON, members in their order.
    func json(_ key: String) throws -> JSONValue? {
        guard let node = node(key) else { return nil }
        return try json(node, at: key)
    }

    /// A complaint about a member, with its place.
    func failure(_ key: String, _ message: String) -> CommandFailure {
        Self.failure(file, node(key)?.mark ?? mark, "\(path)\(key) \(message)")
    }

    private func json(_ node: Node, at key: String) throws -> JSONValue {
        switch node {
        case .scalar(let scalar):
            // Quoted text is text, whatever it looks like.
            guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
            if node.null != nil { return .null }
            if let flag = node.bool { return .bool(flag) }
            if let number = try? JSONValue.parse(scalar.string), number.kind == .number { return number }
            return .string(scalar.string)
        case .sequence(let items):
            return .array(try items.map { try json($0, at: key) })
        case .mapping(let mapping):
            var object = JSONObject()
            for (name, value) in mapping {
                guard let name = name.string else { throw wrong(key, node, "has a name that is no text") }
                object[name] = try json(value, at: key)
            }
            return .object(object)
        default:
            throw wrong(key, node, "refers to another place in the file, which is not supported here")
        }
    }

    /// A member that is there and not null.
    private func node(_ key: String) -> Node? {
        guard let node = pairs.first(where: { $0.key == key })?.node, node.null == nil || node.scalar?.style != .plain
        else { return nil }
        return node
    }

    private func wrong(_ key: String, _ node: Node, _ message: String) -> CommandFailure {
        Self.failure(file, node.mark, "\(path)\(key) \(message)")
    }

    private static func failure(_ file: String, _ mark: Mark?, _ message: String) -> CommandFailure {
        let place = mark.map { ", line \($0.line), column \($0.column)" } ?? ""
        return CommandFailure(.wrongUse, "\(file)\(place): \(message)")
    }
}
