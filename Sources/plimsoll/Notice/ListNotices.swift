import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ListNotices: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "All notices and their versions.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let notices = try await connection.withCoordinator {
            try await $0.control.listNotices(.init(), options: ControlClient.callOptions).notices
        }
        output.list(notices, empty: "no notice is published yet; publish one with `plimsoll notice publish FILE`")
    }
}
