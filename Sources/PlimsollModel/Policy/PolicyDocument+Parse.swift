import Yams

extension PolicyDocument {
    /// Reads a document. Throws `ModelError` with `badPolicy`, line and column for what is no YAML, a key that is
    /// unknown or named twice, a value out of range, or limits that do not fit together.
    public init(yaml text: String) throws(ModelError) {
        self = .defaults
        let top = try PolicyReader(text).top()
        try PolicyReader.each(top, PolicyReader.topKeys) { key, value throws(ModelError) in
            switch key {
            case "format": try PolicyReader.format(value)
            case "name": name = try PolicyReader.name(value)
            case "limits":
                named.formUnion(try PolicyReader.fill(&limits, PolicyField<WorkloadLimits>.limits, from: value))
            case "oversight":
                named.formUnion(
                    try PolicyReader.fill(&oversight, PolicyField<OversightLimits>.oversight, from: value))
            default:
                var raised = WorkloadLimits()
                try PolicyReader.fill(&raised, PolicyField<WorkloadLimits>.limits, from: value, noneAllowed: false)
                ceiling = raised
            }
        }
        if let problem = contradiction { throw PolicyReader.fault(problem, top) }
    }

    /// Reads what a team, a project or an engineer sets for themselves: only keys of `limits`, at the top, without
    /// `none`. What is not named is nil and adds nothing; apply it with `WorkloadLimits.tightened(by:)`.
    public static func layer(yaml text: String) throws(ModelError) -> WorkloadLimits {
        var limits = WorkloadLimits()
        let top = try PolicyReader(text).top()
        try PolicyReader.fill(&limits, PolicyField<WorkloadLimits>.limits, from: top, noneAllowed: false)
        return limits
    }

    /// Limits that make sense one by one but not together; nil when all is well.
    private var contradiction: String? {
        if (limits.continuousTime == nil) != (limits.breakTime == nil) {
            return "continuous-time and break come together: set both, or both to none"
        }
        if (limits.weeklyRest == nil) != (limits.weeklyRestDays == nil) {
            return "weekly-rest and weekly-rest-days come together: set both, or both to none"
        }
        if let warn = oversight.spanWarn, warn > oversight.spanMax {
            return "span-warn (\(warn)) is above span-max (\(oversight.spanMax)) and would never be seen"
        }
        return nil
    }
}

/// Walks the YAML nodes, which know their places.
struct PolicyReader {
    static let topKeys = ["format", "name", "limits", "oversight", "ceiling"]

    private let text: String

    init(_ text: String) throws(ModelError) {
        guard text.utf8.count <= PolicyDocument.bytesMax else {
            throw ModelError(
                .badPolicy, "the document is longer than \(PolicyDocument.bytesMax) bytes", line: 1, column: 1)
        }
        self.text = text
    }

    /// The document's mapping; an empty document is an empty mapping.
    func top() throws(ModelError) -> Node {
        do {
            let parser = try Parser(yaml: text)
            guard let root = try parser.singleRoot() else { return Node([] as [(Node, Node)]) }
            return root
        } catch let error as YamlError {
            throw Self.fault(error)
        } catch {
            throw ModelError(.badPolicy, "the document cannot be read as YAML", cause: error)
        }
    }

    static func each(
        _ node: Node, _ keys: [String], _ visit: (String, Node) throws(ModelError) -> Void
    ) throws(ModelError) {
        guard let mapping = node.mapping else { throw fault("keys with values are expected here", node) }
        for (key, value) in mapping {
            guard let name = key.scalar?.string, keys.contains(name) else {
                let shown = key.scalar.map { "“\($0.string)”" } ?? "this"
                throw fault("\(shown) is no key here; known are \(keys.joined(separator: ", "))", key)
            }
            try visit(name, value)
        }
    }

    /// Sets what `node` names and returns the keys.
    @discardableResult
    static func fill<Root>(
        _ root: inout Root, _ fields: [PolicyField<Root>], from node: Node, noneAllowed: Bool = true
    ) throws(ModelError) -> Set<String> {
        var named: Set<String> = []
        var filled = root
        try each(node, fields.map(\.key)) { key, value throws(ModelError) in
            for field in fields where field.key == key {
                field.write(&filled, try read(value, field, noneAllowed: noneAllowed))
            }
            named.insert(key)
        }
        root = filled
        return named
    }

    /// Sets what one key names, whose node was met already.
    static func fillOne<Root>(
        _ root: inout Root, _ fields: [PolicyField<Root>], key: String, from node: Node, noneAllowed: Bool
    ) throws(ModelError) {
        for field in fields where field.key == key {
            field.write(&root, try read(node, field, noneAllowed: noneAllowed))
        }
    }

    private static func read<Root>(
        _ node: Node, _ field: PolicyField<Root>, noneAllowed: Bool
    ) throws(ModelError) -> PolicyField<Root>.Value {
        guard let scalar = node.scalar else { throw fault("\(field.key) takes \(field.kind.expectation)", node) }
        let text = scalar.string
        let plain = scalar.style == .plain || scalar.style == .any
        if text == "none" || plain && (text == "null" || text == "~") {
            guard noneAllowed, field.mayBeNone else {
                throw fault("\(field.key) cannot be none; it takes \(field.kind.expectation)", node)
            }
            return .none
        }
        switch field.kind {
        case .count(let range):
            // Only plain digits: YAML would also take 0x10, 1_000 and "3", which mean other things to other readers.
            if plain, let count = wholeNumber(text), range.contains(count) { return .count(count) }
        case .duration(let range):
            if let length = DurationText.parse(text), range.contains(length) { return .duration(length) }
        case .hours:
            if let hours = QuietHours(text) { return .hours(hours) }
        }
        let shown = text.isEmpty ? "nothing" : "“\(text.prefix(40))”"
        let orNone = noneAllowed && field.mayBeNone ? " or none" : ""
        throw fault("\(field.key) takes \(field.kind.expectation)\(orNone), not \(shown)", node)
    }

    static func format(_ node: Node) throws(ModelError) {
        guard let scalar = node.scalar, scalar.style == .plain, wholeNumber(scalar.string) == PolicyDocument.format
        else {
            throw fault("format is \(PolicyDocument.format); this program reads no other", node)
        }
    }

    static func name(_ node: Node) throws(ModelError) -> String {
        let text = node.scalar?.string ?? ""
        let isName = text.utf8.allSatisfy { byte in
            (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-")
        }
        guard isName, (1...PolicyDocument.nameLengthMax).contains(text.utf8.count) else {
            throw fault(
                "name takes 1 to \(PolicyDocument.nameLengthMax) lower-case letters, digits and hyphens", node)
        }
        return text
    }

    private static func wholeNumber(_ text: String) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != 48
        else { return nil }
        return Int(text)
    }

    static func fault(_ message: String, _ node: Node) -> ModelError {
        // A node made of nothing, as an empty document is, has no mark.
        ModelError(.badPolicy, message, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }

    private static func fault(_ error: YamlError) -> ModelError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return ModelError(.badPolicy, "no YAML: \(problem)", line: mark.line, column: mark.column, cause: error)
        case .duplicatedKeysInMapping(let keys, let context):
            return ModelError(
                .badPolicy, "named twice: \(keys.joined(separator: ", "))", line: context.mark.line,
                column: context.mark.column, cause: error)
        case .reader(let problem, _, _, _):
            return ModelError(.badPolicy, "no YAML: \(problem)", line: 1, column: 1, cause: error)
        default:
            return ModelError(.badPolicy, "the document cannot be read as YAML", line: 1, column: 1, cause: error)
        }
    }
}
