import PlimsollModel
import PlimsollProtocol

/// What one version of a notice says otherwise than another: fields, and lines of the text.
struct NoticeDifference {
    /// In the order in which `notice show` prints them.
    let fields: [(name: String, old: String, new: String)]
    /// The lines around and in each change; empty where the texts are the same.
    let text: [String]

    /// Unchanged lines shown before and after a change.
    private static let contextLines = 2
    /// Beyond so many lines a text is shown as changed as a whole: comparing takes time that grows with its square.
    private static let linesMax = 2_000

    init(from old: Plimsoll_V1_NoticeDocument, to new: Plimsoll_V1_NoticeDocument) {
        typealias Document = Plimsoll_V1_NoticeDocument
        let all: [(String, (Document) -> String)] = [
            ("purpose", \.purpose), ("locale", \.locale), ("data", \.data), ("recipients", \.recipients),
            ("retention", \.retention), ("withdrawal_method", \.withdrawalMethod),
            ("alternative_offered", \.alternativeOffered), ("assessment.reference", \.assessment),
            ("assessment.date", \.assessmentOn), ("consultation.reference", \.consultation),
            ("consultation.date", \.consultationOn), ("validity_days", { String($0.validityDays) }),
        ]
        fields = all.map { (name: $0.0, old: $0.1(old), new: $0.1(new)) }.filter { $0.old != $0.new }
        text = Self.lines(from: old.text, to: new.text)
    }

    var isEmpty: Bool { fields.isEmpty && text.isEmpty }

    /// For people: each field with both values, then the text with - and + before its lines.
    var shown: [String] {
        if isEmpty { return ["nothing differs but the version"] }
        var lines: [String] = []
        for field in fields {
            lines += ["\(field.name):", "- \(Self.value(field.old))", "+ \(Self.value(field.new))"]
        }
        if !text.isEmpty { lines += ["text:"] + text }
        return lines.map { Harmless.line($0) }
    }

    var json: JSONValue {
        [
            "fields": .array(
                fields.map { ["field": .string($0.name), "old": .string($0.old), "new": .string($0.new)] }),
            "text": .array(text.map { .string($0) }),
        ]
    }

    private static func value(_ text: String) -> String { text.isEmpty ? "(nothing)" : text }

    private static func lines(from old: String, to new: String) -> [String] {
        let before = split(old)
        let after = split(new)
        if before == after { return [] }
        guard max(before.count, after.count) <= linesMax else {
            return before.map { "- \($0)" } + after.map { "+ \($0)" }
        }
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in after.difference(from: before) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var all: [(mark: Character, line: String)] = []
        var place = (old: 0, new: 0)
        while place.old < before.count || place.new < after.count {
            if removed.contains(place.old) {
                all.append(("-", before[place.old]))
                place.old += 1
            } else if added.contains(place.new) {
                all.append(("+", after[place.new]))
                place.new += 1
            } else {
                all.append((" ", before[place.old]))
                place = (place.old + 1, place.new + 1)
            }
        }
        return near(all)
    }

    /// Leaves out what is far from any change.
    private static func near(_ all: [(mark: Character, line: String)]) -> [String] {
        let changes = all.indices.filter { all[$0].mark != " " }
        var shown: Set<Int> = []
        for change in changes {
            shown.formUnion(max(0, change - contextLines)...min(all.count - 1, change + contextLines))
        }
        var result: [String] = []
        var last = -1
        for index in shown.sorted() {
            if index > last + 1 { result.append("  ...") }
            result.append("\(all[index].mark) \(all[index].line)")
            last = index
        }
        if last < all.count - 1 { result.append("  ...") }
        return result
    }

    /// The line end at the end of a text begins no line.
    private static func split(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
