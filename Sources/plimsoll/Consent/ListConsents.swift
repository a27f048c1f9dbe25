import ArgumentParser
import PlimsollProtocol

struct ListConsents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The notices in force and what you said to each.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let agreements = try await connection.withCoordinator { try await $0.agreements() }
        output.list(
            agreements,
            empty: "no notice is in force, so there is nothing to agree to; an operator publishes one: plimsoll notice "
                + "publish FILE")
        for agreement in agreements where agreement.endsInSeconds > 0 && output.format == .table {
            Output.talk(agreement.endingAdvice)
        }
    }
}
