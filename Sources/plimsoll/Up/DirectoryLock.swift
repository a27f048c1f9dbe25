import Foundation

/// The right of one `plimsoll up` to a folder. The kernel gives it back when the process ends in any way.
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Makes the folder where it is missing and takes the lock. Throws, naming the process that has it.
    init(_ directory: DataDirectory) throws {
        do {
            // Others may pass through, since as root the database runs as another user; secrets lie in folders of 0700.
            try FileManager.default.createDirectory(
                at: directory.url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
        } catch {
            throw CommandFailure(
                .failed, "the data folder \(directory.path) cannot be made: \(FileTrouble.reason(error))",
                next: "choose another one with --data DIR", cause: error)
        }
        let path = directory.lockFile.path(percentEncoded: false)
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else {
            throw CommandFailure(
                .failed, "the data folder \(directory.path) is not writable: \(String(cString: strerror(errno)))",
                next: "choose another one with --data DIR")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.read(file)
            close(file)
            throw CommandFailure(
                .conflict, "plimsoll up runs in \(directory.path) already\(holder.map { ", as process \($0)" } ?? "")",
                next: "use it, end it with Ctrl-C there\(holder.map { " or `kill \($0)`" } ?? ""), "
                    + "or choose another folder with --data DIR")
        }
        descriptor = file
        let text = "\(getpid())\n"
        ftruncate(file, 0)
        let written = text.withCString { pwrite(file, $0, strlen($0), 0) }
        guard written == text.utf8.count else {
            throw CommandFailure(
                .failed, "the data folder \(directory.path) cannot be written: \(String(cString: strerror(errno)))",
                next: "make room on the disk, or choose another folder with --data DIR")
        }
    }

    deinit { close(descriptor) }

    private static func read(_ file: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes[..<count], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }
}

/// How much room there is for a deployment.
enum DiskSpace {
    /// A new cluster takes about 60 MB, and PostgreSQL ends when its log cannot grow.
    static let bytesMin = 256 * 1_048_576

    static func check(_ directory: DataDirectory) throws {
        var status = statvfs()
        guard statvfs(directory.path, &status) == 0 else { return }
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        guard free >= bytesMin else {
            throw CommandFailure(
                .failed,
                "only \(ProgressPicture.size(free)) are free where \(directory.path) is, "
                    + "\(ProgressPicture.size(bytesMin)) are needed",
                next: "make room, or choose another folder with --data DIR")
        }
    }
}
