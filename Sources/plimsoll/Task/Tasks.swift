import ArgumentParser
import PlimsollModel
import PlimsollProtocol

struct Tasks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task", abstract: "Things to label: bring them in, look, cancel, give back.",
        subcommands: [ImportTasks.self, ListTasks.self, ShowTask.self, CancelTasks.self, RequeueTask.self])
}

extension Plimsoll_V1_TaskRow: Listable {
    static var columns: [Column<Self>] {
        [
            Column("key", "key") { .string($0.key) },
            Column("state", "state") { .string($0.state) },
            Column("kind", "kind") { .string($0.kind) },
            Column("severity", "severity", right: true) { .number(JSONNumber(Int($0.severity))) },
            Column("priority", "priority", right: true) { .number(JSONNumber(Int($0.priority))) },
            Column("labels", "labels", right: true, shown: { "\($0.labels) of \($0.overlap)" }) {
                .number(JSONNumber(Int($0.labels)))
            },
            Column("leases", "leases", right: true) { .number(JSONNumber(Int($0.leases))) },
            Column("failed deliveries", "deliveries_failed", right: true) {
                .number(JSONNumber(Int($0.deliveriesFailed)))
            },
        ]
    }
}

/// The states of a task that can be asked for.
enum TaskState: String, ExpressibleByArgument, CaseIterable {
    case waiting
    case leased
    case done
    case quarantined
    case cancelled
}
