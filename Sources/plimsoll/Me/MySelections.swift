import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct MySelections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selections", abstract: "Why you were chosen for each project, by whom, and what else was offered."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let selections = try await connection.withCoordinator { client in
            try await client.organisation.listSelections(.init(), options: ControlClient.callOptions).selections
        }
        output.list(selections, empty: "nobody has chosen you for a project")
    }
}

extension Plimsoll_V1_Selection: Listable {
    static var columns: [Column<Self>] {
        [
            Column("project", "project") { .string($0.project) },
            Column("rule", "rule") { .string($0.rule) },
            Column("data used", "data_used") { .string($0.dataUsed) },
            Column("decided by", "decided_by") { .string($0.decidedBy) },
            Column("on", "decided_on") { .string($0.decidedOn) },
            Column("offered instead", "alternative_offered") { .string($0.alternativeOffered) },
            Column("ended on", "ended_on") { .textOrNull($0.endedOn) },
            Column("by", "ended_by") { .textOrNull($0.endedBy) },
            Column("reason", "end_reason") { .textOrNull($0.endReason) },
        ]
    }
}
