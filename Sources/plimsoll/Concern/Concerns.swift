import ArgumentParser
import PlimsollModel
import PlimsollProtocol

struct Concerns: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "concern", abstract: "What worries you: raise it, answer it, pull the cord; works at any limit.",
        discussion: """
            A human being replies within one working day; until then it goes to one more of the project's named persons \
            each day. With --anonymous nothing of who or when is kept, but the date; the token that is shown once reads \
            the answer.
            """,
        subcommands: [
            RaiseConcern.self, ListConcerns.self, AnswerConcern.self, ShowConcern.self, Cords.self, ShowDigest.self,
        ])
}

extension Plimsoll_V1_ConcernDocument: Listable {
    static var columns: [Column<Self>] {
        [
            Column("id", "id", right: true) { .number(JSONNumber($0.id)) },
            Column("project", "project") { .textOrNull($0.project) },
            Column("kind", "kind") { .string($0.kind) },
            Column("by", "author", shown: { $0.author.isEmpty ? "without a name" : $0.author }) {
                .textOrNull($0.author)
            },
            Column("raised on", "raised_on") { .string($0.raisedOn) },
            Column("due on", "due_on") { .string($0.dueOn) },
            Column("state", "state", shown: \.stateText) { .string($0.stateText) },
            Column("text", "text") { .string($0.text) },
            Column(
                "answers", "answers",
                shown: { $0.answers.map { "\($0.by), \($0.on): \($0.text)" }.joined(separator: "\n") }
            ) {
                .array(
                    $0.answers.map { ["by": .string($0.by), "on": .string($0.on), "text": .string($0.text)] })
            },
        ]
    }

    private var stateText: String {
        if !answers.isEmpty { return "answered" }
        return daysOverdue == 0 ? "waiting" : "overdue by \(daysOverdue) working days"
    }
}

/// Words given on the command line or in a file.
struct Words: ParsableArguments {
    @Argument(help: "The text.")
    var text: String?
    @Option(help: "The text from a file; `-` is standard input.")
    var file: String?

    func validate() throws {
        guard (text == nil) != (file == nil) else { throw ValidationError("give either the text or --file") }
    }

    func read() throws -> String {
        if let file { return try TextFile.read(file) }
        return text ?? ""
    }
}
