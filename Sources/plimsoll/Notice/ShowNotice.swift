import ArgumentParser
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct ShowNotice: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "The exact text of a notice.")

    @Argument(help: "The notice's id.")
    var id: String
    @Option(help: "Which version; the latest where it is not named.")
    var version: UInt32?
    @Flag(help: "What it says otherwise than the version before.")
    var diff = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let notices = try await connection.withCoordinator { client in
            try await client.control.listNotices(.with { $0.id = id }, options: ControlClient.callOptions).notices
        }
        let versions = notices.filter { $0.id == id && (version == nil || $0.version == version) }
        guard let notice = versions.max(by: { $0.version < $1.version }) else {
            throw CommandFailure(
                .notFound, "there is no notice \(id)\(version.map { " version \($0)" } ?? "")",
                next: "`plimsoll notice list` names those there are")
        }
        guard diff else { return output.details(NoticeDetails(document: notice)) }
        guard let before = notices.filter({ $0.version < notice.version }).max(by: { $0.version < $1.version }) else {
            return output.report("version \(notice.version) of \(id) is the first", ["fields": [], "text": []])
        }
        let difference = NoticeDifference(from: before, to: notice)
        output.report(
            (["\(id): version \(before.version) to \(notice.version)"] + difference.shown).joined(separator: "\n"),
            difference.json)
    }
}
