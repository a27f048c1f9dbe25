import Crypto

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One file of an export while it is written, hashed on the way. Unless it is finished, it is gone with its last
/// reference and leaves nothing behind.
public final class ExportFile {
    private let folder: String
    private let name: String
    private var descriptor: Int32
    private var hash = SHA256()
    private var pending: [UInt8] = []

    /// Bytes given to `write` so far.
    public private(set) var bytes = 0

    /// Bytes that are collected before they go to the operating system.
    private static let pendingMax = 262_144

    init(folder: String, name: String) throws {
        self.folder = folder
        self.name = name
        descriptor = open("\(folder)/.\(name).partial", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileFault.now("cannot write \(folder)/\(name)") }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(partialPath)
    }

    private var partialPath: String { "\(folder)/.\(name).partial" }

    /// Appends bytes. Blocks for as long as the disk does.
    public func write(_ chunk: [UInt8]) throws {
        bytes += chunk.count
        pending.append(contentsOf: chunk)
        if pending.count >= Self.pendingMax { try flush() }
    }

    /// Puts the file on disk under its name and returns what the manifest says of it.
    ///
    /// - Parameter rows: labels in the file.
    public func finish(rows: Int) throws -> ExportManifest.File {
        try flush()
        guard fsync(descriptor) == 0 else { throw FileFault.now("cannot put \(folder)/\(name) on disk") }
        guard rename(partialPath, "\(folder)/\(name)") == 0 else {
            throw FileFault.now("cannot name \(folder)/\(name)")
        }
        close(descriptor)
        descriptor = -1
        // The name itself is only durable once the folder is on disk too.
        let directory = open(folder, O_RDONLY | O_CLOEXEC)
        guard directory >= 0 else { throw FileFault.now("cannot open \(folder)") }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw FileFault.now("cannot put \(folder) on disk") }
        return ExportManifest.File(path: name, sha256: HexText.of(hash.finalize()), bytes: bytes, rows: rows)
    }

    private func flush() throws {
        var start = 0
        while start < pending.count {
            let written = pending.withUnsafeBytes { buffer in
                writeBytes(descriptor, buffer.baseAddress?.advanced(by: start), buffer.count - start)
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw FileFault.now("cannot write \(folder)/\(name)")
            }
            start += written
        }
        pending.withUnsafeBytes { hash.update(bufferPointer: $0) }
        pending.removeAll(keepingCapacity: true)
    }
}

/// The C function, which the method of the same name hides.
private func writeBytes(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, buffer, count)
}

enum HexText {
    static func of(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
