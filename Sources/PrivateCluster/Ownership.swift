import Glibc

/// The right of one process to run a cluster: a file lock, which the kernel drops when that process dies in any way,
/// and in the file who holds it and which server it started.
final class Ownership: Sendable {
    private let path: String
    private let descriptor: Int32

    /// Throws `.alreadyRunning`, with the holder's process id, when another process or object has it.
    init(path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw ClusterError(.directory, "\(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Ownership.read(descriptor).first
            close(descriptor)
            throw ClusterError(
                .alreadyRunning, "this cluster is run by process \(holder.map(String.init) ?? "unknown")",
                processID: holder)
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        // Closing is not enough: a child that is just being started has a copy until it becomes its program.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// The server that an earlier holder started and may have left behind.
    var recordedServer: pid_t? {
        let numbers = Ownership.read(descriptor)
        return numbers.count == 2 ? numbers[1] : nil
    }

    /// Notes us and our server; nil when there is none.
    func record(server: pid_t?) {
        let text = "\(getpid())\n" + (server.map { "\($0)\n" } ?? "")
        ftruncate(descriptor, 0)
        _ = text.utf8CString.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count - 1, 0) }
    }

    private static func read(_ descriptor: Int32) -> [pid_t] {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return [] }
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").compactMap { pid_t($0) }
    }
}
