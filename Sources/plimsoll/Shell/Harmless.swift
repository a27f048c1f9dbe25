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
