import ArgumentParser
import Foundation
import Identity
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct RenewCertificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Get a new certificate for the same identity, with a new key.",
        discussion: "`plimsoll work` does this by itself after two thirds of the certificate's life.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    /// What an operator's new certificate is valid for, hours.
    private static let operatorHours: UInt32 = 30 * 24

    func run() async throws {
        let files = try connection.identityFiles()
        let me = try files.load().certificate.identity
        // The new key is written only together with its certificate, so a failure on the way changes nothing.
        let key = KeyPair()
        let request = try key.request(for: me).pem
        let chain = try await connection.withCoordinator { client in
            switch me.role {
            case .engineer:
                try await client.workQueue.renewCertificate(
                    .with { $0.request = request }, options: ControlClient.callOptions)
            case .operator:
                try await client.control.issueCertificate(
                    .with {
                        $0.request = request
                        $0.validityHours = Self.operatorHours
                    }, options: ControlClient.callOptions)
            case .supervisor, .reviewer, .coordinator:
                throw CommandFailure(
                    .refused, "a certificate of role \(me.role.rawValue) is not renewed by its holder",
                    next: "make a request with `plimsoll cert request` and let an operator run `plimsoll cert issue`")
            }
        }
        try files.store(certificatePEM: chain.certificate, trustPEM: chain.authority, key: key)
        let certificate = try files.certificate()
        output.report(
            "\(me.uri) is renewed, valid until \(certificate.notAfter.ISO8601Format())",
            [
                "identity": .string(me.uri), "serial": .string(certificate.serial),
                "not_after": .string(certificate.notAfter.ISO8601Format()),
            ])
    }
}
