import ArgumentParser
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct MyAnswers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answers", abstract: "What you answered, and what became of it.",
        discussion: """
            States: accepted; excluded (you withdrew a use, which is named); late-waiting, late-accepted and \
            late-discarded for answers that came when their lease was gone.
            """)

    @Option(help: "Only of this project.")
    var project: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answers = try await connection.withCoordinator { client in
            try await StreamTurn.wait { try await client.ownAnswers() }
        }
        output.list(
            answers.filter { answer in project.map { $0 == answer.project } ?? true },
            empty: "you have answered nothing that is kept")
    }
}

extension ControlClient {
    func ownAnswers() async throws -> [Plimsoll_V1_OwnAnswer] {
        try await person.listAnswers(.init()) { response in
            var all: [Plimsoll_V1_OwnAnswer] = []
            for try await message in response.messages { all += message.answers }
            return all
        }
    }
}

extension Plimsoll_V1_OwnAnswer: Listable {
    static var columns: [Column<Self>] {
        [
            Column("project", "project") { .string($0.project) },
            Column("task", "key") { .string($0.key) },
            Column("on", "given_on") { .string($0.givenOn) },
            Column("state", "state") { .string($0.state) },
            Column("withdrawn for", "withdrawn") { .array($0.withdrawn.map(JSONValue.string)) },
            Column("reason", "reason") { .textOrNull($0.reason) },
            Column("answer", "answer") { row in
                // What was accepted as an answer is JSON; anything else is shown as the text it is.
                (try? JSONValue.parse(Array(row.answer))) ?? .string(String(decoding: row.answer, as: UTF8.self))
            },
        ]
    }
}
