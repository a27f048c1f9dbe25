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
        let numbers = try numbers(in: directory)
        for number in numbers.dropFirst() { mismatches += try check(number, in: directory, after: manifest) }
        let known = Set(manifest.files.map(\.path) + numbers.map { fileName(number: $0) } + [".", ".."])
        for name in try names(in: directory) where !known.contains(name) {
            mismatches.append(Mismatch(path: name, message: "is not in the manifest"))
        }
        return mismatches
    }

    /// The newest manifest of an export, which says what of its files must be dropped. Throws `ExchangeError` when
    /// there is no readable one.
    public static func newest(in directory: String) throws -> ExportManifest {
        try ExportManifest(
            parsing: try readAll("\(directory)/\(fileName(number: try numbers(in: directory).last ?? 1))"))
    }

    /// What the next manifest of a folder supersedes.
    public static func newestFile(in directory: String) throws -> Superseded {
        let name = fileName(number: try numbers(in: directory).last ?? 1)
        return Superseded(path: name, sha256: try measure("\(directory)/\(name)").sha256)
    }

    /// The manifests in a folder, the first of them always: without it there is no export.
    private static func numbers(in directory: String) throws -> [Int] {
        let later = try names(in: directory).compactMap { name -> Int? in
            guard name.hasPrefix("manifest-"), name.hasSuffix(".json"),
                let number = Int(name.dropFirst("manifest-".count).dropLast(".json".count)), number > 1,
                name == fileName(number: number)
            else { return nil }
            return number
        }
        return [1] + later.sorted()
    }

    /// A superseding manifest is of the same export, and after the very manifest that it names.
    private static func check(
        _ number: Int, in directory: String, after first: ExportManifest
    ) throws -> [Mismatch] {
        let name = fileName(number: number)
        let later: ExportManifest
        do {
            later = try ExportManifest(parsing: try readAll("\(directory)/\(name)"))
        } catch {
            return [Mismatch(path: name, message: "\(error)")]
        }
        guard later.number == number, later.pseudonymKeyID == first.pseudonymKeyID, later.files == first.files,
            let earlier = later.supersedes
        else { return [Mismatch(path: name, message: "is of another export")] }
        guard ExportDirectory.isPlain(earlier.path),
            let hash = try? measure("\(directory)/\(earlier.path)").sha256, hash == earlier.sha256
        else { return [Mismatch(path: name, message: "is not written after the \(earlier.path) that is here")] }
        return []
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
