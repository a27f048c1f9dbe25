import Foundation

/// Python packages that tests try our formats with.
enum PythonEnvironment {
    private static let env = URL(filePath: "/usr/bin/env")

    /// The interpreter of an environment with the packages, kept between runs. Throws where pip cannot get them: a
    /// protocol that no stock client has tried is not tested.
    static func make(_ packages: [String]) async throws -> URL {
        let cache = FileManager.default.urls(for: .cachesDirectory, in: .userDomainMask).first
        let folder = (cache ?? FileManager.default.temporaryDirectory)
            .appending(path: "plimsoll-tests/python-" + packages.joined(separator: "-"))
        let python = folder.appending(path: "bin/python")
        let ready = folder.appending(path: "ready")
        if FileManager.default.fileExists(atPath: ready.plain) { return python }
        progress("python: making an environment in \(folder.plain)")
        try FileManager.default.createDirectory(
            at: folder.deletingLastPathComponent(), withIntermediateDirectories: true)
        for words in [
            ["python3", "-m", "venv", "--clear", folder.plain],
            [python.plain, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"] + packages,
        ] {
            let result = try await Machine.run(env, words, within: .seconds(300))
            guard result.code == 0 else {
                throw SystemFailure(
                    "the Python packages \(packages) cannot be had; see that pip reaches a package index, or leave "
                        + "the tests out that need them\n\(result)")
            }
        }
        try Data().write(to: ready)
        return python
    }
}
