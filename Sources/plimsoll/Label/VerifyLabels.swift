import ArgumentParser
import Exchange
import PlimsollModel

struct VerifyLabels: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compare the files of an export with its manifest.",
        discussion: """
            Needs no coordinator. Exit code 1 when anything differs. Whether records must be dropped since, \
            `plimsoll label superseded fetch` asks.
            """)

    @Argument(help: "The export's folder.")
    var directory: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let mismatches: [ExportManifest.Mismatch]
        do {
            mismatches = try ExportManifest.verify(directory: directory)
        } catch let error as ExchangeError where error.code == .missing {
            throw CommandFailure(
                .notFound, "\(directory) holds no export: \(error.message)",
                next: "name a folder that `plimsoll label export` has finished", cause: error)
        }
        let list = mismatches.map { JSONValue.string($0.description) }
        guard mismatches.isEmpty else {
            if [.json, .yaml].contains(output.format) { output.write(["ok": false, "mismatches": .array(list)]) }
            throw CommandFailure(
                .failed,
                "\(directory) is not what its manifest says\n"
                    + mismatches.map { "  \($0)" }.joined(separator: "\n"),
                next: "export again into another folder")
        }
        let manifest = try ExportManifest.newest(in: directory)
        let dropped = manifest.dropped.count
        let rest =
            dropped == 0
            ? ""
            : "; \(ExportManifest.fileName(number: manifest.number)) names \(dropped) of its records that must be "
                + "dropped before it is used"
        output.report(
            "\(directory) is what its manifest says\(rest)",
            ["ok": true, "mismatches": [], "dropped": .number(JSONNumber(dropped))])
    }
}
