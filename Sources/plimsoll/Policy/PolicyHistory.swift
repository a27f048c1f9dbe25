import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct PolicyHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "The versions of the policy, the latest first.")

    @Option(help: "At most so many.")
    var limit: Int = 20
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let versions = try await connection.withCoordinator { client in
            var versions = [try await client.control.showPolicy(.init(), options: ControlClient.callOptions)]
            while let last = versions.last, last.version > 1, versions.count < limit {
                versions.append(
                    try await client.control.showPolicy(
                        .with { $0.version = last.version - 1 }, options: ControlClient.callOptions))
            }
            return versions
        }
        output.list(versions, empty: "no policy was ever applied; the shipped defaults are in force")
    }
}
