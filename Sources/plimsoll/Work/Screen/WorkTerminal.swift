// Dispatch does not say on Linux that its sources may be shared between threads; they may.
@preconcurrency import Dispatch
import Foundation
import Glibc
import Synchronization

/// The terminal: raw mode, the alternate screen, keys in, lines out. The one place with escape sequences.
///
/// One at a time. `leave` and `deinit` give the terminal back as it was; so does every signal that ends the process,
/// because the screen turns them into a normal ending.
final class WorkTerminal: Sendable {
    /// Bytes of keys, and the word that the size changed.
    enum Input: Sendable {
        case bytes([UInt8])
        case resized
        /// The terminal is gone.
        case ended
    }

    private struct State {
        var isRaw = false
        /// What is on the screen, so that only lines that changed are sent.
        var shown: [ScreenLine] = []
    }

    private let saved: termios
    private let usesColour: Bool
    private let state = Mutex(State())
    private let reader: any DispatchSourceRead
    private let resizes: any DispatchSourceSignal

    /// Nil when standard input or output is no terminal.
    init?(environment: [String: String], onInput: @Sendable @escaping (Input) -> Void) {
        var saved = termios()
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &saved) == 0 else {
            return nil
        }
        self.saved = saved
        // NO_COLOR: https://no-color.org, any value that is not empty.
        usesColour = (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        let queue = DispatchQueue(label: "plimsoll-terminal")
        reader = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: queue)
        resizes = DispatchSource.makeSignalSource(signal: SIGWINCH, queue: queue)
        reader.setEventHandler {
            var block = [UInt8](repeating: 0, count: 1024)
            let count = read(STDIN_FILENO, &block, block.count)
            if count > 0 { return onInput(.bytes(Array(block[..<count]))) }
            if count == 0 || (errno != EINTR && errno != EAGAIN) { onInput(.ended) }
        }
        resizes.setEventHandler { onInput(.resized) }
        resizes.activate()
        reader.activate()
        // A dispatch source is started suspended or not at all; from here on `enter` and `leave` keep count.
        reader.suspend()
    }

    deinit {
        leave()
        // A suspended source must not be released.
        reader.resume()
        reader.cancel()
        resizes.cancel()
    }

    var size: ScreenSize {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return .usual
        }
        return ScreenSize(
            columns: max(ScreenSize.least.columns, Int(size.ws_col)),
            rows: max(ScreenSize.least.rows, Int(size.ws_row)))
    }

    /// Takes the terminal over; again after `leave`.
    func enter() {
        state.withLock { state in
            guard !state.isRaw else { return }
            state.isRaw = true
            state.shown = []
            var raw = saved
            cfmakeraw(&raw)
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw)
            // Alternate screen, no cursor, no automatic wrap.
            Self.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J")
            reader.resume()
        }
    }

    /// Gives the terminal back as it was.
    func leave() {
        state.withLock { state in
            guard state.isRaw else { return }
            state.isRaw = false
            reader.suspend()
            Self.write("\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
            var cooked = saved
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &cooked)
        }
    }

    /// Puts the lines on the screen; nothing while it is given back.
    func draw(_ lines: [ScreenLine], anew: Bool = false) {
        state.withLock { state in
            guard state.isRaw else { return }
            var text = anew ? "\u{1B}[2J" : ""
            for (row, line) in lines.enumerated()
            where anew || !state.shown.indices.contains(row) || state.shown[row] != line {
                text += "\u{1B}[\(row + 1);1H\(Self.attributes(line.style, colour: usesColour))\(line.text)\u{1B}[0m"
            }
            state.shown = lines
            Self.write(text)
        }
    }

    static func attributes(_ style: ScreenLine.Style, colour: Bool) -> String {
        switch style {
        case .plain: ""
        case .strong: "\u{1B}[1m"
        case .faint: colour ? "\u{1B}[2m" : ""
        case .bar: "\u{1B}[7m"
        case .urgent: colour ? "\u{1B}[1;33m" : "\u{1B}[1m"
        }
    }

    private static func write(_ text: String) {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            // A terminal that is gone takes no goodbye either.
            guard count > 0 else { return }
            written += count
        }
    }
}
