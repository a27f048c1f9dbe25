import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct AnswerConcern: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer", abstract: "Reply to a concern that is addressed to you.")

    @Argument(help: "The concern, as `plimsoll concern list` numbers it.")
    var id: Int64
    @OptionGroup var words: Words
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let text = try words.read()
        _ = try await connection.withCoordinator { client in
            try await client.concerns.answerConcern(
                .with {
                    $0.id = id
                    $0.text = text
                }, options: ControlClient.callOptions)
        }
        output.report("concern \(id) is answered", ["id": .number(JSONNumber(id)), "answered": true])
    }
}
