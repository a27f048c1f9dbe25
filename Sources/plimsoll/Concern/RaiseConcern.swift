import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct RaiseConcern: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "raise", abstract: "Raise a concern; a human being replies within one working day.")

    @OptionGroup var words: Words
    @Option(help: "The project that it is about. Default: the deployment.")
    var project: String?
    @Flag(help: "Without your name: only the text and the date are kept, and a token reads the answer.")
    var anonymous = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let text = try words.read()
        let raised = try await connection.withCoordinator {
            try await $0.raiseConcern(text, project: project, anonymous: anonymous)
        }
        var sentence = Self.sentence(of: raised)
        if anonymous {
            sentence += "\ntoken, shown once: \(raised.token)"
            Output.talk("later, to read the answer: plimsoll concern show --token \(raised.token)")
        }
        output.report(
            sentence,
            [
                "id": anonymous ? .null : .number(JSONNumber(raised.id)),
                "token": anonymous ? .string(raised.token) : .null, "due_on": .string(raised.dueOn),
            ])
    }

    static func sentence(of raised: Plimsoll_V1_RaiseConcernResponse) -> String {
        "your concern is raised; a reply is due on \(raised.dueOn)"
    }
}

extension ControlClient {
    /// `project` nil: about the deployment.
    func raiseConcern(
        _ text: String, project: String?, anonymous: Bool
    ) async throws -> Plimsoll_V1_RaiseConcernResponse {
        try await concerns.raiseConcern(
            .with {
                $0.text = text
                $0.project = project ?? ""
                $0.anonymous = anonymous
            }, options: Self.callOptions)
    }
}
