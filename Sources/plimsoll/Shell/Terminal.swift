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

    /// Whether what is beyond ASCII may be drawn: the locale's encoding is UTF-8 (POSIX, the first of these that is
    /// set).
    static var speaksUnicode: Bool { speaksUnicode(environment) }

    static func speaksUnicode(_ environment: [String: String]) -> Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        return locale.lowercased().replacing("-", with: "").contains("utf8") && environment["TERM"] != "dumb"
    }

    static var environment: [String: String] { ProcessInfo.processInfo.environment }

    static func bold(_ text: String) -> String { colors ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
}
