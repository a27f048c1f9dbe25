import ArgumentParser
import GRPCCore
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct EraseMe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Have what you answered removed, under one purpose or all of it and your name.",
        discussion: """
            Withdraws first what you still agree to, and has earlier exports told what to drop.

            \(before(nil).joined(separator: "\n"))

            With --purpose:
            \(before("PURPOSE").joined(separator: "\n"))
            """)

    @Option(help: "Only what stands on this purpose; you and your other answers stay.")
    var purpose: String?
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    /// Withdrawals settle what they owe before answers go.
    private static let callWithin = Duration.seconds(120)

    /// What goes, what stays and that it is for good; nil: everything.
    static func before(_ purpose: String?) -> [String] {
        guard let purpose else {
            return [
                "goes: your answers and late answers, your time, limits, raises, enrolments, teams and certificates, who "
                    + "looked at what is held of you, your name, and what the record says of you in words",
                "stays, under a pseudonym: what you agreed to and took back, which tasks you had, and for 90 days which "
                    + "of them ended in vain",
                "stays, without a name: what you raised a concern about",
                "stays, with your name, where you once acted for others: which policies and notices you put in force, "
                    + "and what you did to somebody for a reason; and wherever somebody else wrote it into a sentence",
                "It cannot be undone, and your certificate ends with it.",
            ]
        }
        return [
            "goes: your answers and late answers that stand on \(purpose), whatever else they stand on",
            "stays: you, your other answers, what you agreed to and took back, and which tasks you had, so that none of "
                + "those is asked of you again",
            "It cannot be undone: agreeing again brings no answer back.",
        ]
    }

    func run() async throws {
        Self.before(purpose).forEach(Output.talk)
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
        lines.append(
            "removed for good: \(Counted.of(done.labels, "label")), \(Counted.of(done.lateAnswers, "late answer"))")
        if done.labels > 0 { lines.append("whoever holds a finished export of them is told what to drop") }
        lines.append(
            done.pseudonym.isEmpty
                ? "you and your other answers stay; the tasks of those that went are not asked of you again"
                : "your name is removed, and \(Counted.of(done.chainDetails, "detail")) of the record with it; what you "
                    + "agreed to and which tasks you had stand under \(done.pseudonym); this certificate does nothing "
                    + "any more")
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
