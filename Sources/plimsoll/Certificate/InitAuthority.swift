import ArgumentParser
import Foundation
import Identity
import PlimsollModel

struct InitAuthority: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make the certificate authority of a new deployment.",
        discussion: "`plimsoll up` does this by itself. Whoever has ca.key can pose as anybody: keep it offline.")

    @Argument(help: "The folder for ca.key and ca.pem.")
    var directory: String
    @Option(help: "The deployment's name in every certificate, such as labels.example.org.")
    var trustDomain: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let authority = try CertificateAuthority.create(
            trustDomain: trustDomain, in: URL(filePath: directory), now: Date())
        output.report(
            "the authority of \(authority.trustDomain) is in \(directory), valid until "
                + authority.notAfter.ISO8601Format(),
            [
                "trust_domain": .string(authority.trustDomain), "directory": .string(directory),
                "not_after": .string(authority.notAfter.ISO8601Format()),
            ])
    }
}
