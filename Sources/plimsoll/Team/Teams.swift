import ArgumentParser
import PlimsollModel
import PlimsollProtocol

struct Teams: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "team", abstract: "Who answers for which engineers.",
        discussion: """
            A team has one supervisor; an engineer is in one team. Above the policy's span-warn engineers of one \
            supervisor, over all of their teams, a warning is given; above span-max nobody comes in.
            """,
        subcommands: [CreateTeam.self, ListTeams.self, ShowTeam.self, SetTeam.self])
}

extension Plimsoll_V1_TeamDocument: Listable {
    static var columns: [Column<Self>] {
        [
            Column("name", "name") { .string($0.name) },
            Column("supervisor", "supervisor") { .string($0.supervisor) },
            Column("engineers", "engineers", right: true) { .number(JSONNumber(Int($0.engineers))) },
            Column("of the supervisor", "span", right: true) { .number(JSONNumber(Int($0.span))) },
        ]
    }
}

extension Plimsoll_V1_SpanOfControl: Listable {
    static var columns: [Column<Self>] {
        [
            Column("team", "team") { .string($0.team) },
            Column("supervisor", "supervisor") { .string($0.supervisor) },
            Column("engineers", "engineers", right: true) { .number(JSONNumber(Int($0.engineers))) },
            Column("at most", "max", right: true) { .number(JSONNumber(Int($0.max))) },
            Column("warning", "warning") { .textOrNull($0.warning) },
        ]
    }
}
