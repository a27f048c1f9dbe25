import ArgumentParser
import PlimsollProtocol
import SwiftProtobuf

struct ListCertificates: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Certificates that were issued.")

    @Argument(help: "Only of this person.")
    var name: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let certificates = try await connection.withCoordinator { client in
            try await client.control.listCertificates(
                .with { $0.name = name ?? "" }, options: ControlClient.callOptions
            ).certificates
        }
        output.list(certificates, empty: "no certificate was issued\(name.map { " to \($0)" } ?? "")")
    }
}
