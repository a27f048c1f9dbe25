import ArgumentParser
import PlimsollModel

struct ValidatePolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check a policy document without a coordinator.")

    @Argument(help: "The document, a YAML file.")
    var file: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        _ = try Self.read(file)
        output.report("\(file) is a valid policy", ["ok": true])
    }

    /// The document's text, after it was parsed; complaints name file, line and column.
    static func read(_ file: String) throws -> String {
        let text = try TextFile.read(file)
        _ = try parse(text, file)
        return text
    }

    /// The document itself.
    static func document(_ file: String) throws -> PolicyDocument { try parse(TextFile.read(file), file) }

    private static func parse(_ text: String, _ file: String) throws -> PolicyDocument {
        do {
            return try PolicyDocument(yaml: text)
        } catch {
            throw CommandFailure(.wrongUse, "\(file): \(error.description)", cause: error)
        }
    }
}
