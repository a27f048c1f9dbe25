import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct EngineerThroughput: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "throughput", abstract: "Labels by day of one engineer you answer for, while they agree to it.",
        discussion: """
            Needs the engineer's agreement to throughput-to-supervisor, in force now. In every other case the answer \
            is the same. There is no list over people, and no time beside the labels. Each look, with your name and \
            your reason, is shown to the engineer and is on the record.
            """)

    @Argument(help: "The engineer's name.")
    var name: String
    @Option(help: "What you look for; the engineer sees it.")
    var reason: String
    @OptionGroup var days: DaysOption
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let counts = try await connection.withCoordinator { client in
            try await client.hours.showEngineerThroughput(
                .with {
                    $0.name = name
                    $0.reason = reason
                    $0.days = days.days
                }, options: ControlClient.callOptions
            ).counts
        }
        output.list(counts, empty: "no labels of \(name) in these days")
    }
}

extension Plimsoll_V1_LabelCount: Listable {
    static var columns: [Column<Self>] {
        [
            Column("day", "day") { .string($0.day) },
            Column("project", "project") { .string($0.project) },
            Column("labels", "labels", right: true) { .number(JSONNumber(Int64(clamping: $0.labels))) },
        ]
    }
}
