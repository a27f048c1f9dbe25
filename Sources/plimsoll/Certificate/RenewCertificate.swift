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

    func run() async throws {
        let files = try connection.identityFiles()
        let me = try files.load().certificate.identity
        // The new key is written only together with its certificate, so a failure on the way changes nothing.
        let key = KeyPair()
        let request = try key.request(for: me).pem
        guard me.role != .coordinator else {
            throw CommandFailure(
                .refused, "a coordinator's certificate is not renewed by its holder",
                next: "make a request with `plimsoll cert request` and sign it with `plimsoll cert issue --ca DIR`")
        }
        let chain = try await connection.withCoordinator { client in
            try await client.workQueue.renewCertificate(
                .with { $0.request = request }, options: ControlClient.callOptions)
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
