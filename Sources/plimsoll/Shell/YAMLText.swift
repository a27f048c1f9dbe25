import PlimsollModel
import Yams

/// Results as YAML: what the JSON says, in block style, strings quoted where they would read as something else.
enum YAMLText {
    static func of(_ value: JSONValue) -> String {
        do {
            return try Yams.serialize(node: node(value), allowUnicode: true)
        } catch {
            // JSON is YAML too (YAML 1.2, section 1.3), so what the emitter cannot write is still what was asked for.
            return value.description + "\n"
        }
    }

    private static func node(_ value: JSONValue) -> Node {
        switch value {
        case .null: .scalar(Node.Scalar("null"))
        case .bool(let flag): .scalar(Node.Scalar(flag ? "true" : "false"))
        case .number: .scalar(Node.Scalar(value.description))
        case .string(let text): string(text)
        case .array(let items): Node(items.map(node))
        case .object(let object): Node(object.members.map { (string($0.key), node($0.value)) })
        }
    }

    /// Several lines as a literal block, as a person would write them; control characters only inside quotes.
    private static func string(_ text: String) -> Node {
        let isPlainText = text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }
        guard text.contains("\n"), isPlainText, !text.hasPrefix(" "), !text.hasPrefix("\n") else {
            return .scalar(text.represented())
        }
        return .scalar(Node.Scalar(text, Tag(.str), .literal))
    }
}
