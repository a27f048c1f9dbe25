import ArgumentParser
import PlimsollModel
import PlimsollProtocol

struct Labels: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Accepted answers: take them out, with proof.",
        subcommands: [ExportLabels.self, VerifyLabels.self, SupersededLabels.self, LateAnswers.self])
}

struct LateAnswers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "late", abstract: "Answers that came when their lease was gone; kept until a human decides.",
        subcommands: [ListLateAnswers.self, AcceptLateAnswer.self, DiscardLateAnswer.self])
}

extension Plimsoll_V1_LateAnswerRow: Listable {
    static var columns: [Column<Self>] {
        [
            Column("id", "id", right: true) { .number(JSONNumber($0.id)) },
            Column("task", "key") { .string($0.key) },
            Column("came on", "arrived_on") { .string($0.arrivedOn) },
            Column("why late", "reason") { .string($0.reason) },
            Column("answer", "answer") { row in
                // What was accepted as an answer is JSON; anything else is shown as the text it is.
                (try? JSONValue.parse(Array(row.answer))) ?? .string(String(decoding: row.answer, as: UTF8.self))
            },
        ]
    }
}
