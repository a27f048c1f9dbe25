import Foundation

/// The committed files that the benchmark uses, found from where the program lies or where it is run.
enum Repository {
    private static let mark = "Deploy/policy/bench.yaml"

    /// A file by its path in the repository. Throws `missing` where there is none.
    static func file(_ path: String) throws -> URL {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/"
        for start in [URL(filePath: program), URL(filePath: FileManager.default.currentDirectoryPath)] {
            var folder = start.standardizedFileURL
            while folder.path != "/" {
                if FileManager.default.fileExists(atPath: folder.appending(path: mark).path) {
                    return folder.appending(path: path)
                }
                folder.deleteLastPathComponent()
            }
        }
        throw BenchError(.missing, "\(path) was not found; run plimsoll-bench inside the repository")
    }

    static func text(_ path: String) throws -> String { try String(contentsOf: file(path), encoding: .utf8) }

    /// The `plimsoll` that was built beside this program.
    static func plimsoll() throws -> URL {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/"
        let path = URL(filePath: program).deletingLastPathComponent().appending(path: "plimsoll")
        guard FileManager.default.isExecutableFile(atPath: path.path) else {
            throw BenchError(
                .missing, "\(path.path) is not there; build it first: swift build -c release --product plimsoll")
        }
        return path
    }
}
