import ArgumentParser
import PlimsollModel
import PlimsollProtocol

struct Engineers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engineer", abstract: "The people who answer tasks.",
        subcommands: [
            EnrolEngineer.self, MoveEngineer.self, LeaveProject.self, ListEngineers.self, AskedCorrections.self,
            EngineerThroughput.self,
        ])
}

extension Plimsoll_V1_EngineerRow: Listable {
    /// Of one person others see available or not available and nothing else (P9).
    static var columns: [Column<Self>] {
        [
            Column("name", "name") { .string($0.name) },
            Column("now", "available", shown: { $0.available ? "available" : "not available" }) { .bool($0.available) },
        ]
    }
}
