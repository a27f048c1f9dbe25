import Yams

extension PolicyDocument {
    /// Reads a document that was in force or may be. Throws `ModelError` with `badPolicy` for what is no YAML, keys
    /// that are unknown or named twice, values out of range, and limits that do not fit together: every problem with
    /// its line and column, up to `PolicyReader.problemsMax`.
    public init(yaml text: String) throws(ModelError) { try self.init(text, isProposed: false) }

    /// Reads a document that somebody proposes: the same, and nothing in it is without effect or means something else
    /// than it says. What was put in force by an earlier build stays readable.
    public init(proposed text: String) throws(ModelError) { try self.init(text, isProposed: true) }

    private init(_ text: String, isProposed: Bool) throws(ModelError) {
        self = .defaults
        var reader = try PolicyReader(text)
        for (key, value) in reader.members(of: reader.top, PolicyReader.topKeys) {
            switch key {
            case "format": reader.checkFormat(value)
            case "name": name = reader.name(value)
            case "limits":
                named.formUnion(
                    reader.fill(&limits, PolicyField<WorkloadLimits>.limits, from: value, of: key) {
                        $0.mayBeNone || !isProposed && $0.meantByNone != nil
                    })
            case "oversight":
                named.formUnion(reader.fill(&oversight, PolicyField<OversightLimits>.oversight, from: value, of: key))
            default:
                var raised = WorkloadLimits()
                reader.fill(&raised, PolicyField<WorkloadLimits>.limits, from: value, of: key) { _ in false }
                ceiling = raised
            }
        }
        for problem in contradictions + (isProposed ? idleCeilings : []) { reader.note(problem) }
        try reader.finish()
    }

    /// Reads what a team, a project or an engineer sets for themselves: only keys of `limits`, at the top, without
    /// `none`. What is not named is nil and adds nothing; apply it with `WorkloadLimits.tightened(by:)`.
    public static func layer(yaml text: String) throws(ModelError) -> WorkloadLimits {
        var limits = WorkloadLimits()
        var reader = try PolicyReader(text)
        reader.fill(&limits, PolicyField<WorkloadLimits>.limits, from: reader.top, of: "limits") { _ in false }
        try reader.finish()
        return limits
    }

    /// Limits that make sense one by one but not together.
    private var contradictions: [PolicyReader.Contradiction] {
        var list: [PolicyReader.Contradiction] = []
        func pair(_ one: String, _ other: String, isWhole: Bool) {
            if isWhole { return }
            list.append(
                .init(
                    ["limits.\(one)", "limits.\(other)"], "\(one) and \(other) come together: set both, or both to none"
                ))
        }
        pair("continuous-time", "break", isWhole: (limits.continuousTime == nil) == (limits.breakTime == nil))
        pair("weekly-rest", "weekly-rest-days", isWhole: (limits.weeklyRest == nil) == (limits.weeklyRestDays == nil))
        if let warn = oversight.spanWarn, warn > oversight.spanMax {
            list.append(
                .init(
                    ["oversight.span-max", "oversight.span-warn"],
                    "span-warn (\(warn)) is above span-max (\(oversight.spanMax)) and would never be seen"))
        }
        return list
    }

    /// Ceilings below the limit that they bound: no raise could reach them.
    private var idleCeilings: [PolicyReader.Contradiction] {
        guard let ceiling else { return [] }
        let strictest = limits.tightened(by: ceiling)
        return PolicyField<WorkloadLimits>.limits.compactMap { field in
            guard field.key != Self.quietHoursKey, field.read(strictest) != field.read(limits) else { return nil }
            return .init(
                ["limits.\(field.key)", "ceiling.\(field.key)"],
                "the ceiling of \(field.key), \(field.read(ceiling).text), is stricter than the limit, "
                    + "\(field.read(limits).text), so nothing could be raised to it")
        }
    }
}

/// Walks the YAML nodes, which know their places, and notes each problem with its own.
struct PolicyReader {
    static let topKeys = ["format", "name", "limits", "oversight", "ceiling"]
    /// Problems that are told at once.
    static let problemsMax = 10
    /// Characters of a key or value that a message shows.
    private static let shownMax = 40

    /// Keys, as section and name, whose values do not fit together.
    struct Contradiction {
        let keys: [String]
        let message: String

        init(_ keys: [String], _ message: String) {
            self.keys = keys
            self.message = message
        }
    }

    /// The document's mapping; an empty document is an empty mapping.
    let top: Node
    private var problems: [ModelError] = []
    /// Where keys are, by section and name.
    private var places: [String: Mark] = [:]
    /// Keys with a problem of their own.
    private var unread: Set<String> = []

    /// Throws for what is no YAML, of which there is one problem.
    init(_ text: String) throws(ModelError) {
        guard text.utf8.count <= PolicyDocument.bytesMax else {
            throw ModelError(
                .badPolicy, "the document is longer than \(PolicyDocument.bytesMax) bytes", line: 1, column: 1)
        }
        do {
            let parser = try Parser(yaml: text)
            top = try parser.singleRoot() ?? Node([] as [(Node, Node)])
        } catch let error as YamlError {
            throw Self.fault(error)
        } catch {
            throw ModelError(.badPolicy, "the document cannot be read as YAML", cause: error)
        }
    }

    /// Throws when there was any problem, with all of them in the order of the document.
    func finish() throws(ModelError) {
        let ordered = problems.sorted { ($0.line ?? 0, $0.column ?? 0) < ($1.line ?? 0, $1.column ?? 0) }
        guard let first = ordered.first else { return }
        var others = Array(ordered.dropFirst())
        if ordered.count > Self.problemsMax {
            others =
                ordered[1..<Self.problemsMax] + [
                    ModelError(.badPolicy, "and \(ordered.count - Self.problemsMax) more")
                ]
        }
        throw first.with(others)
    }

    /// The members of a mapping that have one of these names; the others are noted.
    mutating func members(of node: Node, _ keys: [String], of section: String = "") -> [(key: String, value: Node)] {
        guard let mapping = node.mapping else {
            note("keys with values are expected here", node)
            return []
        }
        var members: [(String, Node)] = []
        for (key, value) in mapping {
            guard let name = key.scalar?.string, keys.contains(name) else {
                let shown = key.scalar.map { "“\($0.string.prefix(Self.shownMax))”" } ?? "this"
                note("\(shown) is no key here; known are \(keys.joined(separator: ", "))", key)
                continue
            }
            places["\(section).\(name)"] = key.mark
            members.append((name, value))
        }
        return members
    }

    /// Sets what `node` names and returns the keys that could be read.
    @discardableResult
    mutating func fill<Root>(
        _ root: inout Root, _ fields: [PolicyField<Root>], from node: Node, of section: String,
        noneWhere mayBeNone: (PolicyField<Root>) -> Bool = { $0.mayBeNone }
    ) -> Set<String> {
        var named: Set<String> = []
        for (key, value) in members(of: node, fields.map(\.key), of: section) {
            for field in fields where field.key == key {
                guard let read = read(value, field, mayBeNone: mayBeNone(field)) else {
                    unread.insert("\(section).\(key)")
                    continue
                }
                field.write(&root, read)
                named.insert(key)
            }
        }
        return named
    }

    private mutating func read<Root>(
        _ node: Node, _ field: PolicyField<Root>, mayBeNone: Bool
    ) -> PolicyField<Root>.Value? {
        guard let scalar = node.scalar else {
            note("\(field.key) takes \(field.kind.expectation)", node)
            return nil
        }
        let text = scalar.string
        let plain = scalar.style == .plain || scalar.style == .any
        if text == "none" || plain && (text == "null" || text == "~") {
            if mayBeNone { return field.meantByNone ?? PolicyField<Root>.Value.none }
            let instead = field.meantByNone.map { "; write \($0.text), which none stood for" } ?? ""
            note("\(field.key) cannot be none; it takes \(field.kind.expectation)\(instead)", node)
            return nil
        }
        switch field.kind {
        case .count(let range):
            // Only plain digits: YAML would also take 0x10, 1_000 and "3", which mean other things to other readers.
            if plain, let count = Self.wholeNumber(text), range.contains(count) { return .count(count) }
        case .duration(let range):
            if let length = DurationText.parse(text), range.contains(length) { return .duration(length) }
        case .hours:
            if let hours = QuietHours(text) { return .hours(hours) }
        }
        let shown = text.isEmpty ? "nothing" : "“\(text.prefix(Self.shownMax))”"
        note("\(field.key) takes \(field.kind.expectation)\(mayBeNone ? " or none" : ""), not \(shown)", node)
        return nil
    }

    mutating func checkFormat(_ node: Node) {
        guard let scalar = node.scalar, scalar.style == .plain, Self.wholeNumber(scalar.string) == PolicyDocument.format
        else { return note("format is \(PolicyDocument.format); this program reads no other", node) }
    }

    mutating func name(_ node: Node) -> String? {
        let text = node.scalar?.string ?? ""
        let isName = text.utf8.allSatisfy { byte in
            (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-")
        }
        guard isName, (1...PolicyDocument.nameLengthMax).contains(text.utf8.count) else {
            note("name takes 1 to \(PolicyDocument.nameLengthMax) lower-case letters, digits and hyphens", node)
            return nil
        }
        return text
    }

    /// At the last of the keys that the document names. Where one of them could not be read, that is the problem.
    mutating func note(_ contradiction: Contradiction) {
        guard unread.isDisjoint(with: contradiction.keys) else { return }
        let marks = contradiction.keys.compactMap { places[$0] }
        let place = marks.max { ($0.line, $0.column) < ($1.line, $1.column) }
        problems.append(
            ModelError(
                .badPolicy, contradiction.message, line: place?.line ?? 1, column: place?.column ?? 1))
    }

    private mutating func note(_ message: String, _ node: Node) {
        // A node made of nothing, as an empty document is, has no mark.
        problems.append(
            ModelError(.badPolicy, message, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1))
    }

    private static func wholeNumber(_ text: String) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != 48
        else { return nil }
        return Int(text)
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
