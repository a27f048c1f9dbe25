import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct AskedCorrections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "corrections", abstract: "Leased time that engineers ask to have taken away.",
        discussion: """
            Taking time away loosens an engineer's limits, so it needs a second party: the supervisor who answers for \
            them, or an operator. You see the stretch that is asked about, how much is on record in it, and the \
            reason; of the engineer's other time nothing.
            """,
        subcommands: [ListAskedCorrections.self, AgreeCorrection.self, RefuseCorrection.self])
}

extension Plimsoll_V1_AskedCorrection: Listable {
    static var columns: [Column<Self>] {
        [
            Column("id", "id", right: true) { .number(JSONNumber($0.id)) },
            Column("engineer", "name") { .string($0.name) },
            Column("from", "from") { .string($0.from) },
            Column("to", "to") { .string($0.to) },
            .seconds("on record", "recorded_seconds") { Int64(clamping: $0.recordedSeconds) },
            Column("reason", "reason") { .string($0.reason) },
            Column("state", "state") { .string($0.state) },
        ]
    }
}

struct ListAskedCorrections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "What waits for an answer: a supervisor's teams, an operator's everybody.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let corrections = try await connection.withCoordinator {
            try await $0.hours.listAskedCorrections(.init(), options: ControlClient.callOptions).corrections
        }
        output.list(corrections, empty: "no correction waits for you")
    }
}

struct AgreeCorrection: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agree", abstract: "Agree that the time is taken away; it is gone from the next decision on.")

    @Argument(help: "The correction, as `plimsoll engineer corrections list` numbers it.")
    var id: Int64
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let correction = try await connection.withCoordinator { client in
            try await client.hours.answerCorrection(
                .with {
                    $0.id = id
                    $0.agree = true
                }, options: ControlClient.callOptions)
        }
        output.report(
            "\(DurationText.readable(.seconds(correction.recordedSeconds))) of \(correction.name) are taken away",
            Table.json(correction))
    }
}

struct RefuseCorrection: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refuse", abstract: "Refuse, with a reason that the engineer sees.")

    @Argument(help: "The correction, as `plimsoll engineer corrections list` numbers it.")
    var id: Int64
    @Option(help: "Why; the engineer sees it.")
    var reason: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let correction = try await connection.withCoordinator { client in
            try await client.hours.answerCorrection(
                .with {
                    $0.id = id
                    $0.reason = reason
                }, options: ControlClient.callOptions)
        }
        output.report("correction \(correction.id) of \(correction.name) is refused", Table.json(correction))
    }
}
