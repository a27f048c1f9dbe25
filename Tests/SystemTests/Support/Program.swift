import Foundation
import Synchronization

/// A process that a test started: its standard input is a pipe that the kernel closes with us, its output goes to
/// files.
final class Program: Sendable {
    let name: String
    let output: URL
    let errors: URL
    private let process: Process
    private let input: FileHandle
    private let status = Mutex<Int32?>(nil)

    /// `log`: the files are this with `.out` and `.err`, appended to. `terminal`: the one that it has for everything
    /// instead, which stays the caller's to close; nil: none.
    init(
        _ executable: URL, _ arguments: [String], log: URL, environment: [String: String] = [:],
        terminal: FileHandle? = nil
    ) throws {
        name = "\(executable.lastPathComponent) \(arguments.first ?? "")"
        output = log.appendingPathExtension("out")
        errors = log.appendingPathExtension("err")
        let pipe = Pipe()
        input = pipe.fileHandleForWriting
        process = Process()
        process.executableURL = executable
        process.arguments = arguments
        // Nothing of the person's own settings may reach what is tested.
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PLIMSOLL_") }
        variables.merge(environment) { $1 }
        process.environment = variables
        let (out, err) = (try Self.open(output), try Self.open(errors))
        process.standardInput = pipe
        process.standardOutput = out
        process.standardError = err
        if let terminal {
            process.standardInput = terminal
            process.standardOutput = terminal
            process.standardError = terminal
        }
        process.terminationHandler = { [weak self] process in
            let code = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
            self?.status.withLock { $0 = code }
        }
        try process.run()
        // The child has its own copies now.
        try pipe.fileHandleForReading.close()
        try out.close()
        try err.close()
        Self.started.withLock { started in
            started.removeAll { $0.exitCode != nil }
            started.append(self)
        }
    }

    private static func open(_ file: URL) throws -> FileHandle {
        if !FileManager.default.fileExists(atPath: file.plain) {
            _ = FileManager.default.createFile(atPath: file.plain, contents: nil)
        }
        let handle = try FileHandle(forWritingTo: file)
        try handle.seekToEnd()
        return handle
    }

    var processID: Int32 { process.processIdentifier }

    /// The exit code, or 128 plus the signal that ended it; nil while it runs.
    var exitCode: Int32? { status.withLock { $0 } }

    func signal(_ number: Int32) {
        // Under the lock its end has not been noted, so the process id is not another program's.
        status.withLock { if $0 == nil { kill(process.processIdentifier, number) } }
    }

    func closeInput() throws { try input.close() }

    /// The exit code; nil when it did not end within `budget`.
    @discardableResult
    func end(within budget: Duration = .seconds(20)) async -> Int32? {
        let clock = ContinuousClock()
        let deadline = clock.now + budget
        while exitCode == nil, clock.now < deadline {
            // A cancelled test still waits for its processes.
            do { try await Task.sleep(for: .milliseconds(5)) } catch { await Task.yield() }
        }
        return exitCode
    }

    /// Ends it for good, frozen or not.
    func destroy() async {
        signal(SIGKILL)
        await end()
    }

    var outputText: String { Self.text(output) }
    var errorText: String { Self.text(errors) }

    private static func text(_ file: URL) -> String {
        // A file that is gone has nothing to say.
        (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    // MARK: - What is left when the test process ends early

    private static let started: Mutex<[Program]> = {
        // Input that closes ends most of them by itself; a frozen one is only ended by a kill.
        atexit { Program.killAll() }
        return Mutex([])
    }()

    private static func killAll() {
        for program in started.withLock({ $0 }) { program.signal(SIGKILL) }
    }
}

/// What a command that has ended said.
struct Finished: CustomStringConvertible {
    let command: String
    let code: Int32
    let output: String
    let errors: String

    var description: String { "`\(command)` ended with \(code)\n\(output)\(errors)" }
}

/// Something that a test needs did not work.
struct SystemFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
