import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ListEngineers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Engineers, each available or not; why not is theirs alone to know.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let engineers = try await connection.withCoordinator {
            try await $0.control.listEngineers(.init(), options: ControlClient.callOptions).engineers
        }
        output.list(engineers, empty: "nobody is enrolled; enrol with `plimsoll engineer enrol`")
    }
}
