import GRPCCore
import Ledger
import PlimsollProtocol
import SwiftProtobuf

extension ControlService {
    func importTasks(
        request: RPCAsyncSequence<Plimsoll_V1_ImportTasksRequest, any Error>, context: ServerContext
    ) async throws -> Plimsoll_V1_ImportTasksResponse {
        let pieces = request.map { ImportPiece($0) }
        let outcome = try await ledger.importTasks(pieces, by: context.caller.name)
        var warnings: [String] = []
        if let project = outcome.project { warnings = await availability.warnings(project: project) }
        return .with {
            $0.import = outcome.importID ?? 0
            $0.imported = UInt64(outcome.imported)
            $0.skipped = UInt64(outcome.skipped)
            $0.conflicts = UInt64(outcome.conflicts)
            $0.conflictingKeys = outcome.conflictingKeys
            $0.warnings = warnings
        }
    }

    func cancelImport(
        request: Plimsoll_V1_CancelImportRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_CancelImportResponse {
        let by = try context.caller.name
        let outcome =
            request.key.isEmpty
            ? try await ledger.cancelImport(request.import, isDryRun: request.dryRun, by: by)
            : try await ledger.cancelTask(
                project: request.project, key: request.key, isDryRun: request.dryRun, by: by)
        return .with {
            $0.cancelled = UInt64(outcome.cancelled)
            $0.kept = UInt64(outcome.kept)
        }
    }
}

extension ImportPiece {
    /// A message with a header is the first. The total is in the last; an import without tasks has a total of zero,
    /// which proto3 does not send, so a message with nothing at all ends one too.
    init(_ message: Plimsoll_V1_ImportTasksRequest) {
        self.init(
            request: message.hasHeader
                ? ImportRequest(
                    project: message.header.project, source: message.header.source, isDryRun: message.header.dryRun)
                : nil,
            tasks: message.tasks.map { TaskDraft($0) },
            total: message.total > 0 || (message.tasks.isEmpty && !message.hasHeader) ? Int(message.total) : nil)
    }
}

extension TaskDraft {
    init(_ task: Plimsoll_V1_ImportTask) {
        self.init(
            key: task.key, kind: task.kind.isEmpty ? "task" : task.kind, severity: Int(task.severity),
            priority: Int(task.priority), effortSeconds: Int(task.effortSeconds).orNil, payload: Array(task.payload),
            gold: task.gold.isEmpty ? nil : Array(task.gold))
    }
}
