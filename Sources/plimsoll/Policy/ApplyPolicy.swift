import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ApplyPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Put a policy in force; every lease after this is decided by it.",
        discussion: "`plimsoll policy plan` shows beforehand what it does, and changes nothing.")

    @Argument(help: "The document, a YAML file.")
    var file: String
    @Option(help: "Why; it is on the record.")
    var reason: String
    @OptionGroup var stop: StopOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (document, _) = try ValidatePolicy.read(file)
        let stopping = try stop.confirm(document, output: output)
        let policy = try await connection.withCoordinator { client in
            try await client.control.applyPolicy(
                .with {
                    $0.document = document
                    $0.reason = reason
                    $0.stopEveryone = stopping
                }, options: ControlClient.callOptions)
        }
        policy.warnings.forEach(Output.warn)
        output.report("policy version \(policy.version) is in force", Table.json(policy))
    }
}
