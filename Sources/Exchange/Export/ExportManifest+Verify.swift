import Crypto

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ExportManifest {
    /// One thing in a folder that is not as its manifest says.
    public struct Mismatch: Sendable, Hashable, CustomStringConvertible {
        /// The file's name.
        public let path: String
        public let message: String

        public var description: String { "\(path): \(message)" }
    }

    /// Compares every file of an export with its manifest and looks for files that it does not name.
    ///
    /// Empty means that all is as it was sealed. Reads each file once, in bounded memory. Throws `ExchangeError` when
    /// there is no readable manifest.
    public static func verify(directory: String) throws -> [Mismatch] {
        let manifest = try ExportManifest(parsing: try readAll("\(directory)/\(fileName)"))
        var mismatches: [Mismatch] = []
        for file in manifest.files {
            guard ExportDirectory.isPlain(file.path) else {
                mismatches.append(Mismatch(path: file.path, message: "is no plain file name"))
                continue
            }
            do {
                let (bytes, sha256) = try measure("\(directory)/\(file.path)")
                if bytes != file.bytes {
                    mismatches.append(
                        Mismatch(path: file.path, message: "has \(bytes) bytes instead of \(file.bytes)"))
                } else if sha256 != file.sha256 {
                    mismatches.append(Mismatch(path: file.path, message: "has other contents than were sealed"))
                }
            } catch {
                mismatches.append(Mismatch(path: file.path, message: "\(error)"))
            }
        }
        let known = Set(manifest.files.map(\.path) + [fileName, ".", ".."])
        for name in try names(in: directory) where !known.contains(name) {
            mismatches.append(Mismatch(path: name, message: "is not in the manifest"))
        }
        return mismatches
    }

    private static func readAll(_ path: String) throws -> [UInt8] {
        let source = try FileSource(path: path)
        var bytes: [UInt8] = []
        while let chunk = try source.read() { bytes += chunk }
        return bytes
    }

    private static func measure(_ path: String) throws -> (bytes: Int, sha256: String) {
        let source = try FileSource(path: path)
        var hash = SHA256()
        var bytes = 0
        while let chunk = try source.read() {
            bytes += chunk.count
            chunk.withUnsafeBytes { hash.update(bufferPointer: $0) }
        }
        return (bytes, HexText.of(hash.finalize()))
    }

    private static func names(in directory: String) throws -> [String] {
        guard let handle = opendir(directory) else { throw FileFault.now("cannot list \(directory)") }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: name.pointee)) {
                        String(cString: $0)
                    }
                })
        }
        return names.sorted()
    }
}
