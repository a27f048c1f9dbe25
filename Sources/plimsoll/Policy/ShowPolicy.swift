import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct ShowPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "The policy in force, or an earlier version.")

    @Option(help: "Which version; the one in force where it is not named.")
    var version: Int64 = 0
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let policy = try await connection.withCoordinator { client in
            try await client.control.showPolicy(.with { $0.version = version }, options: ControlClient.callOptions)
        }
        if output.format == .name { return output.details(policy) }
        guard output.format == .table else {
            guard case .object(var object) = Table.json(policy) else { return }
            object["document"] = .string(policy.document)
            return output.write(.object(object))
        }
        Output.talk("version \(policy.version), applied on \(policy.appliedOn) by \(policy.author): \(policy.reason)")
        Output.bytes(Array(policy.document.utf8) + (policy.document.hasSuffix("\n") ? [] : [10]))
    }
}
