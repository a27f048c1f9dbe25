public import ArgumentParser
import Foundation
import Identity
public import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct ShowReceipt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt", abstract: "Your receipts: list them, keep one as a file, verify a file.",
        discussion: """
            Without an id it lists your receipts. With one it writes the receipt as JSON, signed by the coordinator, with \
            the proof that the event is in the chain once that is sealed and signed for (after some ten seconds). --verify \
            needs no coordinator: it checks a file against the deployment's authority, and exits 1 where it was altered.
            """)

    @Argument(help: "The receipt, as the list and every consent command name it.")
    var id: String?
    @Option(help: "ts27560 (ISO/IEC TS 27560) or kantara (Kantara Consent Receipt 1.1).")
    var form: ReceiptForm = .ts27560
    @Option(name: .customLong("to"), help: "Write it to this file.")
    var file: String?
    @Option(help: ArgumentHelp("Check a receipt file instead.", valueName: "file"))
    var verify: String?
    @Option(help: "With --verify: the deployment's authorities, PEM. Default: ca.pem of the identity.")
    var ca: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard verify == nil || (id == nil && file == nil) else {
            throw ValidationError("--verify FILE goes without an id and without --to")
        }
        guard file == nil || id != nil else { throw ValidationError("--to FILE needs the id of a receipt") }
    }

    func run() async throws {
        if let verify { return try verifyFile(verify) }
        guard let id else { return try await list() }
        let receipt = try await connection.withCoordinator { client in
            try await client.receipts.getReceipt(
                .with {
                    $0.receipt = id
                    $0.form = form.rawValue
                }, options: ControlClient.callOptions)
        }
        let text = String(decoding: receipt.document, as: UTF8.self) + "\n"
        if let file {
            try TextFile.write(text, to: URL(filePath: (file as NSString).expandingTildeInPath), mode: 0o600)
            Output.line(file)
        } else {
            Output.bytes(Array(text.utf8))
        }
        if !receipt.proven {
            Output.talk(
                "the event is not sealed and signed for yet: get the receipt again in some ten seconds for the proof")
        }
    }

    private func list() async throws {
        let receipts = try await connection.withCoordinator {
            try await $0.receipts.listReceipts(.init(), options: ControlClient.callOptions).receipts
        }
        output.list(
            receipts.map { ReceiptLine(receipt: $0) }, empty: "you have said yes or no to nothing yet, so there is none"
        )
    }

    private func verifyFile(_ path: String) throws {
        let trust = try ca.map { try TrustBundle(pem: TextFile.read($0)) } ?? connection.identityFiles().load().trust
        let signatures = CoordinatorSignatures(trust: trust)
        let check: ReceiptCheck
        do {
            check = try ReceiptCheck(Array(TextFile.read(path).utf8)) { signatures.fault(of: $0, over: $1, at: $2) }
        } catch let error as JSONError {
            throw CommandFailure(.failed, "\(path) is no receipt: \(error)", cause: error)
        }
        let faults = JSONValue.array(check.faults.map { .string($0) })
        guard check.faults.isEmpty else {
            if [.json, .yaml].contains(output.format) { output.write(["ok": false, "faults": faults]) }
            throw CommandFailure(
                .failed, "\(path) was altered:\n" + check.faults.map { "  \($0)" }.joined(separator: "\n"),
                next: "get it again with `plimsoll consent receipt\(check.id.isEmpty ? "" : " \(check.id)")`, "
                    + "and see that --ca is the authority of the deployment it is from")
        }
        let proof =
            check.proof.map { "its event is link \($0.seq) of the chain, and head \($0.head.head.seq) covers it" }
            ?? "it has no proof of inclusion: it was issued before the event was sealed and signed for"
        output.report(
            "\(path) is as it was issued; \(proof)",
            [
                "ok": true, "receipt": .string(check.id), "faults": [],
                "link": check.proof.map { .number(JSONNumber($0.seq)) } ?? .null,
            ])
    }
}

extension ReceiptForm: ExpressibleByArgument {}

private struct ReceiptLine: Listable {
    let receipt: Plimsoll_V1_ConsentReceipt

    static var columns: [Column<Self>] {
        [
            Column("receipt", "receipt") { .string($0.receipt.receiptID) },
            Column("purpose", "purpose") { .string($0.receipt.purpose) },
            Column("state", "state") { .string($0.receipt.state) },
            Column("at", "at") { .string(Plimsoll_V1_ConsentReceipt.moment($0.receipt.atMicroseconds)) },
            Column("until", "until") {
                $0.receipt.untilMicroseconds == 0
                    ? .null : .string(Plimsoll_V1_ConsentReceipt.moment($0.receipt.untilMicroseconds))
            },
            Column("notice", "notice") {
                $0.receipt.notice.isEmpty ? .null : .string("\($0.receipt.notice)/\($0.receipt.noticeVersion)")
            },
        ]
    }
}
