import Foundation
import TestSupport
import Testing

/// What only some machines let a test do. A test that needs it names it as a trait, so that it is reported as skipped,
/// with the reason, where it cannot run.
enum Machine {
    /// Runs a program under another clock.
    static let faketime = ["/usr/bin/faketime", "/usr/local/bin/faketime"].map { URL(filePath: $0) }
        .first { FileManager.default.isExecutableFile(atPath: $0.plain) }

    private static let unshare = URL(filePath: "/usr/bin/unshare")

    /// Whether this process may mount, for itself and in a world of its own.
    static func mayMount() async throws -> Bool {
        guard FileManager.default.isExecutableFile(atPath: unshare.plain) else { return false }
        return try await run(unshare, ["-m", "true"]).code == 0
    }

    /// Runs a program to its end.
    static func run(_ executable: URL, _ arguments: [String], within budget: Duration = .seconds(20)) async throws
        -> Finished
    {
        let program = try Program(executable, arguments, log: TestFolder.make("machine"))
        try program.closeInput()
        let code = await program.end(within: budget)
        if code == nil { await program.destroy() }
        let result = Finished(
            command: ([executable.plain] + arguments).joined(separator: " "), code: code ?? -1,
            output: program.outputText, errors: program.errorText)
        for file in [program.output, program.errors] { try FileManager.default.removeItem(at: file) }
        return result
    }

    /// Runs `body` with a file system in memory mounted on a folder, which is made; unmounted afterwards, whatever
    /// still uses it.
    static func withSmallDisk<R: Sendable>(
        _ folder: URL, _ options: String, _ body: () async throws -> R
    ) async throws -> R {
        try await mount(folder, options)
        let result: Result<R, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        try await unmount(folder)
        return try result.get()
    }

    static func mount(_ folder: URL, _ options: String) async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let mount = try await run(
            URL(filePath: "/bin/mount"), ["-t", "tmpfs", "-o", options, "tmpfs", folder.plain])
        guard mount.code == 0 else { throw SystemFailure("\(mount)") }
    }

    static func unmount(_ folder: URL) async throws {
        let unmount = try await run(URL(filePath: "/bin/umount"), ["-l", folder.plain])
        #expect(unmount.code == 0, "\(unmount)")
    }
}

extension Trait where Self == ConditionTrait {
    /// Only where this process may mount file systems.
    static var needsMounting: Self {
        .enabled("mounting a file system needs root and the right to mount") { try await Machine.mayMount() }
    }

    /// Only where the labels of a recorded crowd are.
    static var needsRecordedLabels: Self {
        .enabled(
            if: Products.recordedLabels != nil,
            "no recorded labels: name the file rte.tsv in PLIMSOLL_REPLAY, or run Deploy/replay FILE")
    }

    /// Only where `faketime` is installed.
    static var needsFaketime: Self {
        .enabled(if: Machine.faketime != nil, "faketime is not installed (apt-get install faketime)")
    }
}
