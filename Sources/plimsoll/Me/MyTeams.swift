import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct MyTeams: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "teams", abstract: "Who answers for you, who decided that, and how it was before.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let teams = try await connection.withCoordinator { client in
            try await client.organisation.listSelections(.init(), options: ControlClient.callOptions).teams
        }
        output.list(teams, empty: "you are in no team")
    }
}

extension Plimsoll_V1_Membership: Listable {
    static var columns: [Column<Self>] {
        [
            Column("team", "team") { .string($0.team) },
            Column("supervisor now", "supervisor") { .string($0.supervisor) },
            Column("since", "since") { .string($0.since) },
            Column("decided by", "decided_by") { .string($0.decidedBy) },
            Column("ended on", "ended_on") { .textOrNull($0.endedOn) },
            Column("by", "ended_by") { .textOrNull($0.endedBy) },
            Column("reason", "end_reason") { .textOrNull($0.endReason) },
        ]
    }
}
