import ArgumentParser
import GRPCCore
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
            let latest = try await client.control.showPolicy(.init(), options: ControlClient.callOptions)
            var versions = [latest]
            var before = latest.version - 1
            while before >= 1, versions.count < limit {
                if let version = try await Self.version(before, of: client) { versions.append(version) }
                before -= 1
            }
            return versions
        }
        output.list(versions, empty: "no policy was ever applied; the shipped defaults are in force")
    }

    /// Nil: the number was skipped, as the database does where an apply fails or its server crashes.
    private static func version(
        _ number: Int64, of client: ControlClient
    ) async throws -> Plimsoll_V1_PolicyVersion? {
        do {
            return try await client.control.showPolicy(
                .with { $0.version = number }, options: ControlClient.callOptions)
        } catch let error as RPCError where error.code == .notFound {
            return nil
        }
    }
}
