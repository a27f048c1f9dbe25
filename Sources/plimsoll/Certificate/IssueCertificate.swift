import ArgumentParser
import Foundation
import Identity
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct IssueCertificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue", abstract: "Sign a request; the key stays where the request was made.",
        discussion: """
            Asks the coordinator to sign, which writes it on the record. With --ca the authority's own folder is used \
            instead, for the first certificates of a deployment and for those of coordinators.
            """)

    @Argument(help: "The request file.")
    var file: String
    @Option(help: "How long it is valid, for example 24h or 7d; at most 90d.")
    var valid: String = "24h"
    @Option(help: "Sign with the authority in this folder instead of asking a coordinator.")
    var ca: String?
    @Option(name: .customLong("dns"), help: "With --ca, for coordinators: a name that clients connect to.")
    var dnsNames: [String] = []
    @Option(name: .customLong("ip"), help: "With --ca, for coordinators: an address that clients connect to.")
    var ipAddresses: [String] = []
    @Option(name: .customLong("out"), help: "The certificate file. Default: the request's name with .cert.pem.")
    var outputFile: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard let validity = DurationText.parse(valid), validity >= .seconds(3_600) else {
            throw CommandFailure(
                .wrongUse, "--valid \(valid) is no duration of an hour or more", next: "write 24h or 7d")
        }
        let request = RequestFile(parsing: try TextFile.read(file))
        let chain: String
        let serial: String
        if let ca {
            let authority = try CertificateAuthority.load(from: URL(filePath: ca))
            let signed = try CertificateRequest(pem: request.request)
            guard let identity = signed.requested else {
                throw CommandFailure(.wrongUse, "\(file) does not say whose certificate it asks for")
            }
            let issued = try authority.issue(
                request: signed, as: identity, validity: validity, dnsNames: dnsNames, ipAddresses: ipAddresses,
                now: Date())
            chain = issued.chainPEM
            serial = issued.serial
        } else {
            let hours = UInt32(clamping: validity.components.seconds / 3_600)
            let answer = try await connection.withCoordinator { client in
                try await client.control.issueCertificate(
                    .with {
                        $0.request = request.request
                        $0.token = request.token
                        $0.validityHours = hours
                    }, options: ControlClient.callOptions)
            }
            chain = answer.certificate + answer.authority
            serial = answer.serial
        }
        let path = outputFile ?? URL(filePath: file).deletingPathExtension().lastPathComponent + ".cert.pem"
        try TextFile.write(chain, to: URL(filePath: path))
        Output.talk("next: give \(path) back; its owner runs: plimsoll cert install \(path)")
        output.report(path, ["certificate": .string(path), "serial": .string(serial)])
    }
}
