import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct RequeueTask: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "requeue", abstract: "Give a quarantined task out again, after you have seen what was wrong.")

    @Argument(help: "The task's key.")
    var key: String
    @Option(help: "The project.")
    var project: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await connection.withCoordinator { client in
            try await client.control.requeueTask(
                .with {
                    $0.project = project
                    $0.key = key
                }, options: ControlClient.callOptions)
        }
        output.report(
            "task \(key) is given out again, \(Counted.of(answer.slots, "slot"))",
            ["task": .number(JSONNumber(answer.task)), "slots": .number(JSONNumber(Int(answer.slots)))])
    }
}
