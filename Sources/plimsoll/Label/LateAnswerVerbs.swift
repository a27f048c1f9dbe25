import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct ListLateAnswers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Late answers that wait for a human.")

    @Option(help: "The project.")
    var project: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answers = try await connection.withCoordinator { client in
            try await client.control.listLateAnswers(
                .with { $0.project = project }, options: ControlClient.callOptions
            ).answers
        }
        output.list(answers, empty: "no late answer of \(project) waits")
    }
}

struct AcceptLateAnswer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept", abstract: "Make a late answer a label, where its task still has room.")

    @Argument(help: "The late answer's id.")
    var id: Int64
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await LateVerdict.give(id, accept: true, reason: "", connection, output)
    }
}

struct DiscardLateAnswer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard", abstract: "Decide that a late answer does not count; its author keeps seeing it.")

    @Argument(help: "The late answer's id.")
    var id: Int64
    @Option(help: "Why; its author is told.")
    var reason: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await LateVerdict.give(id, accept: false, reason: reason, connection, output)
    }
}

private enum LateVerdict {
    static func give(
        _ id: Int64, accept: Bool, reason: String, _ connection: ConnectionOptions, _ output: OutputOptions
    ) async throws {
        let answer = try await connection.withCoordinator { client in
            try await client.control.judgeLateAnswer(
                .with {
                    $0.id = id
                    $0.accept = accept
                    $0.reason = reason
                }, options: ControlClient.callOptions)
        }
        output.report(
            "late answer \(id): \(answer.outcome)",
            ["id": .number(JSONNumber(id)), "outcome": .string(answer.outcome)])
    }
}
