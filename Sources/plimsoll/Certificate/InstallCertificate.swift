import ArgumentParser
import Foundation
import Identity
import PlimsollModel

struct InstallCertificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Put an issued certificate beside the key that it is for.")

    @Argument(help: "What the operator gave back: the certificate and its authority.")
    var file: String
    @Option(help: "Where the key is. Default: identities/NAME in the data folder, by the certificate's name.")
    var identity: String?
    @Option(help: "The data folder. Default: $PLIMSOLL_DATA, else ~/.plimsoll.")
    var data: String?
    @OptionGroup var output: OutputOptions

    private static let end = "-----END CERTIFICATE-----"

    func run() throws {
        let parts = try TextFile.read(file).components(separatedBy: Self.end)
            .filter { $0.contains("-----BEGIN CERTIFICATE-----") }
            .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) + "\n" + Self.end + "\n" }
        guard parts.count >= 2 else {
            throw CommandFailure(
                .wrongUse, "\(file) must hold a certificate and its authority's",
                next: "ask for the file of `cert issue`")
        }
        let trust = parts.dropFirst().joined()
        let certificate = try CertificateIdentity(pem: parts[0], trustDomain: try TrustBundle(pem: trust).trustDomain)
        let directory = data.map { DataDirectory(path: $0) } ?? .standard
        let files =
            identity.map { IdentityFiles(directory: URL(filePath: $0)) }
            ?? directory.identity(certificate.identity.name)
        try files.store(certificatePEM: parts[0], trustPEM: trust)
        let path = files.directory.path(percentEncoded: false)
        let next =
            switch certificate.identity.role {
            case .engineer: "plimsoll consent list --identity \(path) --server HOST:PORT"
            case .coordinator: "name \(path) as `identity` in the configuration of plimsoll serve"
            case .supervisor, .reviewer, .operator: "plimsoll doctor --identity \(path) --server HOST:PORT"
            }
        Output.talk("next: \(next)")
        output.report(
            "\(certificate.identity.uri) is ready in \(path), valid until \(certificate.notAfter.ISO8601Format())",
            [
                "identity": .string(certificate.identity.uri), "directory": .string(path),
                "not_after": .string(certificate.notAfter.ISO8601Format()),
            ])
    }
}
