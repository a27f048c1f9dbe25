import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct MyAccess: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access", abstract: "Who looked at what is held of you, and what was done in your name or to you.",
        discussion: """
            Certificates issued in your name, exports that hold your answers or were begun and may have taken some \
            (under a pseudonym), and every look of somebody else at you alone or at a list that names you: who, at \
            what, on which day. A role that was taken from you or access that was stopped: by whom, and why. Nobody \
            else can ask for this, and you can also when you are shut out.

            An operator stops a certificate that is not yours: `plimsoll cert deny --serial SERIAL --reason WHY`.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let entries = try await connection.withCoordinator {
            try await $0.person.listAccess(.init(), options: ControlClient.callOptions).entries
        }
        output.list(entries, empty: "nobody looked at what is held of you")
        if output.format == .table, let advice = Self.advice(entries) { Output.talk(advice) }
    }

    /// What to do about a certificate that somebody else holds; nil: none was issued.
    static func advice(_ entries: [Plimsoll_V1_AccessEntry]) -> String? {
        guard entries.contains(where: { $0.what == certificate }) else { return nil }
        return "a certificate that is not yours: ask an operator for plimsoll cert deny --serial SERIAL --reason WHY"
    }

    /// As an entry says that a certificate was issued; its detail begins with the serial.
    private static let certificate = "certificate"
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
