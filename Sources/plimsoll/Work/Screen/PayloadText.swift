import PlimsollModel

/// A task's payload as text for people: member by member, words as they are, nothing that acts on the terminal.
enum PayloadText {
    /// Lines of at most `width` columns.
    static func lines(_ payload: [UInt8], width: Int) -> [String] {
        guard let value = try? JSONValue.parse(payload) else {
            return TextWidth.wrap(Harmless.text(String(decoding: payload, as: UTF8.self)), width)
        }
        return lines(value, indent: 0, width: width)
    }

    /// The deepest indentation, so that words keep room at 80 columns.
    private static let indentMax = 10

    private static func lines(_ value: JSONValue, indent: Int, width: Int) -> [String] {
        let margin = String(repeating: "  ", count: min(indent, indentMax))
        switch value {
        case .object(let object) where !object.isEmpty:
            return object.members.flatMap { member in
                labelled(Harmless.line(member.key) + ":", member.value, margin, indent, width)
            }
        case .array(let elements) where !elements.isEmpty:
            return elements.flatMap { labelled("-", $0, margin, indent, width) }
        default:
            return TextWidth.wrap(word(value), width - margin.count).map { margin + $0 }
        }
    }

    private static func labelled(
        _ label: String, _ value: JSONValue, _ margin: String, _ indent: Int, _ width: Int
    ) -> [String] {
        let text = margin + label
        let isShort =
            switch value {
            case .object(let object): object.isEmpty
            case .array(let elements): elements.isEmpty
            case .string(let string): !string.contains("\n")
            default: true
            }
        if isShort {
            let line = text + " " + word(value)
            if TextWidth.of(line) <= width { return [line] }
        }
        return TextWidth.wrap(text, width) + lines(value, indent: indent + 1, width: width)
    }

    private static func word(_ value: JSONValue) -> String {
        if case .string(let text) = value { return Harmless.text(text) }
        return Harmless.line(value.description)
    }
}
