/// Foreign text made safe for a terminal: nothing in it moves the cursor, changes colours, hides or reorders words.
enum Harmless {
    /// Control characters of C0 and C1, bidirectional controls, invisible and unassigned-looking format characters as
    /// `<U+202E>`; line feeds as well.
    static func line(_ text: String) -> String { escape(text, keepingLines: false) }

    /// The same with line feeds kept, and tabs as four spaces.
    static func text(_ text: String) -> String { escape(text, keepingLines: true) }

    /// Combining marks that one character may carry before the rest is dropped, so that none climbs over other lines.
    static let marksMax = 4

    private static func escape(_ text: String, keepingLines: Bool) -> String {
        var result = ""
        var marks = 0
        for scalar in text.unicodeScalars {
            if isMark(scalar) {
                marks += 1
                if marks > marksMax { continue }
            } else {
                marks = 0
            }
            switch scalar {
            case "\n" where keepingLines: result.unicodeScalars.append(scalar)
            case "\r" where keepingLines: continue
            case "\t": result += "    "
            default:
                if isHarmful(scalar) {
                    let hex = String(scalar.value, radix: 16, uppercase: true)
                    result += "<U+" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex + ">"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark: true
        default: false
        }
    }

    /// General categories Cc, Cf, Zl, Zp, Co and Cs (Unicode 15, chapter 4.5). The zero-width joiner stays, because
    /// scripts and emoji need it and it moves nothing.
    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value == 0x200D || scalar.value == 0x200C { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate: return true
        default: return false
        }
    }
}

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
