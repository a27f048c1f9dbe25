import ArgumentParser
import Exchange
import PlimsollModel
import PlimsollProtocol
import SwiftProtobuf

struct SupersededLabels: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "superseded",
        abstract: "Earlier exports with records that must be dropped: which, and what.",
        discussion: """
            When somebody takes back what their labels stood on, each earlier export gets a new manifest within a \
            minute. It names the records to drop under the export's own pseudonyms and never says why.
            """,
        subcommands: [ListSuperseded.self, FetchSuperseded.self])
}

struct ListSuperseded: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Exports that were superseded, newest first.")

    @Option(help: "Only of this project.")
    var project: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let exports = try await connection.withCoordinator { client in
            try await client.exports.listSuperseded(
                .with { $0.project = project ?? "" }, options: ControlClient.callOptions
            ).exports
        }
        output.list(exports, empty: "nothing need be dropped from any export")
    }
}

struct FetchSuperseded: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Write the newest manifest of an export beside the one in its folder.",
        discussion: """
            The files stay as they are; drop the records that the new manifest names before they are used. The last \
            line on stdout is the path of the newest manifest.
            """)

    @Argument(help: "The export's folder.")
    var directory: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let refresh = ManifestRefresh(directory: directory)
        let local = try refresh.local()
        let (path, manifest) = try await connection.withCoordinator { try await refresh.run($0, local) }
        Output.talk(
            manifest.number == local.number
                ? "nothing new must be dropped"
                : "\(manifest.dropped.count) records must be dropped, \(manifest.counts.labels) labels are left")
        output.report(
            path,
            [
                "manifest": .string(path), "number": .number(JSONNumber(manifest.number)),
                "dropped": .number(JSONNumber(manifest.dropped.count)),
            ])
    }
}

extension Plimsoll_V1_SupersededExport: Listable {
    static var columns: [Column<Self>] {
        [
            Column("export", "export", right: true) { .number(JSONNumber($0.export)) },
            Column("project", "project") { .string($0.project) },
            Column("purpose", "purpose") { .string($0.purpose) },
            Column("cut on", "cut_on") { .string($0.cutOn) },
            Column("by", "exported_by") { .string($0.exportedBy) },
            Column("labels", "labels", right: true) { .number(JSONNumber(Int($0.labels))) },
            Column("to drop", "dropped", right: true) { .number(JSONNumber(Int($0.dropped))) },
            Column("manifest", "number", right: true) { .number(JSONNumber(Int($0.number))) },
            Column("since", "written_on") { .string($0.writtenOn) },
        ]
    }
}
