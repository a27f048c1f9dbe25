import Foundation

/// What is known of the screen in front of a person.
enum Terminal {
    /// Whether stderr, where talk and progress go, is a terminal.
    static var talksToPerson: Bool { isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb" }
    /// Whether stdout is a terminal that can be drawn upon.
    static var showsResultsToPerson: Bool { isatty(STDOUT_FILENO) == 1 && environment["TERM"] != "dumb" }
    /// Whether a question can be asked and answered.
    static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }
    /// https://no-color.org: any value but the empty one.
    static var colors: Bool { (environment["NO_COLOR"] ?? "").isEmpty && showsResultsToPerson }

    /// Columns and rows; 80 by 24 where nobody knows.
    static var size: (columns: Int, rows: Int) {
        var window = winsize()
        for descriptor in [STDOUT_FILENO, STDERR_FILENO]
        where ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0 && window.ws_col > 0 {
            return (Int(window.ws_col), max(1, Int(window.ws_row)))
        }
        return (80, 24)
    }

    static var environment: [String: String] { ProcessInfo.processInfo.environment }

    static func bold(_ text: String) -> String { colors ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    static func dim(_ text: String) -> String { colors ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

    /// Text from elsewhere made harmless for a screen: control characters, and those that turn the direction of
    /// writing, become visible escapes. Line feeds stay when `lines` is true.
    static func harmless(_ text: String, lines: Bool = false) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A where lines: result.unicodeScalars.append(scalar)
            case 0x00..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069, 0x2028...0x2029, 0xFEFF:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
