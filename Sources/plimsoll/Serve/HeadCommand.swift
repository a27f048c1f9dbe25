import Coordinator
import Foundation
import PlimsollModel
import Synchronization

/// A program that is given each signed head as one line of JSON on its standard input, and has kept it when it ends
/// with exit code 0: one that sends it to another machine, prints it, tells a works council.
struct HeadCommand: HeadPlace {
    /// The program and its arguments; no shell in between.
    let words: [String]

    /// How long it may take for one head.
    private static let timeMax = Duration.seconds(30)

    /// A program that ends without reading must be an error of a write, not the end of this process.
    private static let ignoresBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

    var name: String { "head command \(words[0])" }

    /// It keeps no count of its own that we could ask for.
    func last() async throws -> Int64? { nil }

    func keep(_ head: SignedHead) async throws {
        _ = Self.ignoresBrokenPipes
        let process = Process()
        // Found along the path, unless it is one itself.
        process.executableURL = URL(filePath: words[0].contains("/") ? words[0] : "/usr/bin/env")
        process.arguments = words[0].contains("/") ? Array(words.dropFirst()) : words
        let input = Pipe()
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        let ended = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = { process in
            let code = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
            ended.continuation.yield(code)
            ended.continuation.finish()
        }
        do {
            try process.run()
        } catch {
            throw CommandFailure(.failed, "\(words[0]) cannot be started: \(FileTrouble.reason(error))", cause: error)
        }
        // A line is shorter than a pipe, so writing it does not wait for a program that does not read.
        try? input.fileHandleForReading.close()
        let written = Result { try input.fileHandleForWriting.write(contentsOf: Data(head.json.encode() + [10])) }
        try? input.fileHandleForWriting.close()
        let id = process.processIdentifier
        let code = await withTaskGroup(of: Int32?.self) { group in
            group.addTask {
                for await code in ended.stream { return code }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: Self.timeMax)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        guard let code else {
            kill(id, SIGKILL)
            try Task.checkCancellation()
            throw CommandFailure(.failed, "\(words[0]) did not end within \(Self.timeMax)")
        }
        guard code == 0 else { throw CommandFailure(.failed, "\(words[0]) ended with exit code \(code)") }
        try written.get()
    }
}
