import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct RollBackPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Put an earlier version's document in force again, as a new version.")

    @Argument(help: "The version, as `plimsoll policy history` numbers it.")
    var version: Int64
    @Option(help: "Why; it is on the record.")
    var reason: String
    @OptionGroup var stop: StopOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let policy = try await connection.withCoordinator { client in
            let old = try await client.control.showPolicy(
                .with { $0.version = version }, options: ControlClient.callOptions)
            let stopping = try stop.confirm(old.document, output: output)
            return try await client.organisation.rollBackPolicy(
                .with {
                    $0.version = version
                    $0.reason = reason
                    $0.stopEveryone = stopping
                }, options: ControlClient.callOptions)
        }
        policy.warnings.forEach(Output.warn)
        output.report(
            "policy version \(policy.version) is in force, with the document of version \(version)", Table.json(policy))
    }
}
