import GRPCCore
import Identity
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

extension ControlService {
    /// A supervisor sees those that few people work on as of the last full hour (P9); an operator, who has to cancel
    /// and requeue them, as they are.
    func listTasks(
        request: Plimsoll_V1_ListTasksRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_ListTasksResponse {
        let state = try request.state.orNil.map { name in
            guard let state = TaskState(rawValue: name) else {
                let states = TaskState.allCases.map(\.rawValue).joined(separator: ", ")
                throw GatewayError(.badMessage, "there is no task state “\(name)”; the states are \(states)")
            }
            return state
        }
        let hidingFew = try context.caller.role != .operator
        let tasks =
            request.key.isEmpty
            ? try await ledger.tasks(
                project: request.project, state: state, limit: Int(request.limit).orNil, hidingFew: hidingFew)
            : [try await ledger.task(project: request.project, key: request.key, hidingFew: hidingFew)]
        return .with { $0.tasks = tasks.map { .init($0) } }
    }

    func requeueTask(
        request: Plimsoll_V1_RequeueTaskRequest, context: ServerContext
    ) async throws -> Plimsoll_V1_RequeueTaskResponse {
        let outcome = try await ledger.requeueTask(
            project: request.project, key: request.key, by: context.caller.name)
        return .with {
            $0.task = outcome.task.rawValue
            $0.slots = UInt32(outcome.slots)
        }
    }
}

extension Plimsoll_V1_TaskRow {
    init(_ task: TaskRow) {
        self.init()
        id = task.id.rawValue
        key = task.key
        kind = task.kind
        severity = UInt32(task.severity)
        priority = Int32(task.priority)
        overlap = UInt32(task.overlap)
        labels = UInt32(task.labels)
        leases = UInt32(task.leases)
        state = task.state.rawValue
        deliveriesFailed = UInt32(task.deliveriesFailed)
    }
}
