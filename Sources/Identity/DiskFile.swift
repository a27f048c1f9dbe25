import FoundationEssentials

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Small text files that are either there whole or not at all, and secrets that only their owner can read.
///
/// Plain system calls, because the order matters: mode at creation, sync before the name, the directory after it.
enum DiskFile {
    /// Who may read a file.
    enum Mode {
        /// The owner alone, 0600.
        case secret
        /// Everybody, 0644.
        case open

        var bits: mode_t { self == .secret ? 0o600 : 0o644 }
    }

    /// The longest file that is read; keys, certificates and bundles stay far below.
    static let fileBytesMax = 256 * 1024

    static func exists(_ file: URL) -> Bool {
        var status = stat()
        return lstat(file.path, &status) == 0
    }

    /// Writes a new file; throws `fileExists` instead of replacing one, also when two processes try at once.
    static func create(_ file: URL, contents: String, mode: Mode) throws(IdentityError) {
        let draft = try writeDraft(beside: file, contents: contents, mode: mode)
        // A link fails where the name is taken; a rename would replace what is there.
        guard link(draft, file.path) == 0 else {
            let code = errno
            unlink(draft)
            guard code != EEXIST else {
                throw IdentityError(.fileExists, "\(file.path) exists and is not overwritten; remove it or use another")
            }
            throw failure("cannot write \(file.path)", code)
        }
        unlink(draft)
        try syncDirectory(of: file)
    }

    /// Writes a file in place of another of that name, if any; a reader sees the old or the new one, never a part.
    static func replace(_ file: URL, contents: String, mode: Mode) throws(IdentityError) {
        let draft = try writeDraft(beside: file, contents: contents, mode: mode)
        guard rename(draft, file.path) == 0 else {
            let code = errno
            unlink(draft)
            throw failure("cannot replace \(file.path)", code)
        }
        try syncDirectory(of: file)
    }

    /// Gives a file its final name, in place of what has it.
    static func move(_ file: URL, to target: URL) throws(IdentityError) {
        guard rename(file.path, target.path) == 0 else { throw failure("cannot replace \(target.path)", errno) }
        try syncDirectory(of: target)
    }

    /// Reads a file that anybody may see. Throws `fileMissing`, `fileFailed`, `unreadable` when too long or no UTF-8.
    static func read(_ file: URL) throws(IdentityError) -> String {
        try read(file, secret: false)
    }

    /// Reads a secret; throws `fileUnsafe` where group or others may touch it. The open file is looked at rather than
    /// its name, so it cannot be exchanged in between.
    static func readSecret(_ file: URL) throws(IdentityError) -> String {
        try read(file, secret: true)
    }

    /// Makes a directory with mode 0700, parents included; leaves one that exists as it is.
    static func makePrivateDirectory(_ directory: URL) throws(IdentityError) {
        try IdentityError.wrapping(.fileFailed, "cannot make the directory \(directory.path)") {
            try FileManager.default.createDirectory(
                at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
    }

    /// Runs `body` while no other process runs one for this directory.
    static func locked<Value>(
        _ directory: URL, _ body: () throws(IdentityError) -> Value
    ) throws(IdentityError) -> Value {
        let descriptor = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot open the directory \(directory.path)", errno) }
        // Closing gives the lock back.
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure("cannot lock the directory \(directory.path)", errno) }
        }
        return try body()
    }

    // MARK: - Steps

    private static func read(_ file: URL, secret: Bool) throws(IdentityError) -> String {
        let descriptor = open(file.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            guard code != ENOENT else { throw IdentityError(.fileMissing, "\(file.path) does not exist") }
            throw failure("cannot read \(file.path)", code)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("cannot read \(file.path)", errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw IdentityError(.fileFailed, "\(file.path) is not a regular file")
        }
        guard !secret || status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw IdentityError(
                .fileUnsafe,
                "\(file.path) holds a private key and others than its owner may touch it (mode \(mode)); "
                    + "run: chmod 600 '\(file.path)'")
        }
        guard status.st_size <= fileBytesMax else {
            throw IdentityError(.unreadable, "\(file.path) is longer than \(fileBytesMax) bytes")
        }
        let bytes = try readAll(descriptor, named: file.path)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw IdentityError(.unreadable, "\(file.path) is not text")
        }
        return text
    }

    private static func readAll(_ descriptor: CInt, named path: String) throws(IdentityError) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = block.withUnsafeMutableBytes { readBlock(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0 {
                guard errno == EINTR else { throw failure("cannot read \(path)", errno) }
                continue
            }
            bytes.append(contentsOf: block[..<count])
            // The file may have grown since it was measured.
            guard bytes.count <= fileBytesMax else {
                throw IdentityError(.unreadable, "\(path) is longer than \(fileBytesMax) bytes")
            }
        }
    }

    /// Writes and syncs a file under a name that nobody else uses; gives its path.
    private static func writeDraft(
        beside file: URL, contents: String, mode: Mode
    ) throws(IdentityError) -> String {
        let draft = file.path + ".draft-\(UUID().uuidString.lowercased())"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode.bits)
        guard descriptor >= 0 else { throw failure("cannot write beside \(file.path)", errno) }
        defer { close(descriptor) }
        // The process's umask may have taken bits away; a key must still be readable by its owner.
        guard fchmod(descriptor, mode.bits) == 0, writeAll(Array(contents.utf8), to: descriptor),
            fsync(descriptor) == 0
        else {
            let code = errno
            unlink(draft)
            throw failure("cannot write \(file.path)", code)
        }
        return draft
    }

    /// False with `errno` set when the system refuses.
    private static func writeAll(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                guard errno == EINTR else { return false }
                continue
            }
            written += count
        }
        return true
    }

    /// A name is durable only after its directory is.
    private static func syncDirectory(of file: URL) throws(IdentityError) {
        let path = file.deletingLastPathComponent().path
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot open the directory \(path)", errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("cannot sync the directory \(path)", errno) }
    }

    private static func failure(_ what: String, _ code: CInt) -> IdentityError {
        IdentityError(.fileFailed, "\(what): \(String(cString: strerror(code)))")
    }
}

/// The system's `read`, which inside `DiskFile` is hidden by functions of that name.
private func readBlock(_ descriptor: CInt, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
