import ArgumentParser
import PlimsollProtocol

struct ShowDeployment: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "How the deployment is switched, since when and why.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let status = try await connection.withCoordinator {
            try await $0.deployment.showDeployment(.init(), options: ControlClient.callOptions)
        }
        output.details(status)
    }
}
