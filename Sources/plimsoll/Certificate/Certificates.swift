public import ArgumentParser
import Foundation
public import Identity
import PlimsollModel
import PlimsollProtocol

struct Certificates: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert", abstract: "Certificates: who somebody is. Keys are made where the person works.",
        discussion: """
            1. the engineer:  plimsoll cert request ana --token TOKEN      makes a key and a request file
            2. an operator:   plimsoll cert issue ana.request              signs it, never sees the key
            3. the engineer:  plimsoll cert install ana.cert.pem           and is ready to work
            `plimsoll work` renews its certificate by itself; `plimsoll cert renew` does it by hand.
            """,
        subcommands: [
            InitAuthority.self, RequestCertificate.self, IssueCertificate.self, InstallCertificate.self,
            RenewCertificate.self, ListCertificates.self, DenyCertificate.self,
        ])
}

extension Plimsoll_V1_CertificateRow: Listable {
    static var columns: [Column<Self>] {
        [
            Column("serial", "serial") { .string($0.serial) },
            Column("identity", "identity") { .string($0.identity) },
            Column("from", "not_before") { .string(moment($0.notBeforeSeconds)) },
            Column("until", "not_after") { .string(moment($0.notAfterSeconds)) },
            Column("denied", "denied", shown: { $0.denied ? "denied" : "" }) { .bool($0.denied) },
            Column("issued by", "issued_by") { .string($0.issuedBy) },
        ]
    }

    private static func moment(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).ISO8601Format()
    }
}

extension Role: ExpressibleByArgument {}
