import ArgumentParser
import Ledger
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct DeclareHours: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "declare-hours", abstract: "Say how many hours a week you work elsewhere.",
        discussion: """
            They count for the law's mean of 48 h a week over 17 weeks, and for nothing else. Only you can say it, \
            nobody checks it, and 0 takes it back.
            """)

    @Argument(help: "Hours a week, such as 12h; 0 for none.")
    var hours: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard let week = DurationText.parse(hours), week <= Ledger.declaredWeekMax else {
            throw CommandFailure(
                .wrongUse, "“\(hours)” is no number of hours a week", next: "write for example 12h, or 0")
        }
        let declared = try await connection.withCoordinator { client in
            try await client.hours.declareHours(
                .with { $0.weekSeconds = UInt32(clamping: week.components.seconds) },
                options: ControlClient.callOptions)
        }
        let before = Duration.seconds(Int64(declared.beforeSeconds))
        output.report(
            "you declare \(DurationText.format(week)) a week elsewhere; it was \(DurationText.format(before))",
            [
                "week_seconds": .number(JSONNumber(Int(declared.weekSeconds))),
                "before_seconds": .number(JSONNumber(Int(declared.beforeSeconds))),
            ])
    }
}
