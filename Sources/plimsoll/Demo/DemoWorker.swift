import Foundation
import Identity
import Synchronization

/// One made-up engineer's worker process, started again whenever it dies.
final class DemoWorker: Sendable {
    let engineer: String
    private let arguments: [String]
    private let folder: DemoFolder
    private let current = Mutex<ChildProgram?>(nil)

    private static let restartAfter = Duration.milliseconds(500)
    private static let grace = Duration.seconds(10)

    init(engineer: String, identity: IdentityFiles, servers: String, folder: DemoFolder) {
        self.engineer = engineer
        self.folder = folder
        let answer = [
            ChildProgram.executable.path(percentEncoded: false), "demo-answer", "--engineer", engineer, "--folder",
            folder.directory.path,
        ]
        arguments = [
            "demo-work", "--server", servers, "--identity", identity.directory.path(percentEncoded: false), "--exec",
            answer.map { "'" + $0.replacingOccurrences(of: "'", with: "'\\''") + "'" }.joined(separator: " "),
        ]
    }

    func signal(_ number: Int32) { current.withLock { $0 }?.signal(number) }

    /// Works until cancelled; then the worker finishes what it holds.
    func run() async throws {
        while !Task.isCancelled {
            let child = try ChildProgram(arguments, log: folder.workerLog(engineer))
            current.withLock { $0 = child }
            try TextFile.write("\(child.processID)\n", to: folder.workerProcess(engineer))
            _ = await child.waitUntilEnd(grace: Self.grace)
            // Cancelled while it waits: the loop ends.
            guard (try? await Task.sleep(for: Self.restartAfter)) != nil else { return }
        }
    }
}
