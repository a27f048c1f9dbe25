/// How wide text is on a terminal, and how it is cut into lines.
enum TextWidth {
    /// Columns that a character takes: 2 for East Asian wide ones and emoji, else 1.
    static func of(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}") { return 2 }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default:
            return 1
        }
    }

    static func of(_ text: String) -> Int { text.reduce(0) { $0 + of($1) } }

    /// The text in exactly `width` columns: cut with a mark, or filled with spaces.
    static func fit(_ text: String, _ width: Int) -> String {
        let columns = of(text)
        if columns <= width { return text + String(repeating: " ", count: width - columns) }
        var result = ""
        var used = 0
        for character in text {
            let next = of(character)
            guard used + next <= width - 1 else { break }
            result.append(character)
            used += next
        }
        guard width > 0 else { return "" }
        return result + ">" + String(repeating: " ", count: max(0, width - used - 1))
    }

    /// Lines of at most `width` columns, broken at spaces where there are any. Line feeds stay breaks.
    static func wrap(_ text: String, _ width: Int) -> [String] {
        let width = max(1, width)
        return text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { wrapLine($0, width) }
    }

    private static func wrapLine(_ line: Substring, _ width: Int) -> [String] {
        var lines: [String] = []
        var current = ""
        var used = 0
        var lastSpace: String.Index?
        for character in line {
            let columns = of(character)
            if used + columns > width {
                if character == " " {
                    lines.append(current)
                    (current, used, lastSpace) = ("", 0, nil)
                    continue
                }
                if let space = lastSpace {
                    let rest = String(current[current.index(after: space)...])
                    lines.append(String(current[..<space]))
                    current = rest
                } else {
                    lines.append(current)
                    current = ""
                }
                used = of(current)
                lastSpace = nil
            }
            if character == " " { lastSpace = current.endIndex }
            current.append(character)
            used += columns
        }
        lines.append(current)
        return lines
    }
}
