#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file that is read from front to back in chunks; closed when the last reference goes.
public final class FileSource: Sendable {
    private let descriptor: Int32
    private let path: String
    private let isOwned: Bool
    /// The size when it was opened, for a progress bar; nil for what is no regular file.
    public let bytesTotal: Int?

    /// Opens `path`; `-` is standard input. Throws `ExchangeError`.
    public init(path: String) throws {
        self.path = path
        isOwned = path != "-"
        descriptor = isOwned ? open(path, O_RDONLY | O_CLOEXEC) : 0
        guard descriptor >= 0 else { throw FileFault.now("cannot open \(path)") }
        var status = stat()
        let isKnown = fstat(descriptor, &status) == 0
        if isKnown, status.st_mode & S_IFMT == S_IFDIR {
            if isOwned { close(descriptor) }
            throw ExchangeError(.file, "cannot read \(path): it is a directory")
        }
        bytesTotal = isKnown && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// The next bytes, at most 1 MiB; nil at the end. Blocks for as long as the disk or the pipe does.
    public func read() throws -> [UInt8]? {
        let chunk = try [UInt8](unsafeUninitializedCapacity: TaskReader.chunkBytes) { buffer, count in
            count = 0
            while true {
                let got = readBytes(descriptor, buffer.baseAddress, buffer.count)
                if got >= 0 {
                    count = got
                    return
                }
                if errno != EINTR { throw FileFault.now("cannot read \(path)") }
            }
        }
        return chunk.isEmpty ? nil : chunk
    }
}

/// The C function, which the method of the same name hides.
private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

enum FileFault {
    /// What the operating system said last.
    static func now(_ what: String) -> ExchangeError {
        let number = errno
        return ExchangeError(number == ENOENT ? .missing : .file, "\(what): \(String(cString: strerror(number)))")
    }
}
