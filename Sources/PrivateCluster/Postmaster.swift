internal import FoundationEssentials
import Glibc

/// What the files and the kernel say about servers of one data directory.
enum Postmaster {
    /// postmaster.pid: process id on line 1, state on line 8 (pidfile.h).
    struct PIDFile {
        let processID: pid_t
        let isReady: Bool
    }

    static func pidFile(_ data: String) -> PIDFile? {
        // Missing or unreadable means the same: no server has this directory.
        guard let text = try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, let processID = pid_t(first.filter { $0 != "-" }), processID > 0 else {
            return nil
        }
        let state = lines.count >= 8 ? lines[7].prefix { $0 != " " } : ""
        return PIDFile(processID: processID, isReady: state == "ready")
    }

    /// True when `processID` lives and is a PostgreSQL process of this directory: every one of them has the data
    /// directory as its working directory. A process id that was given to another program is not.
    static func isServer(_ processID: pid_t, of data: String) -> Bool {
        guard kill(processID, 0) == 0 || errno == EPERM else { return false }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/\(processID)/cwd", &buffer, buffer.count)
        guard count > 0 else { return false }
        let folder = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return folder == resolved(data) && commandLine(processID).contains("postgres")
    }

    /// All PostgreSQL processes of this directory, orphaned backends of a killed server included.
    static func servers(of data: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { isServer($0, of: data) }
    }

    private static func commandLine(_ processID: pid_t) -> String {
        // A process that ended meanwhile has no command line.
        guard let file = fopen("/proc/\(processID)/cmdline", "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }
}
