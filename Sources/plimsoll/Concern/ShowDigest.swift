import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct ShowDigest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "digest", abstract: "What a week brought, in counts, the same for everybody.",
        discussion: "Counts of fewer people than the policy's group-wellbeing are hidden, and what would tell them.")

    @Option(help: "The week, such as 2026-W10. Default: the last one that is over.")
    var week: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let digest = try await connection.withCoordinator { client in
            try await client.concerns.weeklyDigest(.with { $0.week = week ?? "" }, options: ControlClient.callOptions)
        }
        guard output.format == .table || output.format == .name else { return output.write(Self.json(digest)) }
        Output.talk("week \(digest.week); “-” stands for fewer than \(digest.smallestGroup) people")
        Self.lines(digest).forEach(Output.line)
    }

    static func lines(_ digest: Plimsoll_V1_WeeklyDigestResponse) -> [String] {
        let titles = (["project"] + digest.figures + ["declined"]).map { $0.uppercased().replacing("_", with: " ") }
        let rows = digest.rows.map { row in
            [row.project.isEmpty ? "all together" : Harmless.line(row.project)]
                + (row.cells + [row.declines]).map { $0.hasCount ? String($0.count) : "-" }
        }
        return Table.layout(
            titles: titles, rightAligned: titles.indices.map { $0 > 0 }, rows)
    }

    static func json(_ digest: Plimsoll_V1_WeeklyDigestResponse) -> JSONValue {
        func cell(_ cell: Plimsoll_V1_DigestCell) -> JSONValue {
            cell.hasCount ? .number(JSONNumber(Int(cell.count))) : .null
        }
        return [
            "week": .string(digest.week), "smallest_group": .number(JSONNumber(Int(digest.smallestGroup))),
            "rows": .array(
                digest.rows.map { row in
                    var object = JSONObject()
                    object["project"] = .textOrNull(row.project)
                    for (figure, value) in zip(digest.figures, row.cells) { object[figure] = cell(value) }
                    object["declined"] = cell(row.declines)
                    return .object(object)
                }),
        ]
    }
}
