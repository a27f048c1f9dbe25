import ArgumentParser
import Ledger
import PlimsollModel
import QualityReview

struct ValidatePolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check a policy document without a coordinator.",
        discussion: """
            Names every problem with its line and column. Warns where nobody could be leased anything, and where a task \
            of the usual estimate, 5m, would be leased to nobody; for the tasks that wait, `plimsoll policy apply` says \
            the same of their own estimates.
            """)

    @Argument(help: "The document, a YAML file.")
    var file: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        let warning = Self.warning(try Self.read(file).document)
        Output.warn(warning)
        output.report(
            "\(file) is a valid policy", ["ok": true, "warning": .textOrNull(warning)])
    }

    /// Where nobody is leased anything: by which limit. Where not even a task of the usual estimate fits: which is the
    /// longest that does. Empty: it fits.
    static func warning(_ document: PolicyDocument) -> String {
        if let stop = document.stopsEveryone {
            return "this policy would stop everyone: \(stop); plimsoll policy apply asks once more before it does that"
        }
        let usual = Duration.seconds(ProjectDraft.effortDefault)
        let fit = Gate.longestFit(kind: "", severity: 0, limits: document.limits)
        guard usual > fit.longest else { return "" }
        return TooLong(kind: "", severity: 0, effort: usual, longest: fit.longest, limit: fit.bound).sentence
            + "; \(DurationText.readable(usual)) is what a project has that names none (plimsoll project set --effort)"
    }

    /// The document's text and what it says; complaints name file, line and column.
    static func read(_ file: String) throws -> (text: String, document: PolicyDocument) {
        let text = try TextFile.read(file)
        do {
            return (text, try PolicyDocument(proposed: text))
        } catch {
            let problems = error.description.split(separator: "\n")
            guard problems.count > 1 else { throw CommandFailure(.wrongUse, "\(file): \(problems[0])", cause: error) }
            throw CommandFailure(
                .wrongUse, "\(file) cannot be used:\n" + problems.map { "  \($0)" }.joined(separator: "\n"),
                cause: error)
        }
    }
}
