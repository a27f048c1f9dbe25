import Foundation
import PlimsollModel

/// Where a command writes: results on stdout, talk on stderr.
enum Output {
    /// One line of a result.
    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// Bytes of a result as they are.
    static func bytes(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

    /// A JSON result, indented, members in the order in which they were put in.
    static func json(_ value: JSONValue) { write(value.encode(pretty: true) + [10], to: STDOUT_FILENO) }

    /// One line of talk: what is being done, and what to do next.
    static func talk(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// What speaks against what was done; nothing where it is empty.
    static func warn(_ text: String) {
        if !text.isEmpty { talk("warning: \(Harmless.line(text))") }
    }

    /// Talk without a line end, as progress bars need it.
    static func talkRaw(_ text: String) { write(text, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

    /// A reader that went away (`| head`) wants no more, and of other failures nobody could be told.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR && errno != EAGAIN {
                return
            }
        }
    }
}
