import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct MyAccess: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access", abstract: "Who looked at what is held of you, and what was issued in your name.",
        discussion: """
            Certificates issued in your name, exports that hold your answers (under a pseudonym), and every look of \
            somebody else at a list with you in it: who, at what, on which day. Nobody else can ask for this.
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
