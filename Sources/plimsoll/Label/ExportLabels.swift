import ArgumentParser
import Exchange
import PlimsollModel

struct ExportLabels: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the labels of a project for one use into a folder.",
        discussion: """
            Labels whose author has not agreed to the purpose, or has withdrawn, are left out. Authors appear under \
            pseudonyms of this export alone. The last line on stdout is the path of manifest.json; \
            `plimsoll label verify` checks the folder against it.
            """)

    @Option(help: "The project.")
    var project: String
    @Option(help: "What the labels are for.")
    var purpose: String
    @Option(name: .customLong("to"), help: "The folder; made when it is not there, refused when it holds an export.")
    var directory: String
    @Option(help: "jsonl, csv or labelstudio.")
    var format: TaskFormat = .jsonl
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let export = LabelExport(project: project, purpose: purpose, format: format, directory: directory)
        let progress = Progress("exporting \(project)", unit: "labels")
        defer { progress.finish() }
        let (path, manifest) = try await connection.withCoordinator { try await export.run($0, progress: progress) }
        progress.finish()
        let counts = manifest.counts
        Output.talk(
            "\(Counted.of(counts.labels, "label")) of \(Counted.of(counts.tasks, "task")) by "
                + "\(counts.annotators == 1 ? "1 person" : "\(counts.annotators) people"); \(counts.excluded) left out")
        output.report(path, ["manifest": .string(path), "labels": .number(JSONNumber(counts.labels))])
    }
}
