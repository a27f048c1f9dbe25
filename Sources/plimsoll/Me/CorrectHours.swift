import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct CorrectHours: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "correct", abstract: "Say that leased time on record of you is wrong.",
        discussion: """
            Time that you worked and that was not counted you add, and it counts at once. Time that was counted and \
            that you did not work (a lease stayed open while the network was gone) is taken away once your supervisor \
            or an operator agrees, because that loosens your limits. Both for the last 28 days; of what is longer ago \
            only totals of days are kept. `plimsoll me data` shows what is on record.
            """,
        subcommands: [AddHours.self, RemoveHours.self, WithdrawCorrection.self, ListCorrections.self])
}

/// From when to when.
struct StretchArguments: ParsableArguments {
    @Argument(help: "The beginning: 2026-11-26T14:00:00+01:00, or \"2026-11-26 14:00\" in your own zone.")
    var from: String
    @Argument(help: "The end, written likewise.")
    var to: String
}

struct AddHours: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add time that you worked and that was not counted; it counts at once.",
        discussion: "A request of yours to take some of the same time away is withdrawn with it.")

    @OptionGroup var stretch: StretchArguments
    @Option(help: "Why; it stays beside the time.")
    var reason: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let request = Plimsoll_V1_CorrectHoursRequest(stretch, reason: reason)
        let correction = try await connection.withCoordinator {
            try await $0.hours.addHours(request, options: ControlClient.callOptions)
        }
        let before =
            correction.recordedSeconds == 0
            ? "" : "; \(DurationText.readable(.seconds(correction.recordedSeconds))) of it were on record already"
        output.report("\(correction.from) to \(correction.to) counts from now on\(before)", Table.json(correction))
    }
}

struct RemoveHours: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Ask to take away time that was counted and that you did not work.",
        discussion: """
            Nothing changes until your supervisor or an operator agrees. They see the stretch, how much is on record \
            in it, and your reason, and nothing else of your time.
            """)

    @OptionGroup var stretch: StretchArguments
    @Option(help: "Why; whoever agrees sees it.")
    var reason: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let request = Plimsoll_V1_CorrectHoursRequest(stretch, reason: reason)
        let correction = try await connection.withCoordinator {
            try await $0.hours.removeHours(request, options: ControlClient.callOptions)
        }
        output.report(
            "correction \(correction.id) waits for your supervisor or an operator; "
                + "\(DurationText.readable(.seconds(correction.recordedSeconds))) would be taken away",
            Table.json(correction))
    }
}

struct WithdrawCorrection: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw", abstract: "Take back a request that waits.")

    @Argument(help: "The correction, as `plimsoll me correct list` numbers it.")
    var id: Int64
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let correction = try await connection.withCoordinator { client in
            try await client.hours.withdrawCorrection(.with { $0.id = id }, options: ControlClient.callOptions)
        }
        output.report("correction \(correction.id) is withdrawn", Table.json(correction))
    }
}

struct ListCorrections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Your corrections of the last 28 days, and what became of each.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let corrections = try await connection.withCoordinator {
            try await $0.hours.listCorrections(.init(), options: ControlClient.callOptions).corrections
        }
        output.list(corrections, empty: "you have corrected nothing of the last 28 days")
    }
}

extension Plimsoll_V1_CorrectHoursRequest {
    fileprivate init(_ stretch: StretchArguments, reason: String) {
        self.init()
        from = stretch.from
        to = stretch.to
        self.reason = reason
    }
}

extension Plimsoll_V1_HoursCorrection: Listable {
    static var columns: [Column<Self>] {
        [
            Column("id", "id", right: true) { .number(JSONNumber($0.id)) },
            Column("what", "what") { .string($0.what) },
            Column("from", "from") { .string($0.from) },
            Column("to", "to") { .string($0.to) },
            .seconds("on record", "recorded_seconds") { Int64(clamping: $0.recordedSeconds) },
            Column("reason", "reason") { .textOrNull($0.reason) },
            Column("state", "state") { .string($0.state) },
            Column("by", "answered_by") { .textOrNull($0.answeredBy) },
            Column("why", "answer_reason") { .textOrNull($0.answerReason) },
        ]
    }
}
