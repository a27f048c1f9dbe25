import ArgumentParser
import PlimsollModel
import PlimsollProtocol

struct Policies: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "The workload limits: how deep people may be loaded.",
        subcommands: [
            ShowPolicy.self, ValidatePolicy.self, TestPolicy.self, PlanPolicy.self, ApplyPolicy.self,
            PolicyHistory.self, RollBackPolicy.self, LimitLayers.self, LimitRaises.self,
        ])
}

extension Plimsoll_V1_PolicyVersion: Listable {
    static var columns: [Column<Self>] {
        [
            Column("version", "version", right: true) { .number(JSONNumber($0.version)) },
            Column("applied on", "applied_on") { .string($0.appliedOn) },
            Column("by", "author") { .string($0.author) },
            Column("reason", "reason") { .string($0.reason) },
        ]
    }
}
