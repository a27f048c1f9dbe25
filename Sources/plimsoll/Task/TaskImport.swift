import Exchange
import Foundation
import GRPCCore
import PlimsollProtocol
import SwiftProtobuf
import Synchronization

/// Sends the tasks of a file to a coordinator, all or nothing.
struct TaskImport: Sendable {
    let project: String
    let format: TaskFormat
    let source: FileSource
    /// What the import is called in the ledger: the file's name.
    let name: String
    let dryRun: Bool

    /// Payload bytes of one message; with the rest of its fields it stays below the coordinator's limit of 4 MiB.
    static let messagePayloadBytesMax = 1_048_576

    struct Outcome: Sendable {
        let response: Plimsoll_V1_ImportTasksResponse
        let read: Int
        let remarks: [String]
    }

    init(path: String, format: TaskFormat?, project: String, dryRun: Bool) throws {
        guard let format = format ?? TaskFormat.guess(from: path) else {
            throw CommandFailure(
                .wrongUse, "the name \(path) does not tell the format", next: "add --format jsonl, csv or labelstudio")
        }
        self.project = project
        self.format = format
        self.dryRun = dryRun
        do {
            source = try FileSource(path: path)
        } catch let error as ExchangeError where error.code == .missing {
            throw CommandFailure(.notFound, error.message, next: TextFile.lookAt(path), cause: error)
        }
        name = path == "-" ? "standard input" : URL(filePath: path).lastPathComponent
    }

    /// Reads, checks and sends; `progress` is told how many bytes of the file are through.
    func run(_ client: ControlClient, progress: Progress?) async throws -> Outcome {
        // What the producer found out stays here: the call itself then only fails as cancelled.
        let found = Mutex<Found>(Found())
        let call = self
        do {
            let response = try await client.control.importTasks { writer in
                try await call.send(to: writer, found: found, progress: progress)
            }
            if let failure = found.withLock({ $0.failure }) { throw failure }
            let state = found.withLock { $0 }
            return Outcome(response: response, read: state.read, remarks: state.remarks)
        } catch {
            throw found.withLock { $0.failure } ?? error
        }
    }

    private struct Found: Sendable {
        var failure: CommandFailure?
        var read = 0
        var remarks: [String] = []
    }

    private func send(
        to writer: RPCWriter<Plimsoll_V1_ImportTasksRequest>, found: borrowing Mutex<Found>, progress: Progress?
    ) async throws {
        try await writer.write(
            .with {
                $0.header = .with {
                    $0.project = project
                    $0.dryRun = dryRun
                    $0.source = name
                }
            })
        var limits = ImportLimits.defaults
        limits.batchBytesMax = Self.messagePayloadBytesMax
        let source = self.source
        var reader = TaskReader(format: format, limits: limits) { try source.read() }
        do {
            while let batch = try await reader.next() {
                progress?.update(done: reader.bytesRead)
                // A file with a problem imports nothing, so the rest is read for its problems alone.
                guard reader.problems.isEmpty else { continue }
                try await writer.write(.with { $0.tasks = batch.map(Plimsoll_V1_ImportTask.init) })
            }
        } catch let error as ExchangeError {
            found.withLock { $0.failure = CommandFailure(.failed, error.message, cause: error) }
            throw error
        }
        if !reader.problems.isEmpty {
            let failure = Self.failure(reader, name: name)
            found.withLock { $0.failure = failure }
            throw failure
        }
        let read = reader.recordsRead
        let remarks = reader.remarks.map(\.description)
        found.withLock { state in
            state.read = read
            state.remarks = remarks
        }
        try await writer.write(.with { $0.total = UInt64(read) })
    }

    private static func failure(_ reader: TaskReader, name: String) -> CommandFailure {
        let problems = reader.problems
        let lines = problems.map { "  row \($0.row), \($0)" }
        let more = reader.stoppedEarly ? "\n  there may be more: reading stopped here" : ""
        return CommandFailure(
            .wrongUse,
            "\(name) has \(Counted.of(problems.count, "problem")), so nothing was imported\n"
                + lines.joined(separator: "\n") + more, next: "mend the file and import it again")
    }
}

extension Plimsoll_V1_ImportTask {
    init(_ record: TaskRecord) {
        self.init()
        key = record.key
        kind = record.kind
        severity = UInt32(record.severity)
        priority = Int32(record.priority)
        effortSeconds = UInt32(record.effortSeconds ?? 0)
        payload = Data(record.payload)
        if let known = record.gold { gold = Data(known) }
    }
}
