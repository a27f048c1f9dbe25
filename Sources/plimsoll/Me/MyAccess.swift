import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct MyAccess: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access", abstract: "Who looked at what is held of you, and what was done in your name or to you.",
        discussion: """
            Certificates issued in your name, exports that hold your answers (under a pseudonym), and every look of \
            somebody else at you alone or at a list that names you: who, at what, on which day. A role that was taken from \
            you or access that was stopped: by whom, and why. Nobody else can ask for this, and you can also when you \
            are shut out.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let entries = try await connection.withCoordinator {
            try await $0.person.listAccess(.init(), options: ControlClient.callOptions).entries
        }
        output.list(entries, empty: "nobody looked at what is held of you")
    }
}

extension Plimsoll_V1_AccessEntry: Listable {
    static var columns: [Column<Self>] {
        [
            Column("on", "on") { .string($0.on) },
            Column("by", "by") { .string($0.by) },
            Column("what", "what") { .string($0.what) },
            Column("detail", "detail") { .string($0.detail) },
        ]
    }
}
