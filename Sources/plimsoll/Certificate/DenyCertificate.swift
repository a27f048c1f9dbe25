import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct DenyCertificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny", abstract: "Shut a certificate or a person out; running streams end within seconds.",
        discussion: """
            A denied person works no more, and can still say no to agreements, read what is held of them and erase it. A \
            denied certificate can do nothing at all: where a key is in other hands, deny it by its serial (`plimsoll cert \
            list NAME` shows it): `plimsoll cert deny --serial SERIAL --reason "the laptop was stolen"`. Whoever is told \
            of a certificate in their name that is not theirs asks an operator for that. The person sees who denied what, \
            and why, in `plimsoll me access`.
            """)

    @Option(help: "The person, with every certificate of theirs.")
    var name: String?
    @Option(help: "One certificate, by its serial number.")
    var serial: String?
    @Option(help: "Why; the person is told, and it is on the record.")
    var reason: String
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (name == nil) != (serial == nil) else { throw ValidationError("name either --name or --serial") }
    }

    func run() async throws {
        let whom = name ?? serial.map { "certificate \($0)" } ?? ""
        try confirm.confirm("Shut out \(whom)? Their open leases end at once.", output: output)
        let answer = try await connection.withCoordinator { client in
            try await client.control.denyCertificate(
                .with {
                    $0.name = name ?? ""
                    $0.serial = serial ?? ""
                    $0.reason = reason
                }, options: ControlClient.callOptions)
        }
        output.report(
            "\(whom) is shut out: \(answer.certificates) certificates; open leases have ended",
            ["certificates": .number(JSONNumber(Int(answer.certificates)))])
    }
}
