#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The folder of one export. Files appear under their names only when they are whole and on disk, the manifest last: a
/// folder without one is not an export.
public struct ExportDirectory: Sendable {
    public let path: String

    /// Makes the folder, with the ones above it, unless it is there. Throws `ExchangeError` with `occupied` when it
    /// already holds an export.
    public init(path: String) throws {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        try Self.makeFolders(self.path)
        guard access(manifestPath, F_OK) != 0 else {
            throw ExchangeError(.occupied, "\(self.path) already holds an export; choose an empty folder")
        }
    }

    public var manifestPath: String { "\(path)/\(ExportManifest.fileName)" }

    /// Starts a file. `name` is one plain file name; a file of that name is replaced when the new one is finished.
    public func file(named name: String) throws -> ExportFile {
        guard Self.isPlain(name) else { throw ExchangeError(.file, "`\(name)` is no plain file name") }
        return try ExportFile(folder: path, name: name)
    }

    /// Writes the manifest and with it declares the export whole. Returns the manifest's path.
    public func seal(_ manifest: ExportManifest) throws -> String {
        let file = try ExportFile(folder: path, name: ExportManifest.fileName)
        try file.write(manifest.encode())
        _ = try file.finish(rows: 0)
        return manifestPath
    }

    /// Puts a superseding manifest beside those of an export. Returns its path.
    public static func supersede(_ path: String, with manifest: ExportManifest) throws -> String {
        let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let name = ExportManifest.fileName(number: manifest.number)
        let file = try ExportFile(folder: folder, name: name)
        try file.write(manifest.encode())
        _ = try file.finish(rows: 0)
        return "\(folder)/\(name)"
    }

    /// A name without folders, which no manifest can use to point outside.
    static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }

    private static func makeFolders(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw ExchangeError(.occupied, "\(path) is there, but is no folder")
            }
            return
        }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { try makeFolders(String(path[..<slash])) }
        if mkdir(path, 0o755) != 0, errno != EEXIST { throw FileFault.now("cannot make the folder \(path)") }
    }
}
