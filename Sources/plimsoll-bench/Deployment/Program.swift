import Foundation
import Synchronization

/// A program that runs to its end, or until it is told to end; never longer than this process.
final class Program: Sendable {
    private let process: Process
    private let input: FileHandle
    private let ended: AsyncStream<Int32>
    private let status = Mutex<Int32?>(nil)

    var processID: Int32 { process.processIdentifier }
    var isRunning: Bool { status.withLock { $0 == nil } }

    /// Starts it with its output appended to a file and a pipe on standard input, which closes with this process.
    init(
        _ path: String, _ arguments: [String], output: URL, directory: URL? = nil, environment: [String: String] = [:]
    ) throws {
        if !FileManager.default.fileExists(atPath: output.path) {
            _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        }
        let file = try FileHandle(forWritingTo: output)
        try file.seekToEnd()
        let pipe = Pipe()
        input = pipe.fileHandleForWriting
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        ended = stream
        process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.currentDirectoryURL = directory
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = pipe
        process.standardOutput = file
        process.standardError = file
        let note: @Sendable (Int32) -> Void = { [weak self] code in self?.status.withLock { $0 = code } }
        process.terminationHandler = { process in
            note(process.terminationStatus)
            continuation.yield(process.terminationStatus)
            continuation.finish()
        }
        // A child inherits the signal mask, and the threads of the pool block everything: pgbench would miss its alarm.
        var none = sigset_t()
        var before = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        do {
            try process.run()
        } catch {
            throw BenchError(.program, "\(path) cannot be started: \(error.localizedDescription)")
        }
        // The child has its own copies now.
        try? pipe.fileHandleForReading.close()
        try? file.close()
    }

    /// Writes a line to its standard input.
    func say(_ line: String) throws { try input.write(contentsOf: Data((line + "\n").utf8)) }

    func signal(_ number: Int32) {
        // Under the lock its end has not been noted, so the process id is not another program's.
        status.withLock { if $0 == nil { kill(process.processIdentifier, number) } }
    }

    /// Waits for its end; cancelling ends it. Call once.
    func wait() async -> Int32 {
        await withTaskCancellationHandler {
            // A cancelled task's streams end at once, so the wait is not the task's own.
            await Task { await self.end() }.value
        } onCancel: {
            self.signal(SIGTERM)
        }
    }

    private func end() async -> Int32 {
        for await code in ended { return code }
        return status.withLock { $0 } ?? -1
    }

    /// Closes its input, asks it to end, and kills it after `grace`.
    func stop(grace: Duration = .seconds(20)) async {
        try? input.close()  // closed already when it has ended
        signal(SIGTERM)
        let deadline = Moment.now + grace.nanoseconds
        while isRunning {
            if Moment.now > deadline { signal(SIGKILL) }
            // Also in a cancelled task the program must be gone before we go on.
            if (try? await Task.sleep(for: .milliseconds(20))) == nil { await Task.yield() }
        }
    }

    /// Runs a program to its end and gives what it wrote. Throws `program` with the end of that when it fails.
    @discardableResult
    static func run(
        _ path: String, _ arguments: [String], in directory: URL, environment: [String: String] = [:]
    ) async throws -> String {
        let output = directory.appending(path: "output-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let program = try Program(path, arguments, output: output, environment: environment)
        try? program.input.close()  // nothing is said
        let code = await program.wait()
        try Task.checkCancellation()
        let text = String(decoding: (try? Data(contentsOf: output)) ?? Data(), as: UTF8.self)
        guard code == 0 else {
            let name = URL(filePath: path).lastPathComponent
            throw BenchError(.program, "\(name) ended with \(code): \(text.suffix(800))")
        }
        return text
    }

    /// Resident memory of a process in bytes; nil when it is gone.
    static func residentBytes(of processID: Int32) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return kilobytes * 1024
    }

    /// Processor time that a process has used, in seconds; nil when it is gone.
    static func processorSeconds(of processID: Int32) -> Double? {
        guard let text = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
