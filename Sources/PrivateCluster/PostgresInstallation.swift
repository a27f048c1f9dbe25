internal import FoundationEssentials
import Glibc

/// The server programs of one PostgreSQL version.
public struct PostgresInstallation: Sendable, Hashable {
    /// Absolute path of the folder with `initdb` and `postgres`.
    public let binaries: String
    /// Such as 15.
    public let major: Int

    /// The oldest major version that works: MERGE, libpq's pipeline mode and UNIQUE NULLS NOT DISTINCT.
    public static let majorMin = 15
    /// Environment variable that names the folder and wins over every other place.
    public static let environmentVariable = "PLIMSOLL_PG_BIN"

    /// The program's absolute path.
    public func path(_ program: String) -> String { binaries + "/" + program }

    /// Finds the programs: `$PLIMSOLL_PG_BIN`, `pg_config --bindir`, /usr/lib/postgresql/*/bin (highest version),
    /// then PATH. `major` asks for one version, that of an existing cluster. Runs the programs found, to ask for
    /// their versions: some milliseconds each, blocking.
    public static func locate(major wanted: Int? = nil) throws -> PostgresInstallation {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment[environmentVariable] {
            guard let found = PostgresInstallation(folder: folder) else {
                throw ClusterError(
                    .postgresNotFound, "$\(environmentVariable) is \(folder), which has no initdb and postgres")
            }
            return try accept([found], wanted)
        }
        var folders: [String] = []
        if let folder = output("pg_config --bindir 2>/dev/null") { folders.append(folder) }
        let root = "/usr/lib/postgresql"
        // Not there on systems that are not Debian: the other places remain.
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        folders += versions.compactMap { Int($0) }.sorted(by: >).map { "\(root)/\($0)/bin" }
        folders += (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        var seen: Set<String> = []
        return try accept(
            folders.filter { seen.insert($0).inserted }.compactMap { PostgresInstallation(folder: $0) }, wanted)
    }

    private static func accept(_ found: [PostgresInstallation], _ wanted: Int?) throws -> PostgresInstallation {
        guard !found.isEmpty else {
            throw ClusterError(
                .postgresNotFound,
                "no PostgreSQL server programs; install them (apt-get install postgresql) or set "
                    + "$\(environmentVariable) to the folder that has initdb; version \(majorMin) or later is needed")
        }
        guard let best = found.first(where: { $0.major >= majorMin && (wanted == nil || $0.major == wanted) }) else {
            let versions = found.map { "\($0.major) in \($0.binaries)" }.joined(separator: ", ")
            if let wanted, found.contains(where: { $0.major >= majorMin }) {
                throw ClusterError(.versionMismatch, "the cluster needs PostgreSQL \(wanted), found \(versions)")
            }
            throw ClusterError(.postgresTooOld, "PostgreSQL \(majorMin) or later is needed, found \(versions)")
        }
        return best
    }

    /// nil when the folder has no working server programs.
    init?(folder: String) {
        guard access(folder + "/initdb", X_OK) == 0, access(folder + "/postgres", X_OK) == 0 else { return nil }
        let quoted = "'" + folder.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        guard let text = Self.output(quoted + "/postgres' -V 2>/dev/null"), let major = Self.major(version: text)
        else { return nil }
        self.binaries = folder
        self.major = major
    }

    /// The major version in `postgres (PostgreSQL) 15.18 (Debian ...)` or `... 17beta1`.
    static func major(version text: String) -> Int? {
        guard let word = text.split(separator: " ").first(where: { $0.first?.isNumber == true }) else { return nil }
        return Int(word.prefix { $0.isNumber })
    }

    /// Standard output of a shell command without its last line break; nil when it fails.
    private static func output(_ command: String) -> String? {
        guard let stream = popen(command, "r") else { return nil }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&chunk, 1, chunk.count, stream)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        guard pclose(stream) == 0 else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}
