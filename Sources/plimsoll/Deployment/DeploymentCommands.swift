import ArgumentParser
import PlimsollModel
import PlimsollProtocol

struct DeploymentCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deployment", abstract: "Switches of the whole deployment.",
        subcommands: [ShowDeployment.self, SetReadOnly.self])
}

extension Plimsoll_V1_DeploymentStatus: Listable {
    static var columns: [Column<Self>] {
        [
            Column("mode", "read_only", shown: { $0.readOnly ? "read-only" : "normal" }) { .bool($0.readOnly) },
            Column("since", "since") { .textOrNull($0.since) },
            Column("by", "by") { .textOrNull($0.by) },
            Column("reason", "reason") { .textOrNull($0.reason) },
            Column("epoch", "epoch", right: true) { $0.epoch == 0 ? .null : .number(JSONNumber($0.epoch)) },
        ]
    }
}
