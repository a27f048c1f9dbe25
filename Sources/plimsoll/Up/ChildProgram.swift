import Foundation
import Synchronization

/// Another process of this executable that ends when we do: its standard input is a pipe that the kernel closes with
/// us.
final class ChildProgram: Sendable {
    private let process: Process
    private let input: FileHandle
    private let ended: AsyncStream<Int32>
    private let status = Mutex<Int32?>(nil)

    var processID: Int32 { process.processIdentifier }
    /// The exit code, or 128 plus the signal that ended it; nil while it runs.
    var exitCode: Int32? { status.withLock { $0 } }

    /// The program that runs now, for starting it again.
    static var executable: URL {
        // The link tells where we really are, whatever the first argument says.
        let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        return URL(filePath: path ?? CommandLine.arguments[0])
    }

    /// Starts it with its output appended to a file.
    init(_ arguments: [String], log: URL, environment: [String: String] = [:]) throws {
        let path = log.path(percentEncoded: false)
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        let output: FileHandle
        do {
            output = try FileHandle(forWritingTo: log)
            try output.seekToEnd()
        } catch {
            throw CommandFailure(.failed, "\(path) cannot be written: \(FileTrouble.reason(error))", cause: error)
        }
        let pipe = Pipe()
        input = pipe.fileHandleForWriting
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        ended = stream
        process = Process()
        process.executableURL = Self.executable
        process.arguments = arguments
        process.environment = Terminal.environment.merging(environment) { $1 }
        process.standardInput = pipe
        process.standardOutput = output
        process.standardError = output
        let process = self.process
        let note: @Sendable (Int32) -> Void = { [weak self] code in self?.status.withLock { $0 = code } }
        process.terminationHandler = { process in
            let code = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
            note(code)
            continuation.yield(code)
            continuation.finish()
        }
        do {
            try process.run()
        } catch {
            throw CommandFailure(
                .failed, "\(Self.executable.path) cannot be started: \(FileTrouble.reason(error))", cause: error)
        }
        // The child has its own copies now.
        try? pipe.fileHandleForReading.close()
        try? output.close()
    }

    func signal(_ number: Int32) {
        // Under the lock its end has not been noted, so the process id is not another program's.
        status.withLock { if $0 == nil { kill(process.processIdentifier, number) } }
    }

    /// Waits for its end; a cancelled task tells it to end and, after `grace`, kills it. Call once.
    func waitUntilEnd(grace: Duration) async -> Int32 {
        await withTaskCancellationHandler {
            // A cancelled task's streams end at once, so the wait is not the task's own.
            await Task { await self.end() }.value
        } onCancel: {
            self.signal(SIGTERM)
            DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(Int(grace.components.seconds))) {
                self.signal(SIGKILL)
            }
        }
    }

    private func end() async -> Int32 {
        for await code in ended { return code }
        return exitCode ?? -1
    }

    /// The last lines of a log, for a message that explains an end.
    static func tail(of log: URL, lines: Int = 12) -> String {
        // Without the log there is nothing to add to what is said already.
        guard let data = try? Data(contentsOf: log) else { return "" }
        return String(decoding: data.suffix(8_192), as: UTF8.self).split(separator: "\n").suffix(lines)
            .map { "  \($0)" }.joined(separator: "\n")
    }
}
