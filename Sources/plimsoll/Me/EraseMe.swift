import ArgumentParser
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct EraseMe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Have what you answered removed, under one purpose or all of it and your name.",
        discussion: """
            Withdraws first what you still agree to. Your answers, late answers and what the record says of you in \
            words are removed; earlier exports are told what to drop. Without --purpose your name goes too, and with \
            it your certificate: what has to stay (which tasks you had, your agreements) stands under a pseudonym. It \
            cannot be undone.
            """)

    @Option(help: "Only what stands on this purpose; you and your other answers stay.")
    var purpose: String?
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    /// Withdrawals settle what they owe before answers go.
    private static let callWithin = Duration.seconds(120)

    func run() async throws {
        let question =
            purpose.map { "Withdraw \($0) and remove for good every answer of yours that stands on it?" }
            ?? "Withdraw everything, and remove for good all your answers and your name?"
        try confirm.confirm(question, output: output)
        var options = ControlClient.callOptions
        options.timeout = Self.callWithin
        let (request, callOptions) = (Plimsoll_V1_EraseRequest.with { $0.purpose = purpose ?? "" }, options)
        let done = try await connection.withCoordinator { try await $0.person.erase(request, options: callOptions) }
        output.report(Self.text(done), Self.json(done))
    }

    static func text(_ done: Plimsoll_V1_EraseResponse) -> String {
        var lines = done.receipts.map { "\($0.purpose): \($0.state); receipt \($0.receiptID)" }
        lines.append("\(done.labels) labels and \(done.lateAnswers) late answers are removed")
        if !done.pseudonym.isEmpty {
            lines.append("your name is removed; what had to stay stands under \(done.pseudonym)")
        }
        return lines.joined(separator: "\n")
    }

    static func json(_ done: Plimsoll_V1_EraseResponse) -> JSONValue {
        [
            "receipts": .array(done.receipts.map(\.json)), "labels": .number(JSONNumber(Int(done.labels))),
            "late_answers": .number(JSONNumber(Int(done.lateAnswers))),
            "pseudonym": .textOrNull(done.pseudonym),
            "chain_details": .number(JSONNumber(Int(done.chainDetails))),
        ]
    }
}
